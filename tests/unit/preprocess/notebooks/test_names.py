"""Names that nothing sets once magics are left out."""

from __future__ import annotations

import re

import pytest

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.notebooks.cells import python_cells
from fairing_kfp.preprocess.notebooks.document import Cell
from fairing_kfp.preprocess.notebooks.names import check_names


def check(sources: list[str]) -> None:
    cells = python_cells([Cell(n, source, frozenset()) for n, source in enumerate(sources, 1)], "n.ipynb")
    check_names(cells, [it for cell in cells for it in cell.omissions], "n.ipynb")


@pytest.mark.parametrize(
    ("cells", "place", "omission"),
    [
        (["%%R -o frame\nframe <- 1", "frame.head()"], "cell 2, line 1 uses 'frame'", "cell 1, line 1: %%R"),
        (["%%sql rows <<\nSELECT 1", "x = 1\nlen(rows)"], "cell 2, line 2 uses 'rows'", "cell 1, line 1: %%sql"),
        (["%load_ext sql", "%store -r data", "f = len(data)"], "cell 3, line 1 uses 'data'", "cell 2, line 1: %store"),
        (["%run other.py", "def f():\n    return helper(1)"], "cell 2, line 2 uses 'helper'", "cell 1, line 1: %run"),
        (["%run -i other.py", "class A(Base):\n    pass"], "cell 2, line 1 uses 'Base'", "cell 1, line 1: %run"),
        (["%pylab inline", "[x for x in arange(3)]"], "cell 2, line 1 uses 'arange'", "cell 1, line 1: %pylab"),
        (["run other.py", "helper(1)"], "cell 2, line 1 uses 'helper'", "cell 1, line 1: %run"),
        (["%%cython\ndef f(): pass", "g = lambda x: f(x)"], "cell 2, line 1 uses 'f'", "cell 1, line 1: %%cython"),
        (["%%bigquery frame\nSELECT 1", "await frame"], "cell 2, line 1 uses 'frame'", "cell 1, line 1: %%bigquery"),
        (["get_ipython().run_cell('x = 1')", "x"], "cell 2, line 1 uses 'x'", "cell 1, line 1: get_ipython().run_cell"),
        (["%macro m 1", "%run a.py", "x: Unknown = 1"], "cell 3, line 1 uses 'Unknown'", "cell 2, line 1: %run"),
        (["def f():\n    return late", "%run a.py"], "cell 1, line 2 uses 'late'", "cell 2, line 1: %run"),
        (["%run a.py", "def f(rows): rows", "rows"], "cell 3, line 1 uses 'rows'", "cell 1, line 1: %run"),
    ],
)
def test_a_name_that_nothing_left_sets_is_refused(cells: list[str], place: str, omission: str) -> None:
    with pytest.raises(PackError, match=re.escape(f"n.ipynb, {place}, which nothing sets: {omission} is left out")):
        check(cells)


def test_a_variable_of_a_function_is_another() -> None:
    with pytest.raises(PackError, match="uses the variable 'names', which cell 1, line 1: !ls sets"):
        check(["names = !ls", "def f(names):\n    return names", "print(names)"])


@pytest.mark.parametrize(
    "cells",
    [
        ["%matplotlib inline\n!pip install x", "unknown"],
        [
            "%run other.py",
            "try:\n    unicode\nexcept NameError:\n    unicode = str",
            "print(unicode, __file__, len, _)",
        ],
        ["%run other.py", "try:\n    xrange\nexcept (ImportError, NameError):\n    pass"],
        ["%run other.py", "from other import *", "helper(1)"],
        ["%run other.py", "import a.b as c, d.e\nc, d\n[y for y in [1] if (z := y)], z"],
        ["%run other.py", "def f(a, *b, c=1, **d):\n    global g\n    g = a, b, c, d, f", "g"],
        ["%run other.py", "match 1:\n    case {'a': x, **rest}:\n        x, rest\n    case [*y]:\n        y"],
        ["%run other.py", "from __future__ import annotations\nx: Unknown = 1\ndef f(a: Other) -> Third: pass"],
        [
            "%run other.py",
            "class A:\n    x = 1\n    y = x\n    def f(self): super().f(), __class__",
            "with A() as b: b",
        ],
        ["%run other.py", "for i, (j, k) in []: i, j, k\nasync for m in f(): m\ndef f(): pass"],
        ["%run other.py", "get_ipython, display, In, Out, exit"],
        ["%run other.py", "late()", "def late(): pass"],
    ],
)
def test_names_that_are_set_or_may_be_missing_are_accepted(cells: list[str]) -> None:
    check(cells)
