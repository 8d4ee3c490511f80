"""Fairing's calls on this machine: scripts, functions and models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import fairing_kfp.classic as fairing
from fairing_kfp.classic import TrainJob
from fairing_kfp.errors import ConfigError, StepFailedError


def scaled(values: list[int], *, by: int) -> dict[str, Any]:
    """Scales, and then does what code that submits itself does in a step."""
    import os

    import kubeflow.fairing as old  # type: ignore[import-not-found]
    import own_helpers  # type: ignore[import-not-found]
    from kubeflow import fairing as older  # type: ignore[import-not-found]

    import fairing_kfp.classic as new
    from fairing_kfp import classic, record
    from fairing_kfp.classic.backends import KubeflowGKEBackend

    print("scaling")
    for one in (old, older, new, classic):
        one.config.set_builder("append", registry="nowhere.example.com")
        one.config.run()
        one.TrainJob("train.py", backend=KubeflowGKEBackend()).submit()
    return {
        "values": [own_helpers.scaled(value, by) for value in values],
        "same": new.config.fn(len) is len,
        "runtime": os.environ["FAIRING_RUNTIME"],
        "record": record.__name__,
    }


def test_a_function_takes_arguments_and_helpers_and_calls_of_fairing_do_nothing_in_its_step(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "own_helpers.py").write_text("def scaled(value, by):\n    return value * by\n")
    monkeypatch.syspath_prepend(str(project))
    fairing.config.set_deployer("local")

    result = fairing.config.fn(scaled)([1, 2], by=3)

    assert result == {"values": [3, 6], "same": True, "runtime": "1", "record": "record"}
    assert capsys.readouterr().out.startswith("scaling\n{'values': [3, 6]")


def test_a_script_reads_its_files_and_its_failure_is_an_error(project: Path) -> None:
    (project / "data").mkdir()
    (project / "data" / "a.txt").write_text("seven")
    (project / "wrong.py").write_text("print(open('data/a.txt').read())\nraise SystemExit('no data')")
    deployer = fairing.backends.LocalBackend().get_training_deployer()
    job = TrainJob(str(project / "wrong.py"), input_files=["data"], backend=fairing.backends.LocalBackend())

    with pytest.raises(StepFailedError, match="no data"):
        deployer.deploy(job.builder.generate_pod_spec())

    assert deployer.handle is not None
    assert (str(deployer.handle), repr(deployer.handle)) == ("wrong", "JobHandle('wrong', failed)")
    assert deployer.handle.logs().splitlines()[0] == "seven"
    with pytest.raises(StepFailedError):
        deployer.handle.wait()


def test_only_classes_are_served_on_this_machine() -> None:
    fairing_image = fairing.deployers.kfserving.kfserving.KFServing("sklearn", "gs://bucket/model")
    fairing_image.place = fairing.backends.LocalBackend().get_serving_deployer("Model").place

    with pytest.raises(ConfigError, match="cannot be served on this machine"):
        fairing_image.deploy()
