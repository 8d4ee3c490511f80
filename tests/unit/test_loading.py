from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fairing_kfp.errors import PipelineError
from fairing_kfp.loading import load_pipeline

_ONE = """
from kfp import dsl
from fairing_kfp import fairing_component

@fairing_component
def step() -> int:
    return 1

@dsl.pipeline
def first():
    step()
"""
_SECOND = """
@dsl.pipeline
def second():
    step()
"""


@pytest.fixture
def write(tmp_path: Path) -> object:
    def file(text: str, name: str = "some_pipeline.py") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return file


def test_only_pipeline_needs_no_name(write) -> None:
    assert load_pipeline(write(_ONE)).name == "first"


def test_one_of_several_is_named(write) -> None:
    assert load_pipeline(f"{write(_ONE + _SECOND)}:second").name == "second"


def test_two_names_of_one_pipeline_are_one(write) -> None:
    assert load_pipeline(write(f"{_ONE}\nalias = first\n")).name == "first"


@pytest.mark.parametrize(
    ("text", "suffix", "message"),
    [
        (_ONE + _SECOND, "", "has 2 pipelines: first, second"),
        ("x = 1", "", "has no pipeline"),
        (_ONE, ":other", "has no pipeline 'other'"),
        ("import no_such_module", "", "fails when it is imported: ModuleNotFoundError"),
        ("def", "", "fails when it is imported: SyntaxError"),
    ],
)
def test_what_is_no_pipeline_is_refused(write, text: str, suffix: str, message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        load_pipeline(f"{write(text)}{suffix}")


@pytest.mark.parametrize("name", ["missing.py", "missing.py:name"])
def test_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(PipelineError, match=r"there is no file .*missing\.py"):
        load_pipeline(f"{tmp_path}/{name}")


def test_several_pipelines_are_listed_as_they_can_be_typed(write) -> None:
    target = write(_ONE + _SECOND)

    with pytest.raises(PipelineError) as caught:
        load_pipeline(target)

    assert caught.value.remedy == f"name one: {target}:first, {target}:second"


def test_an_edit_within_the_second_is_seen(write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte code is known by its source's size and second alone."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    target = write(_ONE + "FACTOR = 2\n")
    os.utime(target, (1_000_000_000, 1_000_000_000))
    load_pipeline(target)
    write(_ONE + "FACTOR = 3\n")
    os.utime(target, (1_000_000_000, 1_000_000_000))
    load_pipeline(target)

    assert sys.modules["some_pipeline"].FACTOR == 3
