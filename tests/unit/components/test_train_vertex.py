"""`train_vertex`, with a stand-in for Vertex AI that runs the command."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.components.step import run_step
from fairing_kfp.components.steps.train_vertex import TRAIN_VERTEX
from fairing_kfp.errors import ConfigError, FairingError, JobFailedError
from fairing_kfp.train.vertex.step import train
from tests.support.vertex_stand_in import PROJECT, REGION, STAGING, Ending, Vertex, run_in_process, serve_vertex
from tests.support.vertex_steps import IMAGE, login

_TRAIN = """
import os, sys
data, model, metrics = sys.argv[1:]
if os.environ["WORD"] == "fail":
    sys.exit(3)
os.mkdir(model)
open(os.path.join(model, "weights"), "w").write(open(data).read()[::-1] + os.environ["WORD"])
open(metrics, "w").write('{"accuracy": 0.75}')
"""


@pytest.fixture
def vertex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vertex]:
    root = tmp_path / "buckets"

    def run(job: Any, cancelled: threading.Event) -> Ending:
        return run_in_process(job, cancelled, root, [], {})

    monkeypatch.setitem(train.__kwdefaults__, "interval", 0.05)
    with serve_vertex(root, run) as stand_in:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", stand_in.endpoint)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(login(tmp_path, stand_in.endpoint)))
        monkeypatch.delenv("KFP_POD_NAME", raising=False)
        monkeypatch.setattr("google.oauth2.service_account.Credentials.refresh", _refresh)
        yield stand_in


def _refresh(credentials: Any, request: Any) -> None:
    credentials.token = "nobody"


def _run(vertex: Vertex, folder: Path, word: str = "!", **values: Any) -> dict[str, Any]:
    data = folder / "data"
    data.write_text("rows")
    root = folder / "out"
    given = {
        "inputs": {
            "parameterValues": {
                "image": IMAGE,
                "command": ["python3", "-c", _TRAIN],
                "arguments": ["{dataset}", "{model}", "{metrics}"],
                "env": {"WORD": word},
                "project": PROJECT,
                "location": REGION,
                "staging": STAGING,
                "endpoint": vertex.endpoint,
                **values,
            },
            "artifacts": {"dataset": {"artifacts": [{"uri": str(data)}]}},
        },
        "outputs": {
            "artifacts": {name: {"artifacts": [{"uri": str(root / name)}]} for name in ("model", "metrics", "report")},
            "parameters": {"gcp_resources": {"outputFile": str(root / "gcp_resources")}},
            "outputFile": str(root / "output.json"),
        },
    }
    run_step(TRAIN_VERTEX, given, print)
    return dict(json.loads((root / "output.json").read_text()))


def test_a_command_trains_on_vertex_ai(vertex: Vertex, tmp_path: Path) -> None:
    settings = {"display_name": "Digits", "labels": {"team": "research"}, "nodes": 2, "deadline": 60, "spot": True}
    listed = _run(vertex, tmp_path, "go", **settings)

    out, job = tmp_path / "out", vertex.only_job()
    assert (out / "model" / "weights").read_text() == "sworgo"
    assert listed["artifacts"]["metrics"]["artifacts"][0]["metadata"] == {"accuracy": 0.75}
    assert (job.display_name, job.labels["team"]) == ("Digits", "research")
    assert [pool.replica_count for pool in job.job_spec.worker_pool_specs] == [1, 1]
    assert job.job_spec.worker_pool_specs[0].container_spec.image_uri == IMAGE
    assert json.loads((out / "gcp_resources").read_text()) == {
        "resources": [
            {
                "resourceType": "CustomJob",
                "resourceUri": f"https://{REGION}-aiplatform.googleapis.com/v1/{job.name}",
            }
        ]
    }
    report = (out / "report").read_text()
    assert re.search(r"<h1>custom job of 2 machines succeeded in \d+ s</h1>", report)
    assert f"<td>job</td><td>{job.name}</td>" in report
    assert vertex.objects() == []


def test_a_command_that_fails_fails_the_step(vertex: Vertex, tmp_path: Path) -> None:
    with pytest.raises(JobFailedError, match="exited with a non-zero status of 3"):
        _run(vertex, tmp_path, "fail")

    assert not (tmp_path / "out" / "report").exists()
    assert vertex.objects() == []


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"project": ""}, ConfigError, "train-vertex: the input project is missing or empty"),
        ({"location": "mars"}, ConfigError, "train-vertex: region='mars' of its custom job"),
        ({"staging": "s3://bucket"}, ConfigError, "train-vertex: staging='s3://bucket' of its custom job"),
        ({"labels": {"Team": "a"}}, ConfigError, "train-vertex: the label 'Team'"),
        ({"nodes": 0}, ConfigError, "train-vertex: nodes=0 of its custom job"),
        (
            {"fairing_task_config": {"resources": {"limits": {"cpu": "2"}}}},
            ConfigError,
            "train-vertex: its task requests cpu",
        ),
    ],
)
def test_wrong_inputs_are_refused(
    vertex: Vertex, tmp_path: Path, values: dict[str, Any], error: type[FairingError], message: str
) -> None:
    with pytest.raises(error, match=message):
        _run(vertex, tmp_path, **values)

    assert vertex.requests == []
