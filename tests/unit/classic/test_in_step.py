"""What runs in a container: calls, their results, and the classes that are served."""

from __future__ import annotations

import base64
import pickle
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cloudpickle
import numpy as np
import pytest

from fairing_kfp.classic.in_step import calls


@pytest.fixture(autouse=True)
def step(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The modules of a step, whose folder of files has one file."""
    (project / "code" / "files").mkdir(parents=True)
    (project / "code" / "files" / "factor.txt").write_text("2")
    package = ModuleType("fairing_runtime")
    package.__path__ = []
    modules = {
        "fairing_runtime": package,
        "fairing_runtime.rebuild": SimpleNamespace(CODE=str(project / "code")),
        "fairing_runtime.working_folder": SimpleNamespace(working_folder=lambda files: files),
        "fairing_runtime.cloudpickle": cloudpickle,
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys, "path", list(sys.path))


class Trainer:
    def train(self, depth: int) -> str:
        return f"{depth} {Path('factor.txt').read_text()}"


def called(function: Any, *arguments: Any, logged: bool = False) -> Any:
    result = Path.cwd() / "result"
    calls.call(SimpleNamespace(path=str(result)), function, arguments, {}, logged)
    return pickle.loads(result.read_bytes())


def test_a_call_runs_in_the_folder_of_its_files_and_keeps_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert called(Trainer, 3) == "3 2"
    assert capsys.readouterr().out == "3 2\n"
    assert called(lambda: None) is None
    assert called(lambda: b"a model") == b"a model"
    assert capsys.readouterr().out == ""


def test_a_result_is_pickled_by_value_if_its_class_cannot_be_imported(capsys: pytest.CaptureFixture[str]) -> None:
    assert called(lambda: lambda: 3)() == 3
    capsys.readouterr()
    assert called(lambda: (one for one in ())) is None
    assert "the result cannot be pickled: " in capsys.readouterr().out


def test_a_result_is_written_into_the_log_unless_it_is_long(capsys: pytest.CaptureFixture[str]) -> None:
    called(lambda: [1], logged=True)
    line = capsys.readouterr().out.splitlines()[-1]
    assert pickle.loads(base64.b64decode(line.removeprefix(calls.RESULT))) == [1]
    called(lambda: b"x" * 300_000, logged=True)
    assert "is too long for the log" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("predict", "given"),
    [
        (lambda self, X: (X.tolist(),), ([[1, 2]],)),
        (lambda self, X, names: (X.tolist(), names), ([[1, 2]], ["a", "b"])),
        (lambda self, X, names=None, **meta: (X.tolist(), names, meta), ([[1, 2]], ["a", "b"], {})),
        (lambda self, X, names, meta: (X.tolist(), names, meta), ([[1, 2]], ["a", "b"], {})),
        (lambda self, *given: (given[0].tolist(), *given[1:]), ([[1, 2]], ["a", "b"], {})),
        (lambda self, X, *, meta=None: (X.tolist(), meta), ([[1, 2]], None)),
    ],
)
def test_a_class_gets_an_array_and_as_many_arguments_as_it_takes(predict: Any, given: Any) -> None:
    made = calls.predictor(type("Model", (), {"predict": predict}))()
    made.load("")

    assert made.predict([{"a": 1, "b": 2}]) == given
    assert made.predict(np.array([[1, 2]]))[0] == [[1, 2]]


def test_a_class_is_found_in_the_module_of_its_name(project: Path) -> None:
    text = (
        "class Scales:\n    factor = open('factor.txt').read()\n    def predict(self, X):\n        return self.factor\n"
    )
    (project / "code" / "files" / "Scales.py").write_text(text)
    made = calls.predictor("Scales")()
    made.load("")

    assert made.predict([[1]]) == "2"
    del sys.modules["Scales"]
