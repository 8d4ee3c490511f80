"""nbconvert's exporter makes the script that is packed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from fairing_kfp.preprocess.notebooks.document import read_notebook
from fairing_kfp.preprocess.notebooks.script import notebook_script
from tests.support.notebook_files import cases, write
from tests.support.paths import TOP

CASES = {name: case for name, case in cases().items() if case.only != "full"}


@pytest.fixture(scope="module")
def exporter() -> Any:
    """The class, which imports all of nbconvert."""
    from fairing_kfp.preprocess.notebooks.exporter import FairingScriptExporter

    return FairingScriptExporter


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_script_that_is_packed(exporter: Any, name: str) -> None:
    options = {key: value for key, value in CASES[name].options.items() if key != "include"}
    expected = notebook_script(read_notebook(CASES[name].path), **options)

    text, resources = exporter(**options).from_filename(str(CASES[name].path))

    assert text == expected.text
    assert resources["outputs"] == {f"./{name}": data for name, data in expected.files.items()}
    assert resources["output_extension"] == ".py"


def test_it_is_written_with_the_modules_that_it_needs(
    exporter: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbconvert.writers import FilesWriter

    write(tmp_path / "n.ipynb", "display(1)", "x = !ls")
    monkeypatch.chdir(tmp_path)

    text, resources = exporter(shell=True).from_filename("n.ipynb")
    FilesWriter().write(text, resources, notebook_name="n")

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "jupyter_shell.py",
        "jupyter_stand_in.py",
        "n.ipynb",
        "n.py",
    ]


def test_cells_with_certain_tags_are_removed(exporter: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "a = 1", ("b = 1", ["docs"]), ("c = 1", ["skip"]), "d = 1")
    config = Config({"TagRemovePreprocessor": {"remove_cell_tags": {"docs"}}})

    text, _ = exporter(config=config).from_filename(str(path))

    assert text == '"""The code of n.ipynb."""\n\n# %% cell 1\na = 1\n\n# %% cell 4\nd = 1\n'


@pytest.mark.parametrize(
    ("cells", "options", "says"),
    [
        (["x = 1", "y = ("], {}, r"n\.ipynb, cell 2, line 1"),
        (["x = 1"], {"tags": ["other"]}, "no cell of n.ipynb is tagged other"),
        (["x = !ls", "x"], {}, r"which cell 1, line 1: !ls sets"),
    ],
)
def test_what_cannot_be_converted_is_said(
    exporter: Any, cells: list[str], options: dict[str, Any], says: str, tmp_path: Path
) -> None:
    from nbconvert.utils.exceptions import ConversionException

    with pytest.raises(ConversionException, match=says):
        exporter(**options).from_filename(str(write(tmp_path / "n.ipynb", *cells)))


def test_nbconvert_finds_it_by_name(exporter: Any) -> None:
    place = f"{exporter.__module__}:{exporter.__name__}"

    assert (
        f'[project.entry-points."nbconvert.exporters"]\nfairing-script = "{place}"'
        in (TOP / "pyproject.toml").read_text()
    )
