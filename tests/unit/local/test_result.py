"""Results of local runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from kfp import dsl

from fairing_kfp.display.event import Event
from fairing_kfp.local.result import RunResult, StepResult, pipeline_outputs, step_error, step_result
from fairing_kfp.local.task import Values


@pytest.mark.parametrize(("kind", "state"), [("succeed", "succeeded"), ("fail", "failed"), ("reuse", "reused")])
def test_events_that_end_a_step(kind: str, state: str) -> None:
    result = step_result(Event(kind, "train", seconds=2.0, outputs={"Output": 1}))

    assert result == StepResult("train", state, 2.0, {"Output": 1})
    assert step_result(Event("log", "train")) is None


def test_outputs_of_a_pipeline() -> None:
    model = {"name": "model", "uri": "/a/model", "type": {"schemaTitle": "system.Model"}, "metadata": {"score": 0.9}}
    other = {**model, "type": {"schemaTitle": "acme.Thing"}}
    outputs = pipeline_outputs(Values({"Output": 1}, {"model": [model], "models": [model, other]}))

    assert outputs["Output"] == 1
    assert isinstance(outputs["model"], dsl.Model)
    assert (outputs["model"].uri, outputs["model"].metadata) == ("/a/model", {"score": 0.9})
    assert [type(one) for one in outputs["models"]] == [dsl.Model, dsl.Artifact]


def test_an_error_contains_the_end_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    step = StepResult("train", "failed", 1.0, log=str(log))
    result = RunResult(tmp_path, {}, (step,))
    error = step_error(step, result)

    assert "(the last 60 of 100 lines):\nline 40\n" in error.message
    assert error.log == log.read_text() == step.log_text()
    assert error.result is result
    assert str(log) in error.remedy


def test_steps_by_name(tmp_path: Path) -> None:
    train = StepResult("train", "succeeded")
    result = RunResult(tmp_path, {}, (train,))

    assert result.step("train") is train
    with pytest.raises(KeyError, match="no step 'other' ran; the steps: train"):
        result.step("other")
