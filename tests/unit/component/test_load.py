from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from fairing_kfp.component.load import folder_of, load_pipeline, yaml_of
from fairing_kfp.errors import FairingError, PipelineError
from fairing_kfp.tracebacks import find_place

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


def test_one_of_several_pipelines_is_selected_by_name(write) -> None:
    assert load_pipeline(f"{write(_ONE + _SECOND)}:second").name == "second"


def test_two_names_of_the_same_pipeline_count_once(write) -> None:
    assert load_pipeline(write(f"{_ONE}\nalias = first\n")).name == "first"


@pytest.mark.parametrize(
    ("text", "suffix", "message"),
    [
        (_ONE + _SECOND, "", "has 2 pipelines: first, second"),
        ("x = 1", "", "has no pipeline"),
        (_ONE, ":other", "has no pipeline 'other'"),
        ("import no_such_module", "", "the module no_such_module is not installed here"),
        ("def", "", "is not valid Python: invalid syntax"),
    ],
)
def test_invalid_files_are_rejected(write, text: str, suffix: str, message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        load_pipeline(f"{write(text)}{suffix}")


@pytest.mark.parametrize("name", ["missing.py", "missing.py:name"])
def test_a_missing_file_is_reported_by_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(PipelineError, match=r"the file .*missing\.py does not exist"):
        load_pipeline(f"{tmp_path}/{name}")


def test_several_pipelines_are_listed_in_the_remedy(write) -> None:
    target = write(_ONE + _SECOND)

    with pytest.raises(PipelineError) as caught:
        load_pipeline(target)

    assert caught.value.remedy == f"choose one: {target}:first, {target}:second"


def test_an_edit_within_the_same_second_is_loaded(write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cached byte code is compared with its source by size and time in seconds."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    target = write(_ONE + "FACTOR = 2\n")
    os.utime(target, (1_000_000_000, 1_000_000_000))
    load_pipeline(target)
    write(_ONE + "FACTOR = 3\n")
    os.utime(target, (1_000_000_000, 1_000_000_000))
    load_pipeline(target)

    assert sys.modules["some_pipeline"].FACTOR == 3


def test_a_module_is_found_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab_of_tests").mkdir()
    (tmp_path / "lab_of_tests" / "__init__.py").write_text("")
    (tmp_path / "lab_of_tests" / "flow.py").write_text(_ONE + _SECOND)

    assert load_pipeline("lab_of_tests.flow:second").name == "second"
    assert (str(yaml_of("lab_of_tests.flow")), str(folder_of("lab_of_tests.flow"))) == (
        "lab_of_tests/flow.yaml",
        "lab_of_tests",
    )
    for name in ("lab_of_tests.other", "lab_of_nobody.flow", "lab_of_tests"):
        with pytest.raises(PipelineError, match=f"neither a file nor a module {name}|lab_of_tests is a folder"):
            load_pipeline(name)


def test_a_package_that_fails_shows_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken_lab").mkdir()
    (tmp_path / "broken_lab" / "__init__.py").write_text("import no_such_module\n")
    (tmp_path / "broken_lab" / "flow.py").write_text(_ONE)

    with pytest.raises(PipelineError, match="the module no_such_module is not installed here") as raised:
        load_pipeline("broken_lab.flow")
    assert str(find_place(raised.value)) == "broken_lab/__init__.py, line 1: import no_such_module"


def test_the_definitions_of_a_notebook_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "flow.ipynb"
    cells = ["WORD = 'x'", _ONE, "raise RuntimeError('not a definition')"]
    nbformat.write(new_notebook(cells=[new_code_cell(text) for text in cells]), path)

    assert load_pipeline(str(path)).name == "first"
    assert load_pipeline(f"{path}:first").name == "first"
    assert yaml_of(str(path)) == tmp_path / "flow.yaml"


def test_a_pipeline_of_a_notebook_that_fails_names_the_cell(tmp_path: Path) -> None:
    path = tmp_path / "flow.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(_ONE.replace("    step()\n", "    step(3)\n"))]), path)

    with pytest.raises(FairingError, match="step is called with arguments by position"):
        load_pipeline(str(path))


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text("")
    (tmp_path / "flow.txt").write_text("")
    for name, says in (("flow.yaml", "not from YAML"), ("flow.txt", "is not a Python file"), (".", "is a folder")):
        with pytest.raises(PipelineError, match=says):
            load_pipeline(str(tmp_path / name))
