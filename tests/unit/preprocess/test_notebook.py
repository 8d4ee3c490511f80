"""Which cells of a notebook are read, and which are chosen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.notebook import read_notebook
from tests.notebook_files import FOLDER, write
from tests.notebooks import make


def test_the_checked_in_notebooks_are_those_that_are_made() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.ipynb")} == make.documents()


def test_cells_are_counted_as_their_reader_counts_them(tmp_path: Path) -> None:
    notebook = read_notebook(FOLDER / "plain.ipynb")

    assert [cell.number for cell in notebook.cells] == [2, 4, 5]


def test_old_formats_are_read() -> None:
    assert read_notebook(FOLDER / "format_3.ipynb").cells[0].source.endswith("x = 3")


def test_what_a_notebook_showed_is_no_part_of_it(tmp_path: Path) -> None:
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
    return [cell.source for cell in read_notebook(path).chosen(tags)]


def test_tags_leave_cells_out(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "a", ("b", ["skip"]), ("c", ["other"]), ("d", ["fairing:exclude-cell"]))

    assert sources(path) == ["a", "c"]


def test_tags_choose_cells_and_the_parameters_are_always_there(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "a", ("b", ["parameters"]), ("c", ["train"]), ("d", ["train", "skip"]), "e")

    assert sources(path, "train") == ["b", "c"]


def test_fairings_mark_chooses_cells(tmp_path: Path) -> None:
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


def test_an_unknown_tag_is_refused_with_those_there_are(tmp_path: Path) -> None:
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
def test_other_languages_are_refused_by_name(metadata: dict[str, object], says: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=says):
        read_notebook(write(tmp_path / "n.ipynb", "1", metadata=metadata))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"nbformat": 9, "cells": []}', "x = 1", '{"nbformat": 4}'])
def test_what_is_no_notebook_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(text)

    with pytest.raises(PackError, match=r"n.ipynb is no notebook"):
        read_notebook(path)


def test_a_missing_notebook_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="there is no notebook"):
        read_notebook(tmp_path / "n.ipynb")
