"""What train components pass to a job, and what they make of its outputs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.components import train_command
from fairing_kfp.components.step import run_step
from fairing_kfp.components.table import COMPONENTS
from fairing_kfp.errors import ConfigError, FairingError, InvalidReferenceError, JobFailedError
from fairing_kfp.train.any_image.launch import launch_command
from fairing_kfp.train.spec import JobSpec

_IMAGE = "registry.example.com/me/train:1"
_KINDS = ("job", "trainjob", "pytorchjob", "tfjob")


class Jobs:
    """A stand-in for `train`, whose jobs write given files."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[JobSpec, dict[str, Any]]] = []
        self.writes: dict[str, str] = {}
        monkeypatch.setattr(train_command, "train", self.train)
        monkeypatch.setattr(train_command, "Cluster", lambda: None)

    def train(self, spec: JobSpec, given: dict[str, Any], cluster: None, **logs: Any) -> None:
        self.seen.append((spec, given))
        for name, text in self.writes.items():
            path = Path(given["outputs"]["artifacts"][name]["artifacts"][0]["uri"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    return Jobs(monkeypatch)


def _run(root: Path, kind: str = "job", dataset: Path | None = None, **values: Any) -> dict[str, Any]:
    given = {
        "inputs": {
            "parameterValues": {"image": _IMAGE, "command": ["python3", "train.py"], **values},
            "artifacts": {"dataset": {"artifacts": [{"uri": str(dataset)}]}} if dataset else {},
        },
        "outputs": {
            "artifacts": {name: {"artifacts": [{"uri": str(root / name)}]} for name in ("model", "metrics", "report")},
            "outputFile": str(root / "output.json"),
        },
    }
    run_step(COMPONENTS[f"train-{kind}"], given, print)
    return dict(json.loads((root / "output.json").read_text()))


@pytest.mark.parametrize("kind", _KINDS)
def test_the_job_runs_the_command_in_the_image(kind: str, jobs: Jobs, tmp_path: Path) -> None:
    jobs.writes = {"model": "weights", "metrics": '{"accuracy": 0.5}'}
    data = tmp_path / "data"
    data.write_text("rows")
    listed = _run(
        tmp_path / "out",
        kind,
        data,
        arguments=["--data", "{dataset}", "--model", "{model}", "--depth", 8],
        env={"RATE": 0.1},
        nodes=2,
        processes=4,
        cpu="2",
        memory="4Gi",
        gpus=1,
        gpu_resource="amd.com/gpu",
        service_account="trainer",
        run_as_user=1000,
        deadline=60,
        retries=1,
        fairing_task_config={"env": [{"name": "SHAPE", "value": "round"}]},
    )

    ((spec, given),) = jobs.seen
    framework = {"pytorchjob": "torch", "tfjob": "tensorflow"}.get(kind)
    runtime = "torch-distributed" if kind == "trainjob" else ""
    assert (spec.kind, spec.image, spec.nodes, spec.processes) == (kind, _IMAGE, 2, 4)
    assert (spec.framework, spec.runtime, spec.deadline, spec.retries) == (framework, runtime, 60, 1)
    assert spec.pod["serviceAccountName"] == "trainer"
    assert spec.pod["securityContext"]["runAsUser"] == 1000
    (container,) = spec.pod["containers"]
    assert container["command"] == launch_command("--node")
    assert container["resources"] == {
        "requests": {"cpu": "2", "memory": "4Gi", "amd.com/gpu": "1"},
        "limits": {"memory": "4Gi", "amd.com/gpu": "1"},
    }
    words = ["python3", "train.py", "--data", "{dataset}", "--model", "{model}", "--depth", "8"]
    assert given["inputs"]["parameterValues"] == {
        "command": words,
        "env": {"RATE": "0.1"},
        "fairing_task_config": {"env": [{"name": "SHAPE", "value": "round"}]},
    }
    assert given["inputs"]["artifacts"]["dataset"]["artifacts"][0]["uri"] == str(data)
    assert set(given["outputs"]["artifacts"]) == {"model", "metrics"}
    assert given["outputs"]["outputFile"] == os.devnull
    assert listed["artifacts"]["metrics"]["artifacts"][0]["metadata"] == {"accuracy": 0.5}
    report = (tmp_path / "out" / "report").read_text()
    assert f"<h1>{spec.shown} succeeded in 0 s</h1>" in report
    assert "<td>accuracy</td><td>0.5</td>" in report


def test_defaults_are_those_of_a_small_job(jobs: Jobs, tmp_path: Path) -> None:
    _run(tmp_path)

    ((spec, given),) = jobs.seen
    assert (spec.nodes, spec.processes, spec.framework, spec.deadline, spec.retries) == (1, None, None, None, 0)
    assert set(spec.pod["containers"][0]) == {"name", "command"}
    assert given["inputs"]["artifacts"] == {}
    assert "<td>model</td><td>none</td>" in (tmp_path / "report").read_text()


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"image": ""}, ConfigError, "train-job: the input image is missing or empty"),
        ({"image": "A B"}, InvalidReferenceError, "train-job: the input image: .* is malformed"),
        ({"command": []}, ConfigError, "train-job: the input command is missing or empty"),
        ({"command": "train.py"}, ConfigError, "train-job: the input command is 'train.py', not of type list"),
        ({"command": ["python3", ["train.py"]]}, ConfigError, r"\['train.py'\] in the input command, arguments is not"),
        ({"env": {"A": None}}, ConfigError, "None in the input env is not a string"),
        ({"arguments": ["--data={dataset}"]}, ConfigError, "reads {dataset}, but the task has no dataset"),
        ({"nodes": 0}, ConfigError, "train-job: nodes=0 of its Job"),
        ({"processes": 0}, ConfigError, "train-job: processes=0 of its Job"),
        ({"framework": "caffe"}, ConfigError, "framework='caffe'"),
        ({"logs": "none"}, ConfigError, "logs='none'"),
        ({"gpus": -1}, ConfigError, "-1 is not a number of GPUs"),
        ({"memory": "4gb"}, ConfigError, "4gb"),
    ],
)
def test_wrong_inputs_are_refused(
    jobs: Jobs, tmp_path: Path, values: dict[str, Any], error: type[FairingError], message: str
) -> None:
    with pytest.raises(error, match=message):
        _run(tmp_path / "out", **values)

    assert not jobs.seen
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_not_written_fails_the_step(jobs: Jobs, tmp_path: Path) -> None:
    with pytest.raises(JobFailedError, match=r"Job of train-job succeeded, but nothing was written to \{model\}"):
        _run(tmp_path / "out", env={"MODEL": "{model}"})

    assert not (tmp_path / "out" / "report").exists()


@pytest.mark.parametrize("text", ["accuracy: 1", "[1]", '{"accuracy": "high"}', '{"sure": true}'])
def test_metrics_that_are_no_numbers_do_not_lose_the_model(jobs: Jobs, tmp_path: Path, text: str) -> None:
    jobs.writes = {"model": "weights", "metrics": text}
    listed = _run(tmp_path, arguments=["{model}"])

    assert listed["artifacts"]["metrics"]["artifacts"][0]["metadata"] == {}
    assert "<td>no scalars</td><td>the file is not" in (tmp_path / "report").read_text()
    assert (tmp_path / "model").read_text() == "weights"
