"""Notebook files: reading them, and selecting cells."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.notebooks.document import read_notebook
from tests.notebooks import make
from tests.support.notebook_files import FOLDER, write


def test_the_corpus_is_up_to_date() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.ipynb")} == make.documents()


def test_cell_numbers_include_markdown_cells(tmp_path: Path) -> None:
    notebook = read_notebook(FOLDER / "plain.ipynb")

    assert [cell.number for cell in notebook.cells] == [2, 4, 5]


def test_old_formats_are_read() -> None:
    assert read_notebook(FOLDER / "format_3.ipynb").cells[0].source.endswith("x = 3")


def test_outputs_do_not_affect_equality(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "x = 1")
    before = read_notebook(path)
    document = json.loads(path.read_text())
    document["cells"][0] |= {
        "execution_count": 9,
        "outputs": [{"name": "stdout", "output_type": "stream", "text": "1"}],
    }
    path.write_text(json.dumps(document))

    assert read_notebook(path) == before


def sources(path: Path, *tags: str) -> list[str]:
    return [cell.source for cell in read_notebook(path).select(tags)]


def test_tags_leave_cells_out(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "a", ("b", ["skip"]), ("c", ["other"]), ("d", ["fairing:exclude-cell"]))

    assert sources(path) == ["a", "c"]


def test_tags_select_cells_and_always_the_parameters_cell(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "a", ("b", ["parameters"]), ("c", ["train"]), ("d", ["train", "skip"]), "e")

    assert sources(path, "train") == ["b", "c"]


def test_include_cell_selects_cells(tmp_path: Path) -> None:
    path = write(
        tmp_path / "n.ipynb",
        "a",
        "#fairing:include-cell\nb",
        "\n# fairing:include-cell\nc",
        ("d", ["fairing:include-cell"]),
        "x = '#fairing:include-cell'",
    )

    assert [source[-1] for source in sources(path)] == ["b", "c", "d"]
    assert [source[-1] for source in sources(path, "fairing:include-cell")] == ["d"]


def test_an_unknown_tag_is_rejected_and_known_ones_are_listed(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", ("a", ["one"]), ("b", ["two"]))

    with pytest.raises(PackError, match=r"no cell of n\.ipynb is tagged three") as caught:
        sources(path, "three")
    assert "one, two" in caught.value.remedy


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"kernelspec": {"name": "ir", "display_name": "R 4.1", "language": "R"}}, r"is written in R \(kernel R 4.1\)"),
        ({"language_info": {"name": "julia"}}, "is written in julia"),
    ],
)
def test_other_languages_are_rejected(metadata: dict[str, object], says: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=says):
        read_notebook(write(tmp_path / "n.ipynb", "1", metadata=metadata))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"nbformat": 9, "cells": []}', "x = 1", '{"nbformat": 4}'])
def test_files_that_are_not_notebooks_are_rejected(text: str, tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(text)

    with pytest.raises(PackError, match=r"n.ipynb is not a notebook"):
        read_notebook(path)


def test_a_missing_notebook_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="does not exist"):
        read_notebook(tmp_path / "n.ipynb")


def changed(path: Path, **changes: object) -> Path:
    """A notebook of one cell with other values in it; None removes one."""
    document = json.loads(write(path, "x = 1").read_text())
    for target, values in ((document["cells"][0], changes), (document["metadata"], changes.pop("metadata", {}))):
        for name, value in values.items():  # type: ignore[attr-defined]
            target[name] = value
            if value is None:
                del target[name]
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    "changes",
    [
        *(
            {"extra": 1},
            {"prompt_number": 3},
            {"id": "a b!"},
            {"outputs": [{"output_type": "pyout"}]},
            {"outputs": None},
        ),
        *({"execution_count": "x"}, {"metadata": {"kernelspec": "python3"}}, {"metadata": {"language_info": "python"}}),
        *({"metadata": {"kernelspec": None}}, {"metadata": {"kernelspec": []}}, {"source": ["x =", " 1"]}),
    ],
    ids=str,
)
def test_what_the_format_does_not_know_is_taken(changes: dict[str, object], tmp_path: Path) -> None:
    notebook = read_notebook(changed(tmp_path / "n.ipynb", **changes))

    assert [cell.source for cell in notebook.cells] == ["x = 1"]
    assert nbformat.reads(notebook.stripped().decode(), as_version=4).cells[0].source == "x = 1"
    assert json.loads(notebook.stripped())["metadata"]["kernelspec"]["name"] == "python3"


def test_a_cell_without_source_is_empty(tmp_path: Path) -> None:
    notebook = read_notebook(changed(tmp_path / "n.ipynb", source=None))

    assert [cell.source for cell in notebook.cells] == [""]
    assert json.loads(notebook.stripped())["cells"][0]["source"] == ""


def test_a_tag_by_itself_is_one(tmp_path: Path) -> None:
    document = json.loads(write(tmp_path / "n.ipynb", "x = 1").read_text())
    document["cells"][0]["metadata"] = {"tags": "parameters"}
    (tmp_path / "n.ipynb").write_text(json.dumps(document))

    assert read_notebook(tmp_path / "n.ipynb").cells[0].tags == {"parameters"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"source": 3}, "the source of cell 1 is not a text"),
        ({"cell_type": None}, "cell 1 has no cell_type"),
        ({"cell_type": "sheet"}, "cell 1 has no cell_type"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(changes: dict[str, object], says: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=rf"n\.ipynb is not a notebook: {says}") as caught:
        read_notebook(changed(tmp_path / "n.ipynb", **changes))
    assert caught.value.remedy == "open it in Jupyter and save it again"
