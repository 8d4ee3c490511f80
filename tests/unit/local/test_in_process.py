"""Steps that are called in this process."""

import enum
import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp.display.event import Event
from fairing_kfp.errors import ConfigError, PipelineError, StepFailedError
from fairing_kfp.local.result import RunResult


class Color(enum.Enum):
    RED = "red"


class Counts(NamedTuple):
    rows: int
    color: str


@fairing_kfp.fairing_component(env={"FAIRING_TEST_MODE": "called"})
def load(rows: int, color: Color, notes: dsl.Output[dsl.Markdown]) -> Counts:
    Path(notes.path).write_text(f"{os.environ['FAIRING_TEST_MODE']} in {os.getpid()}")
    notes.metadata["rows"] = rows
    return Counts(rows, color.name)


@fairing_kfp.fairing_component
def train(rows: int, notes: dsl.Input[dsl.Markdown]) -> float:
    value = rows / 2
    breakpoint()
    if notes.metadata["rows"] == 13:
        raise ValueError("13 rows")
    return value if notes.metadata["rows"] == rows else float("nan")


@dsl.pipeline
def counted(rows: int = 3) -> float:
    loaded = load(rows=rows, color=Color.RED)
    return train(rows=loaded.outputs["rows"], notes=loaded.outputs["notes"]).output


def _run(tmp_path: Path, **options: object) -> RunResult:
    given = {"runner": "in-process", "output": tmp_path, "on_event": lambda event: None, **options}
    return fairing_kfp.run(counted, **given)  # type: ignore[arg-type]


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """The local variables at each breakpoint."""
    found: list[dict[str, object]] = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: found.append(dict(sys._getframe(1).f_locals)))
    return found


def test_functions_are_called_here_with_their_types_artifacts_and_variables(
    tmp_path: Path, stops: list[dict[str, object]]
) -> None:
    result = _run(tmp_path)

    assert result.step("load").outputs == {"rows": 3, "color": "RED"}
    assert Path(result.step("load").artifacts["notes"]).read_text() == f"called in {os.getpid()}"
    assert result.outputs == {"Output": 1.5}
    assert [stop["value"] for stop in stops] == [1.5]
    assert "FAIRING_TEST_MODE" not in os.environ
    assert [step.state for step in _run(tmp_path).steps] == ["succeeded", "succeeded"]


@pytest.mark.usefixtures("stops")
def test_a_step_that_fails_has_the_users_frames_in_its_log(tmp_path: Path) -> None:
    events: list[Event] = []
    with pytest.raises(StepFailedError, match="ValueError: 13 rows") as caught:
        _run(tmp_path, arguments={"rows": 13}, on_event=events.append)

    assert "in train" in caught.value.log
    assert "executor.py" not in caught.value.log
    assert [event.kind for event in events if event.step == "train"][-1] == "fail"


@pytest.mark.usefixtures("stops")
def test_an_output_that_kfp_cannot_pass_fails_here_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @fairing_kfp.fairing_component
    def divide(value: float) -> float:
        return float("nan")

    with pytest.raises(StepFailedError, match=r"fairing-kfp: .*nan"):
        fairing_kfp.run(divide, {"value": 1}, runner="in-process", output=tmp_path, on_event=lambda event: None)


def test_breakpoints_of_other_runs_are_explained(tmp_path: Path) -> None:
    @fairing_kfp.fairing_component
    def stop() -> None:
        breakpoint()

    with pytest.raises(StepFailedError) as caught:
        fairing_kfp.run(stop, output=tmp_path, on_event=lambda event: None)
    assert "--in-process" in caught.value.remedy


def test_scripts_and_side_by_side_steps_are_refused(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("print(3)\n")
    script = fairing_kfp.fairing_component.from_script(str(tmp_path / "script.py"))

    @dsl.pipeline
    def scripted():
        script()

    with pytest.raises(PipelineError, match="script is not a function"):
        fairing_kfp.run(scripted, runner="in-process", output=tmp_path)
    with pytest.raises(ConfigError, match="run one at a time"):
        _run(tmp_path, parallel=2)
