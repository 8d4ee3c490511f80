"""Notebooks as scripts: each notebook of the corpus, run by a Python without IPython."""

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
from fairing_kfp.preprocess.notebooks.document import read_notebook
from fairing_kfp.preprocess.notebooks.script import NotebookScript, notebook_script
from tests.support.notebook_files import FOLDER, Case, cases, printed, write

CASES = cases()


def script_of(path: Path, **options: Any) -> NotebookScript:
    return notebook_script(read_notebook(path), **options)


def run(script: NotebookScript, folder: Path, *words: str) -> str:
    for name, data in {script.name: script.text.encode(), **script.files}.items():
        (folder / name).write_bytes(data)
    import fire

    packages = folder / "packages"  # fire only, without other installed packages
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


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 25


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].only != "full"])
def test_the_script_computes_the_same_as_the_notebook(name: str, tmp_path: Path) -> None:
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


def test_omissions_are_listed_with_alternatives(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "%matplotlib inline\n!pip install x", "x = 1\n%env A=1")

    assert script_of(path).warnings == (
        "n.ipynb: left out, since it is not Python: cell 1, line 1: %matplotlib; cell 1, line 2: !pip (use packages=); "
        "cell 2, line 2: %env (use env=)",
    )
    assert script_of(write(path, "x = 1")).warnings == ()


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["names = !ls", "print(names)"], "uses the variable 'names', which cell 1, line 1: !ls sets"),
        (["%%capture out\nprint(1)", "out.show()"], "uses the variable 'out', which cell 1, line 1: %%capture sets"),
        (["a, b = %sx ls", "def f():\n    return b"], "uses the variable 'b'"),
    ],
)
def test_code_that_needs_an_omission_is_rejected(cells: list[str], says: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=says):
        script_of(write(tmp_path / "n.ipynb", *cells))


def test_a_variable_that_python_also_sets_is_accepted(tmp_path: Path) -> None:
    script_of(write(tmp_path / "n.ipynb", "names = !ls", "names = ['a']", "print(names)"))


@pytest.mark.parametrize("name", ["../x.py", "/etc/x", "~/x", "{folder}/x", "$HOME/x", "", "a b.txt"])
def test_files_outside_of_the_folder_are_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="cell 1, line 1: %%writefile writes"):
        script_of(write(tmp_path / "n.ipynb", f"%%writefile {name}\nx"), writefile=True)


def test_appending_needs_a_file_to_append_to(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"appends to x\.txt, which no cell before it writes"):
        script_of(write(tmp_path / "n.ipynb", "%%writefile -a x.txt\nx"), writefile=True)


def test_declared_arguments_become_variables(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", ("depth = 8", ["parameters"]), "print('RESULT', repr(model + str(depth)) and 7)")
    script = script_of(path, arguments={"model": str, "depth": str})

    assert [(it.name, it.type, it.required) for it in script.parameters] == [("depth", str, True), ("model", str, True)]
    assert printed(run(script, tmp_path, "--model=/m", "--depth=x")) == 7


def test_without_a_parameters_cell_arguments_are_set_first(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "import json\nprint('RESULT', json.dumps(path))")

    assert printed(run(script_of(path, arguments={"path": str}), tmp_path, "--path=/x y")) == "/x y"


def test_cells_start_with_their_number(tmp_path: Path) -> None:
    script = script_of(write(tmp_path / "n.ipynb", "%cd .\nx = 1", "x / 0"))

    assert script.text.splitlines().index("# %% cell 2") == script.text.splitlines().index("x / 0") - 1


@pytest.mark.parametrize(
    ("cell", "options", "says"),
    [
        ("x = 1", {}, "do not define a class T"),
        ("class T: pass", {}, "has no method train"),
        ("class T:\n    def a(self): pass\n    def b(self): pass", {}, "has no method train"),
        ("class T:\n    def train(self, x): pass", {}, "parameter x of T.train has no type"),
        ("class T:\n    def train(self, x: Path = None): pass", {}, "parameter x of T.train has no type"),
        ("class T:\n    def train(self, *x): pass", {}, "takes arguments that cannot be passed by keyword"),
        (
            "class T:\n    def __init__(self, x=1): pass\n    def train(self, x=1): pass",
            {},
            "__init__ and train of T in n.ipynb both have a parameter x",
        ),
        ("class T:\n    def train(self): pass", {"method": "fit"}, "has no method fit"),
    ],
)
def test_a_class_that_cannot_run_is_rejected(cell: str, options: dict[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=says):
        script_of(write(tmp_path / "n.ipynb", cell), class_name="T", **options)


def test_what_a_shell_command_sets_can_be_had_by_running_it(tmp_path: Path) -> None:
    cells = ("n = 3", "x = !echo {n}; echo $n", "!echo shown", "print('RESULT', [int(y) for y in x])")
    path = write(tmp_path / "n.ipynb", *cells)

    with pytest.raises(PackError) as caught:
        script_of(path)
    assert "run the command in the step (shell=True)" in caught.value.remedy
    script = script_of(path, shell=True)
    assert sorted(script.files) == ["jupyter_shell.py"]
    assert not script.warnings
    log = run(script, tmp_path)
    assert printed(log) == [3, 3]
    assert "shown" in log


PYPLOT = """
open_figures = []
def figure(): open_figures.append(1)
def close(which): open_figures.clear()
"""


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("import matplotlib.pyplot as plt", 0),
        ("%matplotlib inline\nimport plots\nplt = plots.plt", 0),
        ("%matplotlib widget\nimport matplotlib.pyplot as plt", 2),
        ("import matplotlib.pyplot as plt\n%config InlineBackend.close_figures = False", 2),
    ],
)
def test_figures_are_closed_after_each_cell(first: str, expected: int, tmp_path: Path) -> None:
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "__init__.py").touch()
    (tmp_path / "matplotlib" / "pyplot.py").write_text(PYPLOT)
    (tmp_path / "plots.py").write_text("import matplotlib.pyplot as plt\n")
    cells = (first, "plt.figure()\nplt.figure()", "print('RESULT', len(plt.open_figures))")

    assert printed(run(script_of(write(tmp_path / "n.ipynb", *cells)), tmp_path)) == expected


def test_hints_for_magics_without_their_sign(tmp_path: Path) -> None:
    script = script_of(write(tmp_path / "n.ipynb", "pip install x", "cd d", "x = 1"))

    assert script.warnings == (
        "n.ipynb: left out, since it is not Python: cell 1, line 1: %pip (use packages=); "
        "cell 2, line 1: %cd (use paths relative to the notebook)",
    )


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "python2", "display_name": "Python 2"}},
        {"kernelspec": "python2"},
        {"language_info": {"name": "python", "version": "2.7.18"}},
    ],
    ids=["kernel", "kernel-by-name", "version"],
)
def test_any_error_of_a_python_2_notebook_is_that(metadata: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "x = 1", "exec code in scope", metadata=metadata)

    with pytest.raises(PackError, match=r"n\.ipynb, cell 2, line 1: this is Python 2"):
        script_of(path)
    script_of(write(path, "print('valid in both')", metadata=metadata))
