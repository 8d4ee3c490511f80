"""`fairing-kfp replay`: a task of a run on Kubeflow Pipelines, run here."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import fairing_kfp as package
from fairing_kfp.local import container
from fairing_kfp.remote import run
from tests.pipelines.replayed import replayed
from tests.support.command_line import fairing_kfp
from tests.support.kfp_stand_in import KfpStandIn, serve_kfp
from tests.support.ml_metadata import StoredArtifact, StoredExecution
from tests.support.paths import TESTS
from tests.support.stand_in_builder import StandInBuilder
from tests.support.terminals import shown_until
from tests.support.workflow_nodes import step

CODE = str(TESTS / "pipelines" / "replayed.py")
LOOP = "root.for-loop-2.iteration-iterations({0}:{0}).iteration-item"
MODEL = StoredArtifact("minio://b/model", "system.Model", {"epochs": 3.0})
DATA = StoredArtifact("minio://b/data", "system.Dataset")


@pytest.fixture
def kfp(monkeypatch: pytest.MonkeyPatch) -> Iterator[KfpStandIn]:
    monkeypatch.setattr(run, "_PAUSES", (0.0, 0.0))
    with serve_kfp() as stand_in:
        monkeypatch.setenv("FAIRING_KFP_HOST", stand_in.url)
        yield stand_in


@pytest.fixture
def run_id(kfp: KfpStandIn) -> str:
    """A run whose second iteration failed, and came first."""
    nodes = [
        *step("train", "SUCCEEDED", 5, 8),
        *step("evaluate", "FAILED", 20, 22, parent=LOOP.format(1)),
        *step("evaluate", "SUCCEEDED", 21, 25, parent=LOOP.format(0)),
    ]
    kfp.progress = [("FAILED", nodes)]
    found = package.submit(replayed, host=kfp.url, name="tonight", builder=StandInBuilder()).id
    inputs = {"again": MODEL, "model": MODEL, "data": DATA}
    note = {"pipelinechannel--owner": "ann", "note": "of {{$.inputs.parameters['pipelinechannel--owner']}}"}
    scores = {"scores": StoredArtifact("minio://b/scores", "system.Metrics", {"files": 2.0})}
    kfp.metadata.runs[found] = [
        StoredExecution(""),
        StoredExecution("train", outputs={}, artifacts={"model": MODEL, "data": DATA}),
        StoredExecution("for-loop-2"),
        StoredExecution("for-loop-2", parent=3, iteration=1),
        StoredExecution("for-loop-2", parent=3, iteration=0),
        StoredExecution("evaluate", parent=4, outputs={}, inputs=inputs, parameters={"depth": 0.0, **note}),
        StoredExecution(
            "evaluate",
            parent=5,
            outputs={"Output": 2.0},
            artifacts=scores,
            inputs=inputs,
            parameters={"depth": 2.0, **note},
        ),
    ]
    kfp.objects |= {"b/model": b"6", "b/data/a.csv": b"", "b/data/b/c.csv": b""}
    return found


def test_the_working_trees_code_gets_the_inputs_of_an_iteration_and_its_outputs_are_compared(
    run_id: str, tmp_path: Path
) -> None:
    code, output = fairing_kfp("replay", run_id, "evaluate", "--iteration", "0", "--code", CODE, "-o", str(tmp_path))

    assert code == 0, output
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert lines[0] == "evaluate-2 (iteration 0) of tonight: succeeded on KFP, 2026-01-01 12:00"
    assert lines[1:4] == ["depth = 2", 'note = "of ann"', 'label = "all"']
    assert [line for line in lines if "←" in line] == ["again ← minio://b/model", "data ← minio://b/data"]
    assert "evaluate-2 │ of ann all 3 True" in lines
    assert lines[-4:-1] == ["output on KFP here", "Output 2 3 different", "scores.files 2 2 equal"]
    (folder,) = tmp_path.glob("replay-evaluate-2-*")
    assert lines[-1] == f"outputs and log: {folder}"
    assert (folder / "evaluate-2" / "log.txt").read_text() == "of ann all 3 True\n"


def test_the_image_of_the_run_runs_in_docker(
    run_id: str, kfp: KfpStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    engine = mock.MagicMock()

    def run_container(image: str, command: list[str], env: Mapping[str, str], folders: Any, *_: Any) -> int:
        given.update(image=image, command=command[:3], folders=folders, inputs=json.loads(command[3])["inputs"])
        assert env["API_KEY"] == "made-up-credential"
        Path(json.loads(command[3])["outputs"]["outputFile"]).write_text('{"parameterValues": {"Output": 2.0}}')
        return 0

    monkeypatch.setattr(container, "run_container", run_container)
    monkeypatch.setattr(container, "docker_client", lambda: engine)
    spec = kfp.runs[run_id].pipeline_spec
    executor = {"secretAsEnv": [{"secretName": "s", "keyToEnv": [{"secretKey": "k", "envVar": "API_KEY"}]}]}
    kfp.runs[run_id].pipeline_spec = {
        "pipeline_spec": spec,
        "platform_spec": {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-evaluate": executor}}}}},
    }
    arguments = ("replay", run_id, "evaluate-2", "-o", str(tmp_path))
    monkeypatch.delenv("API_KEY", raising=False)
    code, output = fairing_kfp(*arguments)
    assert (code, "evaluate-2 needs API_KEY, which is not set here" in output) == (2, True)
    monkeypatch.setenv("API_KEY", "made-up-credential")
    code, output = fairing_kfp(*arguments)

    assert code == 0, output
    assert "made-up-credential" not in output
    engine.images.get.assert_called_with(given["image"])
    assert given["image"] == spec["deploymentSpec"]["executors"]["exec-evaluate"]["container"]["image"]
    assert given["command"] == ["python3", "/opt/fairing/runtime/step.py", "--executor_input"]
    assert given["folders"] == {str(tmp_path): str(tmp_path)}
    assert given["inputs"]["parameterValues"] == {
        "depth": 2,
        "label": "all",
        "note": "of ann",
        "pipelinechannel--owner": "ann",
    }
    (model,) = given["inputs"]["artifacts"]["model"]["artifacts"]
    assert model["type"]["schemaTitle"] == "system.Model"
    assert model["metadata"] == {"epochs": 3}
    assert Path(model["uri"]).read_bytes() == b"6"


def test_steps_and_iterations_that_are_not_there_are_reported_with_those_that_are(run_id: str) -> None:
    listed = "its steps: train, evaluate (iteration 1), evaluate-2 (iteration 0)"
    for arguments, message in (
        (("evaluation",), "the run tonight has no step 'evaluation'"),
        (("evaluate", "--iteration", "5"), "the step evaluate of the run tonight has no iteration 5"),
    ):
        code, output = fairing_kfp("replay", run_id, *arguments, "--code", CODE)
        assert (code, message in output, listed in output) == (3, True, True), output
    code, output = fairing_kfp("replay", run_id, "evaluate", "--iteration", "-1")
    assert (code, "is not a number from 0" in output) == (2, True)


def test_a_step_whose_inputs_are_not_recorded_is_reported(kfp: KfpStandIn, run_id: str) -> None:
    kfp.runs[run_id].progress = [("FAILED", step("train", "DRIVER_FAILED", 5, 8))]
    code, output = fairing_kfp("replay", run_id, "train")

    assert (code, "the inputs of the step train of the run tonight are not recorded: its driver" in output) == (3, True)


def test_other_inputs_of_the_working_tree_are_told(run_id: str, tmp_path: Path) -> None:
    text = (
        Path(CODE).read_text().replace("    depth: int,\n", "").replace("depth=depth, ", "").replace("/ depth", "/ 2")
    )
    (tmp_path / "fewer.py").write_text(text)
    (tmp_path / "more.py").write_text(
        text.replace("note: str,", "note: str, size: int,").replace("note=", "size=1, note=")
    )
    code, output = fairing_kfp("replay", run_id, "evaluate", "--code", f"{tmp_path}/fewer.py", "-o", str(tmp_path))

    assert code == 0, output
    assert "warning: evaluate has no parameter depth any more" in output
    assert "no outputs to compare: on KFP, the state of the step is failed" in output
    code, output = fairing_kfp("replay", run_id, "evaluate", "--code", f"{tmp_path}/more.py", "-o", str(tmp_path))
    assert (code, "the parameter size of evaluate has no value: the run recorded none" in output) == (2, True)
    code, output = fairing_kfp("replay", run_id, "evaluate", "--code", f"{TESTS}/pipelines/failing.py:failing")
    assert (code, "the pipeline failing has no task evaluate" in output) == (2, True)


def test_a_replay_without_docker_downloads_nothing_and_names_the_way_without_it(
    run_id: str, kfp: KfpStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    code, output = fairing_kfp("replay", run_id, "evaluate", "-o", str(tmp_path))

    assert (code, "or run the working tree's code of the task, without Docker: --code FILE" in output) == (3, True)
    assert kfp.queries == []
    del kfp.objects["b/model"]
    code, output = fairing_kfp("replay", run_id, "evaluate", "--code", CODE, "-o", str(tmp_path))
    assert (code, "cannot download the artifact again of the step evaluate" in output) == (3, True)
    assert not list(tmp_path.rglob("replay-*"))


def test_the_debugger_has_the_terminal(run_id: str, tmp_path: Path) -> None:
    code, output = fairing_kfp("replay", run_id, "evaluate", "--code", CODE, "--debug")
    assert (code, "a debugger needs a terminal" in output) == (2, True)
    ours, theirs = pty.openpty()
    command = ["replay", run_id, "evaluate", "--code", CODE, "-o", str(tmp_path), "--debug"]
    process = subprocess.Popen(
        [sys.executable, "-m", "fairing_kfp", *command], stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    )
    os.close(theirs)
    try:
        shown = shown_until(ours, "(Pdb) ")
        assert "ZeroDivisionError" in shown
        os.write(ours, b"p label * 2\n")
        assert "'allall'" in shown_until(ours, "(Pdb) ")
        os.write(ours, b"q\n")
        assert "the step evaluate failed" in shown_until(ours, "")
        assert process.wait() == 1
    finally:
        process.kill()
        os.close(ours)
