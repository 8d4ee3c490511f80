"""`fairing-kfp runs`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import fairing_kfp as package
from fairing_kfp.cli import main
from fairing_kfp.remote import run
from tests.support.command_line import fairing_kfp
from tests.support.kfp_stand_in import KfpStandIn, serve_kfp
from tests.support.ml_metadata import StoredArtifact, StoredExecution
from tests.support.remote_pipelines import digits
from tests.support.stand_in_builder import StandInBuilder
from tests.support.workflow_nodes import pod_name, step


@pytest.fixture
def kfp(monkeypatch: pytest.MonkeyPatch) -> Iterator[KfpStandIn]:
    monkeypatch.setattr(run, "_PAUSES", (0.0, 0.0))
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    with serve_kfp() as stand_in:
        monkeypatch.setenv("FAIRING_KFP_HOST", stand_in.url)
        yield stand_in


def submit(kfp: KfpStandIn, name: str, *progress: tuple[str, list[Any]], experiment: str | None = None) -> str:
    kfp.progress = list(progress)
    return package.submit(digits, {"depth": 6}, name=name, experiment=experiment, builder=StandInBuilder()).id


def test_runs_are_listed_by_experiment(kfp: KfpStandIn) -> None:
    first = submit(kfp, "one", ("RUNNING", []))
    second = submit(kfp, "two", ("RUNNING", []), experiment="nightly")
    code, output = fairing_kfp("runs", "list")

    assert code == 0
    assert [line.split()[:3] for line in output.splitlines()] == [
        ["id", "name", "state"],
        [first, "one", "pending"],
        [second, "two", "pending"],
    ]
    assert fairing_kfp("runs", "list", "--experiment", "none")[0] == 3
    assert kfp.sent("GET")[-1] == "/apis/v2beta1/experiments"


def test_the_list_has_several_pages(kfp: KfpStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairing_kfp.remote import runs

    monkeypatch.setattr(runs, "_PAGE", 2)
    for number in range(5):
        submit(kfp, f"run {number}", ("RUNNING", []))
    _, output = fairing_kfp("runs", "list", "--json", "--limit", "4")

    assert [one["name"] for one in json.loads(output)] == ["run 0", "run 1", "run 2", "run 3"]
    assert kfp.sent("GET").count("/apis/v2beta1/runs") == 2


def test_an_empty_list_says_so(kfp: KfpStandIn) -> None:
    assert fairing_kfp("runs", "list") == (0, "no runs\n")


def test_a_run_is_shown_with_its_arguments_and_steps(kfp: KfpStandIn) -> None:
    run_id = submit(kfp, "one", ("RUNNING", step("train", "SUCCEEDED", 5, 8)))
    code, output = fairing_kfp("runs", "show", run_id)

    assert code == 0
    assert output.splitlines()[:2] == [f"one running: {kfp.url}/#/runs/details/{run_id}", "  depth = 6"]
    assert ["train", "succeeded", "3", "s"] in [line.split() for line in output.splitlines()]
    _, output = fairing_kfp("runs", "show", run_id, "--json")
    assert json.loads(output)["steps"][0] == {
        "name": "train",
        "state": "succeeded",
        "started": "2026-01-01T12:00:05+00:00",
        "ended": "2026-01-01T12:00:08+00:00",
        "cached": False,
        "outputs": {},
        "artifacts": [],
    }


def test_json_of_a_followed_run_comes_alone_when_it_ends(kfp: KfpStandIn) -> None:
    ends = ("SUCCEEDED", step("train", "SUCCEEDED", 5, 8))
    run_id = submit(kfp, "one", ("RUNNING", step("train", "RUNNING", 5)), ends)
    done = CliRunner().invoke(main, ["runs", "show", run_id, "--follow", "--json"], catch_exceptions=False)

    assert json.loads(done.stdout)["state"] == "succeeded"
    assert "✔ one succeeded" in done.stderr


def test_outputs_and_artifacts_are_shown_and_downloaded(
    kfp: KfpStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_id = submit(kfp, "one", ("SUCCEEDED", step("train", "SUCCEEDED", 5, 8)))
    artifacts = {
        "executor-logs": StoredArtifact("minio://b/log"),
        "model": StoredArtifact("minio://b/model", "system.Model", {"epochs": 3.0, "name": "a b"}),
    }
    outputs = {"Output": 3.0, "note": "x " * 200}
    kfp.metadata.runs[run_id] = [StoredExecution(""), StoredExecution("train", outputs=outputs, artifacts=artifacts)]
    kfp.objects["b/model"] = b"weights"
    code, output = fairing_kfp("runs", "show", run_id)

    assert code == 0
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert lines[-6:-4] == ["step output value", "train Output 3.0"]
    assert lines[-4].startswith("train note x x")
    assert lines[-4].endswith("…")
    assert lines[-2:] == ["step artifact type metadata", "train model system.Model epochs=3, name=a b"]
    _, output = fairing_kfp("runs", "show", run_id, "--json")
    shown = json.loads(output)["steps"][0]
    assert shown["outputs"] == outputs
    assert [one["name"] for one in shown["artifacts"]] == ["executor-logs", "model"]
    assert shown["artifacts"][1]["uri"] == "minio://b/model"
    assert fairing_kfp("runs", "download", run_id, "train", "model") == (0, "✔ minio://b/model → model\n")
    assert (tmp_path / "model").read_bytes() == b"weights"
    code, output = fairing_kfp("runs", "download", run_id, "train", "modle", "-o", "new")
    assert (code, (tmp_path / "new").exists()) == (3, False)
    assert "has no artifact 'modle'" in output


def test_a_run_is_shown_if_its_host_has_no_pages(kfp: KfpStandIn) -> None:
    kfp.pages = False
    run_id = submit(kfp, "one", ("RUNNING", step("train", "SUCCEEDED", 5, 8)))
    code, output = fairing_kfp("runs", "show", run_id)

    assert code == 0
    assert f"which {kfp.url} does not serve" in output
    _, output = fairing_kfp("runs", "show", run_id, "--json")
    assert json.loads(output)["steps"][0]["outputs"] is None


def test_a_run_is_followed_again(kfp: KfpStandIn) -> None:
    run_id = submit(kfp, "one", ("RUNNING", []), ("SUCCEEDED", []))
    code, output = fairing_kfp("runs", "show", run_id, "--follow")

    assert (code, output.splitlines()[-1]) == (0, "✔ one succeeded")


def test_the_logs_of_all_steps_are_prefixed(kfp: KfpStandIn) -> None:
    nodes = [*step("prepare", "SUCCEEDED", 1, 2), *step("train", "SUCCEEDED", 5, 8)]
    run_id = submit(kfp, "one", ("SUCCEEDED", nodes))
    kfp.logs = {pod_name("prepare"): "a\nb", pod_name("train"): "c"}

    assert fairing_kfp("runs", "logs", run_id) == (0, "prepare │ a\nprepare │ b\ntrain │ c\n")
    assert fairing_kfp("runs", "logs", run_id, "prepare", "--lines", "1") == (0, "b\n")
    del kfp.logs[pod_name("prepare")]
    code, output = fairing_kfp("runs", "logs", run_id)
    assert code == 3
    assert output.startswith("train │ c\n")
    assert "the log of the step prepare cannot be read from here" in output


def test_a_run_is_canceled(kfp: KfpStandIn) -> None:
    run_id = submit(kfp, "one", ("RUNNING", []))
    code, output = fairing_kfp("runs", "cancel", run_id)

    assert (code, output.startswith("✔ canceling one")) == (0, True)
    assert kfp.sent("POST")[-1] == f"/apis/v2beta1/runs/{run_id}:terminate"
    assert fairing_kfp("runs", "cancel", run_id)[0] == 3


def test_a_failed_run_is_retried_and_followed(kfp: KfpStandIn) -> None:
    run_id = submit(kfp, "one", ("FAILED", []))
    kfp.progress = [("RUNNING", []), ("SUCCEEDED", [])]
    code, output = fairing_kfp("runs", "retry", run_id)

    assert (code, output.splitlines()[-1]) == (0, "✔ one succeeded")


def test_an_unknown_run_is_reported(kfp: KfpStandIn) -> None:
    code, output = fairing_kfp("runs", "show", "none")

    assert code == 3
    assert "cannot read the run none" in output
