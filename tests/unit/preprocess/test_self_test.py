"""The self-test of packing, for versions of Python that were never tried."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess import facts, self_test
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.pickle import interpreter


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Has this version untried; gives the answers of the self-test, of which each is taken once."""
    monkeypatch.setenv("FAIRING_KFP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(self_test, "TRIED", ((3, 2), (3, 3)))
    monkeypatch.setattr(self_test, "_RESULTS", facts.Facts("self-test", Path(__file__)))
    answers: list[str] = []
    monkeypatch.setattr(self_test, "self_test", lambda: answers.pop(0))
    return answers


def step() -> int:
    return 1


def packed_warnings() -> tuple[str, ...]:
    return FunctionSource(step, {"return": int}).bundle("step").warnings


def test_this_version_was_tried() -> None:
    assert sys.version_info[:2] in interpreter.TRIED
    assert packed_warnings() == ()


def test_an_untried_version_is_said_and_tested_once(untried: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    untried.append("")
    (warning,) = packed_warnings()

    assert f"Python 3.{sys.version_info[1]} was never tried with this release; the self-test" in warning
    assert packed_warnings() == (warning,)
    facts.save()
    monkeypatch.setattr(self_test, "_RESULTS", facts.Facts("self-test", Path(__file__)))  # as in another process
    assert packed_warnings() == (warning,)


def test_an_untried_version_that_fails_is_refused(untried: list[str]) -> None:
    untried.append("case_flow gives 1 instead of 2")
    with pytest.raises(PackError, match="was never tried, and the self-test of packing fails with it: case_flow") as e:
        packed_warnings()
    assert e.value.remedy == "use Python 3.2 to 3.3"


def test_what_is_packed_runs_here() -> None:
    assert self_test.self_test() == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "import os\ndef make(stamp):\n    return lambda: stamp\ncase_pid = make(os.getpid())",
            "packed twice, case_pid differ",
        ),
        ("import os\ndef case_pid():\n    return os.getpid()", "case_pid gives [0-9]+ instead of [0-9]+"),
        ("def case_pid():\n    return (", "SyntaxError: '\\(' was never closed"),
    ],
    ids=["bytes", "result", "error"],
)
def test_what_does_not_pack_is_found(text: str, problem: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cases.py").write_text(text)
    monkeypatch.setattr(self_test, "_CASES", tmp_path / "cases.py")
    assert re.fullmatch(problem, self_test.self_test())
