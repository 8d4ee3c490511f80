"""Notebooks as scripts: each of the corpus is made into one and run by a Python that has no IPython."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.notebook import read_notebook
from fairing_kfp.preprocess.notebook_script import NotebookScript, notebook_script
from tests.notebook_files import FOLDER, Case, cases, printed, write

CASES = cases()


def script_of(path: Path, **options: Any) -> NotebookScript:
    return notebook_script(read_notebook(path), **options)


def run(script: NotebookScript, folder: Path, *words: str) -> str:
    for name, data in {script.name: script.text.encode(), **script.files}.items():
        (folder / name).write_bytes(data)
    import fire

    packages = folder / "packages"  # fire alone, none of what else is installed here
    if script.packages:
        shutil.copytree(Path(fire.__file__).parent, packages / "fire")
        shutil.copytree(Path(__import__("termcolor").__file__).parent, packages / "termcolor")
    done = subprocess.run(
        [sys.executable, "-S", script.name, *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(packages), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def words(case: Case) -> list[str]:
    return [f"--{name}={it if isinstance(it, str) else json.dumps(it)}" for name, it in case.values.items()]


def test_there_are_many() -> None:
    assert len(CASES) >= 25


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].only != "full"])
def test_computes_what_the_notebook_does(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    options = {key: value for key, value in case.options.items() if key != "include"}
    shutil.copy(FOLDER / "notebook_helper.py", tmp_path)
    shutil.copytree(FOLDER / "data", tmp_path / "data")
    before = sorted(FOLDER.rglob("*"))

    assert printed(run(script_of(case.path, **options), tmp_path, *words(case))) == case.expected
    assert sorted(FOLDER.rglob("*")) == before


def test_the_same_cells_give_the_same_script(tmp_path: Path) -> None:
    made = []
    for folder in ("one", "another folder"):
        (tmp_path / folder).mkdir()
        made.append(script_of(shutil.copy(FOLDER / "display.ipynb", tmp_path / folder / "display.ipynb")))

    assert made[0] == made[1]


def test_what_was_left_out_is_listed_with_what_to_use_instead(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "%matplotlib inline\n!pip install x", "x = 1\n%env A=1")

    assert script_of(path).warnings == (
        "n.ipynb: left out as no Python: cell 1, line 1: %matplotlib; cell 1, line 2: !pip (use packages=); "
        "cell 2, line 2: %env (use env=)",
    )
    assert script_of(write(path, "x = 1")).warnings == ()


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["names = !ls", "print(names)"], "uses 'names', which cell 1, line 1: !ls sets"),
        (["%%capture out\nprint(1)", "out.show()"], "uses 'out', which cell 1, line 1: %%capture sets"),
        (["a, b = %sx ls", "def f():\n    return b"], "uses 'b'"),
    ],
)
def test_what_needs_what_is_left_out_is_refused(cells: list[str], says: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=says):
        script_of(write(tmp_path / "n.ipynb", *cells))


def test_a_variable_that_python_sets_too_is_no_loss(tmp_path: Path) -> None:
    script_of(write(tmp_path / "n.ipynb", "names = !ls", "names = ['a']", "print(names)"))


@pytest.mark.parametrize("name", ["../x.py", "/etc/x", "~/x", "{folder}/x", "$HOME/x", "", "a b.txt"])
def test_files_outside_of_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="cell 1, line 1: %%writefile names the file"):
        script_of(write(tmp_path / "n.ipynb", f"%%writefile {name}\nx"), writefile=True)


def test_appending_needs_a_file_to_append_to(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"appends to x\.txt, which no cell before it writes"):
        script_of(write(tmp_path / "n.ipynb", "%%writefile -a x.txt\nx"), writefile=True)


def test_declared_arguments_become_variables(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", ("depth = 8", ["parameters"]), "print('RESULT', repr(model + str(depth)) and 7)")
    script = script_of(path, arguments={"model": str, "depth": str})

    assert [(it.name, it.type, it.required) for it in script.parameters] == [("depth", str, True), ("model", str, True)]
    assert printed(run(script, tmp_path, "--model=/m", "--depth=x")) == 7


def test_arguments_without_a_cell_of_parameters_are_set_first(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "import json\nprint('RESULT', json.dumps(path))")

    assert printed(run(script_of(path, arguments={"path": str}), tmp_path, "--path=/x y")) == "/x y"


def test_tracebacks_lead_to_the_cell(tmp_path: Path) -> None:
    script = script_of(write(tmp_path / "n.ipynb", "%cd .\nx = 1", "x / 0"))

    assert script.text.splitlines().index("# %% cell 2") == script.text.splitlines().index("x / 0") - 1


@pytest.mark.parametrize(
    ("cell", "options", "says"),
    [
        ("x = 1", {}, "defines no class T"),
        ("class T: pass", {}, "has no method train"),
        ("class T:\n    def a(self): pass\n    def b(self): pass", {}, "has no method train"),
        ("class T:\n    def train(self, x): pass", {}, "parameter x of T.train has no type"),
        ("class T:\n    def train(self, x: Path = None): pass", {}, "parameter x of T.train has no type"),
        ("class T:\n    def train(self, *x): pass", {}, "takes arguments without names"),
        (
            "class T:\n    def __init__(self, x=1): pass\n    def train(self, x=1): pass",
            {},
            "__init__ and train of T in n.ipynb have both a parameter x",
        ),
        ("class T:\n    def train(self): pass", {"method": "fit"}, "has no method fit"),
    ],
)
def test_a_class_that_cannot_be_run_is_refused(cell: str, options: dict[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=says):
        script_of(write(tmp_path / "n.ipynb", cell), class_name="T", **options)
