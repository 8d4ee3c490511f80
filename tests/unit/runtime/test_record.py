"""`record` in a step, and outside of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

import fairing_kfp
from fairing_kfp.runtime.record import VARIABLE


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    kinds = ("int", "float", "bool", "str", "list", "dict")
    monkeypatch.setenv(VARIABLE, json.dumps({kind: [str(tmp_path / "outputs" / kind), kind] for kind in kinds}))
    return tmp_path / "outputs"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("int", 3, "3"),
        ("int", numpy.int64(3), "3"),
        ("float", 0.5, "0.5"),
        ("float", 1, "1"),
        ("float", numpy.float32(0.5), "0.5"),
        ("bool", True, "true"),
        ("bool", numpy.bool_(False), "false"),
        ("str", "ä\n", "ä\n"),
        ("list", (1, 2), "[1, 2]"),
        ("list", numpy.arange(2), "[0, 1]"),
        ("dict", {"a": None}, '{"a": null}'),
    ],
)
def test_values_as_kfp_reads_them(declared: Path, name: str, value: Any, text: str) -> None:
    fairing_kfp.record(name, "" if name == "str" else value)
    fairing_kfp.record(name, value)

    assert (declared / name).read_text() == text
    assert [path.name for path in declared.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "value", "error", "words"),
    [
        ("acuracy", 1, LookupError, "no output 'acuracy'"),
        ("int", 0.5, TypeError, "declared as int"),
        ("int", True, TypeError, "declared as int"),
        ("str", 1, TypeError, "of type int"),
        ("float", float("nan"), ValueError, "which JSON"),
        ("list", "abc", TypeError, "declared as list"),
    ],
)
def test_what_cannot_be_recorded(declared: Path, name: str, value: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        fairing_kfp.record(name, value)

    assert not declared.exists() or not list(declared.iterdir())


def test_outside_of_a_step_it_shows_the_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)

    fairing_kfp.record("accuracy", 0.97)

    assert capsys.readouterr().out == "accuracy = 0.97\n"
