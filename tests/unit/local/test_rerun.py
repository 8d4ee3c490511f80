"""Local runs that run again from a task on, by `fairing-kfp rerun`.

Functions of this module stand for the processes of the steps.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.errors import ConfigError
from fairing_kfp.local import process
from fairing_kfp.local.journal import Journal
from tests.support.command_line import fairing_kfp

PIPELINE = """
from kfp import dsl
from fairing_kfp import fairing_component

@fairing_component
def first(start: int, made: dsl.Output[dsl.Dataset]) -> int:
    return start

@fairing_component
def beside(n: int) -> int:
    return n

@fairing_component
def scale(n: int, factor: int) -> int:
    return n * factor

@fairing_component
def last(numbers: list) -> int:
    return sum(numbers)

@fairing_component
def clean() -> int:
    return 0

@dsl.pipeline(name="numbers")
def of_numbers(start: int = 1):
    with dsl.ExitHandler(clean()):
        one = first(start=start)
        beside(n=one.outputs["Output"])
        with dsl.ParallelFor([10, 20]) as factor:
            scaled = scale(n=one.outputs["Output"], factor=factor)
        last(numbers=dsl.Collected(scaled.output))
"""
Steps = dict[str, Callable[[dict[str, Any]], int]]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """The functions of the steps, which a test may edit."""
    functions: Steps = {
        "first": lambda given: int(given["start"]),
        "beside": lambda given: int(given["n"]),
        "scale": lambda given: int(given["n"] * given["factor"]),
        "last": lambda given: sum(given["numbers"]),
        "clean": lambda _: 0,
    }

    def run_process(command: list[str], *_: object) -> int:
        given = json.loads(command[-1])
        folder = Path(given["outputs"]["outputFile"]).parent
        for listed in given["outputs"]["artifacts"].values():
            Path(listed["artifacts"][0]["uri"]).write_text("made")
        value = functions[folder.name.partition("-")[0]](given["inputs"]["parameterValues"])
        Path(given["outputs"]["outputFile"]).write_text(json.dumps({"parameterValues": {"Output": value}}))
        return int(value < 0)

    monkeypatch.setattr(process, "run_process", run_process)
    return functions


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "of_numbers.py"
    path.write_text(PIPELINE)
    return path


def run_of(folder: Path) -> Path:
    """The folder of the latest run."""
    return max(folder.glob("numbers-*"), key=lambda path: path.stat().st_mtime_ns)


def states(output: str) -> dict[str, str]:
    """The marks of the steps that ended."""
    words = [line.split() for line in output.splitlines()]
    return {line[1]: line[0] for line in words if line[:1] and line[0] in "✔✘↺"}


def test_a_task_and_those_after_it_run_again_and_the_others_keep_their_outputs(
    steps: Steps, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, output = fairing_kfp("run", str(file), "-p", "start=5", "-o", str(out))
    assert code == 0, output
    before = run_of(out)
    file.write_text(PIPELINE.replace("return start", "return start + 1"))
    steps["first"], steps["scale"] = lambda given: 1000, lambda given: int(given["n"] * given["factor"] + 1)
    code, output = fairing_kfp("rerun", str(before), "--from", "scale")

    assert code == 0, output
    again = {"scale": "✔", "scale-2": "✔", "last": "✔", "clean": "✔"}
    assert states(output) == {"first": "↺", "beside": "↺", **again}
    assert f"↺ first keeps its outputs of {before.name}" in output
    after = run_of(out)
    assert Journal.read(after).entries["last"].outputs.parameters == {"Output": 51 + 101}
    assert Journal.read(after).arguments == {"start": 5}
    code, output = fairing_kfp("rerun", str(after), "--from", "last")
    assert states(output) == {"first": "↺", "beside": "↺", "scale": "↺", "scale-2": "↺", "last": "✔", "clean": "✔"}
    shutil.rmtree(before)
    code, output = fairing_kfp("rerun", str(after), "--from", "last")
    assert code == 2
    assert f"the outputs of the step first in {after} are gone" in output
    assert "--from first" in output


def test_a_failed_run_goes_on_from_the_task_that_failed(steps: Steps, file: Path, tmp_path: Path) -> None:
    right, steps["scale"] = steps["scale"], lambda given: -1
    code, output = fairing_kfp("run", str(file), "-o", str(tmp_path), "--no-cache")
    assert code == 1
    steps["scale"], steps["first"] = right, lambda given: 1000
    code, output = fairing_kfp("rerun", str(run_of(tmp_path)), "--from", "scale")

    assert code == 0, output
    assert states(output)["first"] == "↺"
    assert Journal.read(run_of(tmp_path)).entries["last"].outputs.parameters == {"Output": 30}


def test_unknown_tasks_other_folders_and_lost_files_are_reported(steps: Steps, file: Path, tmp_path: Path) -> None:
    fairing_kfp("run", str(file), "-o", str(tmp_path))
    folder = str(run_of(tmp_path))
    code, output = fairing_kfp("rerun", folder, "--from", "scales")
    assert (code, "has no task 'scales'" in output, "beside, clean, " in output) == (2, True, True)
    code, output = fairing_kfp("rerun", str(tmp_path), "--from", "scale")
    assert (code, "is not the folder of a run" in output) == (2, True)
    file.write_text(PIPELINE.replace('"numbers"', '"renamed"'))
    code, output = fairing_kfp("rerun", folder, "--from", "scale")
    assert (code, "has no pipeline numbers any more" in output) == (2, True)
    code, output = fairing_kfp("rerun", folder, "--from", "scale", "--code", str(file))
    assert (code, "is a run of the pipeline numbers, not of renamed" in output) == (2, True)
    file.unlink()
    code, output = fairing_kfp("rerun", folder, "--from", "scale")
    assert (code, "--code FILE" in output) == (2, True)


def test_the_line_of_a_run_that_was_killed_is_left_out(tmp_path: Path) -> None:
    head = {"pipeline": "numbers", "file": "", "runner": "subprocess", "arguments": {}}
    entry = {"step": "a", "path": ["a"], "parameters": {}, "artifacts": {}, "files": []}
    (tmp_path / "run.jsonl").write_text(f"{json.dumps(head)}\n{json.dumps(entry)}\n{json.dumps(entry)[:9]}")

    assert list(Journal.read(tmp_path).entries) == ["a"]
    (tmp_path / "run.jsonl").write_text("{}\n")
    with pytest.raises(ConfigError, match="is not the folder of a run"):
        Journal.read(tmp_path)
