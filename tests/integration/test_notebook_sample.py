"""samples/notebook: a notebook in full mode, run here, with Docker, and on Kubernetes as by KFP."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import DependencyError, StepFailedError
from tests.golden import PIPELINES, assert_golden
from tests.support.services import missing, run
from tests.support.stand_in_builder import StandInBuilder


@pytest.fixture
def sample() -> Any:
    return fairing_kfp.load_pipeline(PIPELINES["notebook"])


def assert_runs(sample: Any, folder: Path, **options: Any) -> None:
    result = fairing_kfp.run(sample, {"hours": 8.0}, output=folder, **options)
    assert result.step("predict").outputs["Output"] == pytest.approx(26, abs=1)
    made = result.folder / "line"
    assert (made / "status").read_text() == ""
    assert 0 < json.loads((made / "error").read_text()) < 1


def test_it_runs_here(sample: Any, shared_cache: Cache, tmp_path: Path) -> None:
    """It succeeds with outputs, or fails with artifacts, and then nothing starts after it."""
    try:
        assert_runs(sample, tmp_path / "well", cache=shared_cache)
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")

    for _ in range(2):  # the second run does not reuse the first
        with pytest.raises(StepFailedError, match=r"cell 7: ValueError: the mean error 0\.\d+ is above 0"):
            fairing_kfp.run(sample, {"limit": 0.0}, output=tmp_path / "badly", cache=shared_cache)
    for failed in (tmp_path / "badly").iterdir():
        assert not (failed / "predict").exists()
        assert "ValueError" in (failed / "line" / "report.html").read_text()
        assert json.loads((failed / "line" / "notebook.ipynb").read_text())["cells"]


def test_it_compiles_to_its_golden_yaml(sample: Any, shared_cache: Cache) -> None:
    try:
        compiled = fairing_kfp.compile(sample, builder=StandInBuilder(), cache=shared_cache)
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")

    assert_golden("notebook", compiled.text)


@pytest.mark.docker
@pytest.mark.registry
def test_it_runs_from_its_pushed_images(
    sample: Any, shared_cache: Cache, tmp_path: Path, docker_options: dict[str, Any]
) -> None:
    docker = {**docker_options["docker"], "read_only": True}
    assert_runs(sample, tmp_path, cache=shared_cache, **{**docker_options, "docker": docker})


@pytest.mark.kubernetes
@pytest.mark.registry
def test_a_failed_notebook_keeps_its_artifacts_and_its_gate_fails(
    sample: Any, shared_cache: Cache, publishing: dict[str, Any], pod: object
) -> None:
    """Both tasks as Jobs, with the images and commands of the compiled pipeline."""
    compiled = fairing_kfp.compile(sample, cache=shared_cache, **publishing)
    specification = yaml.safe_load(compiled.text.partition("\n---\n")[0])
    executors = specification["deploymentSpec"]["executors"]
    tasks = specification["root"]["dag"]["tasks"]
    assert tasks["predict"]["dependentTasks"] == ["line", "line-check"]
    paths = {name: f"/outputs/{name}" for name in ("model", "notebook", "report", "status", "error")}
    notebook_input = {
        "inputs": {"parameterValues": {"skip": 0, "limit": 0.0}},
        "outputs": {
            "outputFile": "/outputs/made.json",
            "parameters": {name: {"outputFile": paths[name]} for name in ("status", "error")},
            "artifacts": {
                name: {"artifacts": [{"name": name, "uri": paths[name], "metadata": {}}]}
                for name in ("model", "notebook", "report")
            },
        },
    }

    said = "cell 7: ValueError: the mean error is above 0"
    gate_input = {"inputs": {"parameterValues": {"status": said}}, "outputs": {"outputFile": "/outputs/made.json"}}

    line, gate, succeeded = _job(
        _container("line", executors["exec-line"], notebook_input, show=("status", "report", "notebook")),
        _container("gate", executors["exec-line-check"], gate_input),
    )

    assert line.count("\n~~~\n") == 3, line
    status, report, made = line.split("\n~~~\n")[1:]
    assert status.startswith("cell 7: ValueError: the mean error")
    assert report.startswith("<!DOCTYPE html>")
    assert "papermill" in made
    assert f"The notebook line failed: {said}" in gate
    assert not succeeded


def _container(name: str, executor: Any, executor_input: Any, show: Sequence[str] = ()) -> dict[str, Any]:
    """A task's container with KFP's security context; it shows outputs if it succeeds."""
    container = executor["container"]
    arguments = [argument.replace("{{$}}", json.dumps(executor_input)) for argument in container["args"]]
    after = "; ".join(f"echo; echo '~~~'; cat /outputs/{one}" for one in show) or "true"
    return {
        "name": name,
        "image": container["image"],
        "command": ["sh", "-ec", f'"$@"; {after}', "sh", *container["command"], *arguments],
        "volumeMounts": [{"name": "outputs", "mountPath": "/outputs"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _job(first: dict[str, Any], then: dict[str, Any]) -> tuple[str, str, bool]:
    """Runs a Job of two containers, the second only if the first succeeds; returns their logs and its success."""
    name = f"notebook-{uuid.uuid4().hex[:10]}"
    pod = {
        "restartPolicy": "Never",
        "volumes": [{"name": "outputs", "emptyDir": {}}],
        "securityContext": {"runAsUser": 54321, "runAsGroup": 54321, "runAsNonRoot": True, "fsGroup": 54321},
        "initContainers": [first],
        "containers": [then],
    }
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "activeDeadlineSeconds": 500, "template": {"spec": pod}},
    }
    try:
        run("kubectl", "create", "-f", "-", input=json.dumps(job))
        ended = ["--for=jsonpath={.status.conditions[-1].status}=True", "--timeout=550s"]
        run("kubectl", "wait", f"job/{name}", *ended)
        succeeded = run("kubectl", "get", f"job/{name}", "-o", "jsonpath={.status.succeeded}")
        log = run("kubectl", "logs", f"job/{name}", "-c", first["name"])
        later = ["kubectl", "logs", f"job/{name}", "-c", then["name"]]  # there is none if the first failed
        return log, subprocess.run(later, capture_output=True, text=True, check=False).stdout, succeeded == "1"
    finally:
        subprocess.run(["kubectl", "delete", "job", name, "--wait=false"], capture_output=True, check=False)
