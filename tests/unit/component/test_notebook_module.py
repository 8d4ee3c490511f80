"""Functions and classes of a notebook as a module."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

import fairing_kfp
from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.function import FunctionSource
from tests.support.notebook_files import write

CELLS = (
    "import math\nfrom dataclasses import dataclass\n%matplotlib inline",
    "LIMIT = 2 ** 4\nNAMES = ['a', *'bc']\nsize = len(open('not there').read())\nDOUBLE = size * 2",
    "# how it is done\n@dataclass\nclass Point:\n    x: float",
    "def train(x: float) -> float:\n    !ls\n    return root(Point(x)) + LIMIT",
    "def root(point):\n    if point.x < 0:\n        raise ValueError('negative')\n"
    "    return math.sqrt(point.x)\n\ntrain(9)",
    "1 / 0",
)


def test_only_definitions_run(tmp_path: Path) -> None:
    module = fairing_kfp.load_notebook(write(tmp_path / "n.ipynb", *CELLS))

    assert module.train(9.0) == 19.0
    assert module.NAMES == ["a", "b", "c"]
    assert not {"size", "DOUBLE"} & set(vars(module))


def test_sources_and_tracebacks_show_the_cell(tmp_path: Path) -> None:
    module = fairing_kfp.load_notebook(write(tmp_path / "n.ipynb", *CELLS))

    assert inspect.getsource(module.root) == CELLS[4].partition("\n\n")[0] + "\n"
    with pytest.raises(ValueError, match="negative") as caught:
        module.train(-1.0)
    assert "raise ValueError('negative')" in "".join(traceback.format_tb(caught.value.__traceback__))


def test_functions_are_packed_by_value_with_what_they_use(tmp_path: Path) -> None:
    bundles = []
    for folder in ("one", "another folder"):
        (tmp_path / folder).mkdir()
        module = fairing_kfp.load_notebook(write(tmp_path / folder / "same.ipynb", *CELLS))
        source = FunctionSource(module.train, {"x": float, "return": float})
        assert source.folder == tmp_path / folder
        bundles.append({file.path.rpartition("/")[2]: file.data for file in source.bundle("train").files})
        del fairing_kfp.component.notebook_module._loaded[module.__name__]  # as in another process

    assert bundles[0] == bundles[1]
    texts = [data.decode() for name, data in bundles[0].items() if name.endswith(".py")]
    assert "def root(point):\n    if point.x < 0:" in "".join(texts)


def test_own_modules_next_to_the_notebook_are_packed(tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("VALUE = 3\n")
    path = write(tmp_path / "n.ipynb", "import beside_it\n\ndef f() -> int:\n    return beside_it.VALUE")

    files = FunctionSource(fairing_kfp.load_notebook(path).f, {"return": int}).bundle("f").files

    assert any(file.path.endswith("modules/beside_it.py") for file in files)


def test_cells_selected_by_tags_run_in_full(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", ("x = max(1, 2)", ["a"]), "1 / 0", ("def f():\n    return x", ["a", "b"]))

    assert fairing_kfp.load_notebook(path, tags=["a"]).f() == 2


def test_marked_cells_run_in_full(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "#fairing:include-cell\nx = max(1, 2)", "1 / 0")

    assert fairing_kfp.load_notebook(path).x == 2


def test_notebooks_with_the_same_name_are_separate_modules(tmp_path: Path) -> None:
    modules = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        modules.append(fairing_kfp.load_notebook(write(folder / "twin.ipynb", f"def f():\n    return {number}")))

    assert [module.f() for module in modules] == [0, 1]
    assert modules[0].__name__ != modules[1].__name__


def test_future_annotations_apply(tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "from __future__ import annotations", "def f(x: Unknown): ...")

    assert fairing_kfp.load_notebook(path).f.__annotations__ == {"x": "Unknown"}


def test_a_function_becomes_a_component(tmp_path: Path) -> None:
    module = fairing_kfp.load_notebook(write(tmp_path / "n.ipynb", *CELLS))

    component = fairing_kfp.fairing_component(packages=[])(module.train)

    assert list(component.component_spec.inputs) == ["x"]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (
            ["size = f()", "def g(x=size):\n    return x"],
            "n.ipynb, cell 2: a definition fails: NameError",
        ),
        (["import not_there_at_all"], "cell 1: a definition fails: ModuleNotFoundError"),
        (["x = ="], "cell 1, line 1: invalid syntax"),
    ],
)
def test_failing_definitions_are_reported_with_their_cell(cells: list[str], says: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=says):
        fairing_kfp.load_notebook(write(tmp_path / "n.ipynb", *cells))


def test_relative_paths_start_at_the_caller(tmp_path: Path) -> None:
    write(tmp_path / "n.ipynb", "X = 1")
    caller = tmp_path / "flow.py"
    caller.write_text("import fairing_kfp\nX = fairing_kfp.load_notebook('n.ipynb').X\n")
    names = {"__file__": str(caller), "__name__": "flow"}
    exec(compile(caller.read_text(), str(caller), "exec"), names)

    assert names["X"] == 1
    shutil.rmtree(tmp_path)


def test_only_definitions_that_a_step_uses_are_packed(tmp_path: Path) -> None:
    write(tmp_path / "n.ipynb", "START = 4\n\ndef more(x):\n    return x + START\n\ndef unused(): ...")
    (tmp_path / "flow_of_it.py").write_text(
        "import fairing_kfp\nnotebook = fairing_kfp.load_notebook('n.ipynb')\n\n"
        "def step() -> int:\n    return notebook.more(notebook.START)\n"
    )
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\nimport flow_of_it\n"
        "from fairing_kfp.preprocess.function import FunctionSource\n"
        "files = FunctionSource(flow_of_it.step, {'return': int}).bundle('step').files\n"
        "sys.stdout.buffer.write(next(file.data for file in files if file.path.endswith('function.pickle')))"
    )
    packed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, check=True).stdout
    step = "import pickle, sys; print(pickle.load(sys.stdin.buffer)['function']())"

    done = subprocess.run([sys.executable, "-c", step], input=packed, capture_output=True, check=True, cwd=tmp_path)

    assert done.stdout == b"8\n"
    assert b"unused" not in packed
