"""Train steps against a real Kubernetes: what a job gives back, and what is said of one that fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.trains import Bench
from tests.train_steps import launched, made_by, outputs_in

pytestmark = [pytest.mark.kubernetes, pytest.mark.registry]


def test_files_and_folders_come_and_go(bench: Bench, tmp_path: Path) -> None:
    inputs = tmp_path / "in"
    (inputs / "folder" / "deep").mkdir(parents=True)
    (inputs / "data").write_text("all of it")
    for name in ("a b", "deep/ü.txt", "empty"):
        (inputs / "folder" / name).write_text(name if name != "empty" else "")
    step = bench.steps["learn"]
    given = bench.input(step, {"depth": 8}, {name: f"{inputs}/{name}" for name in ("data", "folder")})

    done = bench.start(step, given)

    assert done.end() == 0, done.log
    made = made_by(given)
    assert made["parameters"] == {"score": 4.0, "words": ["all of it"], "count": 3}
    assert made["metadata"]["model"] == {"depth": 8}
    assert made["metadata"]["metrics"] == {"accuracy": 0.5}
    assert made["paths"]["model"].read_text() == "8 all of it"
    deep = made["paths"]["made"] / "deep" / "ly"
    assert {path.name: path.read_text() for path in deep.iterdir()} == {
        "a b": "a b",
        "ü.txt": "deep/ü.txt",
        "empty": "",
    }
    assert "learning from ['a b', 'deep/ü.txt', 'empty']" in done.lines
    bench.nothing_left(done)


def test_in_a_pod_under_the_role_of_jobs_alone(bench: Bench, kubectl: Callable[..., str]) -> None:
    step = bench.steps["learn"]
    store = "minio://mlpipeline/v2/artifacts/elsewhere/run"
    files = {"data": b"all", "folder/a": b"1", "folder/deep/b": b"2"}
    given = step.executor_input(store, {"depth": 2}, {name: f"{store}/in/{name}" for name in ("data", "folder")})
    place = "/minio/mlpipeline/v2/artifacts/elsewhere/run"
    pod = launched(step, given, bench.account, {f"{place}/in/{name}": data for name, data in files.items()})

    made = bench.create(pod)
    log = bench.log_of(made)

    outputs = outputs_in(log)
    assert outputs[f"{place}/model"] == b"2 all"
    assert {outputs[f"{place}/made/deep/ly/{name}"] for name in "ab"} == {b"1", b"2"}
    listed = json.loads(outputs["/tmp/kfp_outputs/output_metadata.json"])
    assert listed["parameterValues"] == {"score": 1.0, "words": ["all"], "count": 2}
    assert json.loads(kubectl("-n", bench.namespace, "get", "jobs", "-o", "json"))["items"] == []


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("raise ValueError('as it was told')", ["ended with exit code 1", "ValueError: as it was told"]),
        ("import sys; sys.exit(7)", ["ended with exit code 7"]),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", ["ended with exit code 137", "killed by signal 9"]),
    ],
)
def test_failed_code_fails_the_step(bench: Bench, how: str, expected: list[str]) -> None:
    step = bench.steps["behave"]
    done = bench.start(step, bench.input(step, {"how": how}))

    assert done.end() == 1, done.log
    for words in [f"told to {how}", "Job of behave failed", *expected]:
        assert words in done.log
    assert not (bench.outputs / "kfp_outputs").exists()
    bench.nothing_left(done)
