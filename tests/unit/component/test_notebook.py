"""Components made from notebooks in full mode: their interface, and what is packed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from nbformat import read, v3, v4, write

from fairing_kfp import fairing_component
from fairing_kfp.component.notebook import full_notebook, with_papermill
from fairing_kfp.errors import ComponentError, PackError, SecretError
from tests.support.notebook_files import write as write_cells

PARAMETERS = """
depth = 8  # how deep the trees are
rate: float = 1  # type: ignored
names = ["a"]  # type: list  which ones
options = {}
fast = False
limit: int | None = None
seed: int = hash("x")
%matplotlib inline
"""


def code(source: str, *tags: str) -> Any:
    return v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[..., Path]:
    """Writes a notebook of these cells."""

    def made(*cells: Any, **metadata: Any) -> Path:
        path = tmp_path / "train.ipynb"
        write(v4.new_notebook(cells=list(cells), metadata=metadata), path)
        return path

    return made


def files_of(path: Path, **options: Any) -> dict[str, bytes]:
    bundle = full_notebook(path, {}, **options)[0].bundle("train")
    return {file.path.removeprefix("opt/fairing/code/"): file.data for file in bundle.files}


def test_interface(notebook: Callable[..., Path]) -> None:
    path = notebook(code(PARAMETERS, "parameters"))

    component = fairing_component.from_notebook(
        path,
        arguments={
            "scans": dsl.Input[dsl.Dataset],
            "model": dsl.Output[dsl.Model],
            "accuracy": dsl.OutputPath(float),
            "depth": float,
            "fold": int,
            "names": ["b"],
        },
    )

    specification = component.component_spec
    inputs = {name: (one.type, one.default, one.optional) for name, one in specification.inputs.items()}
    assert inputs == {
        "depth": ("Float", 8.0, True),
        "rate": ("Float", 1.0, True),
        "names": ("List", ["b"], True),
        "options": ("Dict", {}, True),
        "fast": ("Boolean", False, True),
        "limit": ("Integer", None, True),
        "seed": ("Integer", None, True),
        "fold": ("Integer", None, False),
        "scans": ("system.Dataset@0.0.1", None, False),
    }
    assert {name: one.type for name, one in specification.outputs.items()} == {
        "model": "system.Model@0.0.1",
        "accuracy": "Float",
        "notebook": "system.Artifact@0.0.1",
        "report": "system.HTML@0.0.1",
        "status": "String",
    }
    assert specification.inputs["depth"].description == "how deep the trees are"
    assert component.name == "train"
    with pytest.raises(ComponentError, match="no Python function"):
        component.python_func()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"report": dsl.Output[dsl.HTML]}, "a name reserved for an output of every notebook"),
        ({"a-b": int}, "not a valid variable name"),
        ({"a": object()}, "which KFP cannot pass"),
        ({"a": dsl.OutputPath("Dataset")}, "which is not a parameter type"),
        ({"a": dsl.Output[dsl.Metrics]}, "which has no file"),
    ],
)
def test_invalid_arguments_are_rejected(notebook: Callable[..., Path], arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ComponentError, match=words):
        fairing_component.from_notebook(notebook(code("1")), arguments=arguments)


def test_relative_paths_start_at_the_calling_file() -> None:
    with pytest.raises(PackError, match=f"{Path(__file__).parent}/nowhere.ipynb"):
        fairing_component.from_notebook("nowhere.ipynb")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not a notebook"),
        ('{"cells": 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "is not a notebook"),
        (json.dumps(v4.new_notebook(metadata={"language_info": {"name": "R"}})), "written in R"),
    ],
)
def test_invalid_files_are_rejected(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.ipynb"
    path.write_text(text)

    with pytest.raises(PackError, match=words):
        fairing_component.from_notebook(path)


def test_invalid_python_in_parameters_is_rejected(notebook: Callable[..., Path]) -> None:
    with pytest.raises(ComponentError, match=r"cell 2 of train.ipynb .* \(line 1\)"):
        fairing_component.from_notebook(notebook(code("1"), code("depth = = 8", "parameters")))


def test_running_and_editing_change_no_byte(notebook: Callable[..., Path], tmp_path: Path) -> None:
    path = notebook(code("import helper\nprint(helper)"), v4.new_markdown_cell("text"), code("2", "tagged"))
    (tmp_path / "helper.py").write_text("import other\n")
    (tmp_path / "other.py").write_text("")
    (tmp_path / "data.csv").write_text("a\n")
    before = files_of(path, include=["*.csv"])
    assert {"modules/helper.py", "modules/other.py", "files/data.csv", "notebook.ipynb"} < set(before)

    document = read(path, as_version=4)
    document.cells[0].outputs = [v4.new_output("stream", text="out")]
    document.cells[0].execution_count = 17
    document.cells[0].metadata = {"collapsed": True, "vscode": {"languageId": "python"}}
    for number, cell in enumerate(document.cells):
        cell["id"] = f"other-{number}"
    document.metadata = {"kernelspec": {"name": "python3", "display_name": "mine", "language": "python"}, "widgets": {}}
    write(document, path)
    moved = tmp_path / "elsewhere"
    shutil.copytree(tmp_path, moved, ignore=shutil.ignore_patterns("elsewhere"))

    assert files_of(moved / "train.ipynb", include=["*.csv"]) == before
    document.cells[2].source = "3"
    write(document, path)
    assert files_of(path, include=["*.csv"]) != before


def test_nothing_is_written_next_to_the_notebook(notebook: Callable[..., Path], tmp_path: Path) -> None:
    path = notebook(code("1"))
    before = path.read_bytes()

    files_of(path)

    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["train.ipynb"]
    assert str(tmp_path) not in sys.path


def test_old_formats_are_upgraded(tmp_path: Path) -> None:
    cell = v3.new_code_cell(input="print(1)", outputs=[v3.new_output("pyout", "1", prompt_number=1)])
    old = v3.new_notebook(worksheets=[v3.new_worksheet(cells=[cell, v3.new_heading_cell("Title", level=2)])])
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(old | {"nbformat": 3, "nbformat_minor": 0}))

    packed = json.loads(files_of(path)["notebook.ipynb"])

    assert packed["nbformat"] == 4
    assert [one["source"] for one in packed["cells"]] == ["print(1)", "## Title"]


def test_skipped_cells_are_not_packed(notebook: Callable[..., Path]) -> None:
    packed = files_of(notebook(code("import this_is_not_packed", "skip"), code("2")))["notebook.ipynb"]

    assert [cell["source"] for cell in json.loads(packed)["cells"]] == ["", "2"]


def test_credentials_are_rejected(notebook: Callable[..., Path]) -> None:
    key = "AK" + "IA" + "Q7ZL2M5N8P3R6T9V"

    with pytest.raises(SecretError, match=r"cell 2 of train\.ipynb"):
        files_of(notebook(code("1"), code(f"login({key!r})")))


def test_papermill_is_added_unless_required_or_provided() -> None:
    assert with_papermill(["Papermill==2.7.0", "numpy"], ["ipykernel"]) == [
        "Papermill==2.7.0",
        "numpy",
        "mistune>=3",
        "pygments",
    ]


def test_a_notebook_in_python_2_is_told(tmp_path: Path) -> None:
    kernel = {"kernelspec": {"name": "python2", "display_name": "Python 2", "language": "python"}}
    path = write_cells(tmp_path / "old.ipynb", "import os", "%%bash\necho 'x", "print 'x'", metadata=kernel)
    source, _ = full_notebook(path, {})

    with pytest.raises(PackError, match=r"old\.ipynb, cell 3: this is Python 2"):
        source.bundle("old")
    full_notebook(write_cells(path, "print('x')", metadata=kernel), {})[0].bundle("old")
