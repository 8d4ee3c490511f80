"""The source texts of classes that are pickled by value."""

from __future__ import annotations

import ast
import linecache
import sys
import types
from collections.abc import Callable

import pytest

from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.pickle.class_source import class_source

Author = Callable[..., types.ModuleType]

FLOW = '''
import dataclasses, enum
import fairing_kfp

@dataclasses.dataclass(
    frozen=True,
)
class Point:
    """A point."""

    x: int = 1  # in metres

    class Deep:
        class Deeper:
            y = 2

class Color(enum.Enum):
    RED = 1

def make():
    if True:
        class Local:
            def method(self):
                class Inmost(Color.__base__): a = 1
                return Inmost
        return Local

Made = type("Made", (), {})
MadeData = dataclasses.make_dataclass("MadeData", ["x"])
'''


def text_of(cls: type) -> str | None:
    found = class_source(cls)
    if found is None:
        return None
    assert isinstance(ast.parse(found.text), ast.Module)
    assert f"class {cls.__name__}" in found.text.splitlines()[found.line - 1]
    return found.text


def test_classes_with_what_encloses_them(author: Author) -> None:
    flow = author(flow=FLOW)
    assert text_of(flow.Point) == FLOW[FLOW.index("class Point") : FLOW.index("\n\nclass Color") + 1]
    assert text_of(flow.Color) == "class Color(enum.Enum):\n    RED = 1\n"
    assert text_of(flow.Point.Deep.Deeper) == ("class Point:\n class Deep:\n        class Deeper:\n            y = 2\n")
    local = flow.make()
    assert str(text_of(local)).startswith("def make():\n        class Local:\n            def method(self):\n")
    assert text_of(local().method()) == (
        "def make():\n class Local:\n  def method():\n                class Inmost(Color.__base__): a = 1\n"
    )
    assert text_of(flow.Made) is None
    assert text_of(flow.MadeData) is None


def test_tabs(author: Author) -> None:
    flow = author(flow="import fairing_kfp\ndef make():\n\tclass A:\n\t\tclass B:\n\t\t\tx = 1\n\treturn A.B\n")
    assert text_of(flow.make()) == "def make():\n\tclass A:\n\t\tclass B:\n\t\t\tx = 1\n"


@pytest.mark.parametrize("methods", ["x = 1", "def f(self): return 1"])
def test_the_last_cell_of_a_notebook_that_defines_a_class(methods: str, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = types.ModuleType("kernel_of_classes")
    monkeypatch.setitem(sys.modules, notebook.__name__, notebook)
    for number, base in enumerate(("object", "dict")):
        name, text = f"/tmp/ipykernel_7/{number}.py", f"class Cell({base}):\n    {methods}\n"
        monkeypatch.setitem(linecache.cache, name, (len(text), None, text.splitlines(keepends=True), name))
        exec(compile(text, name, "exec"), notebook.__dict__)
    assert text_of(notebook.Cell) == f"class Cell(dict):\n    {methods}\n"


def test_decorators_and_edits_elsewhere_change_nothing(author: Author) -> None:
    texts = {
        "one": "import fairing_kfp\n@(lambda c: c)\nclass A:\n    x = 1\ndef step(): return A\n",
        "two": "import fairing_kfp\n# more\nclass A:\n    x = 1\n\ndef other(): ...\n\ndef step(): return A\n",
    }
    packed = []
    for name, text in texts.items():
        bundle = FunctionSource(author(**{name: text}).step, {}).bundle("step")
        packed.append([file.data for file in bundle.files if "/source/" in file.path])
    assert packed[0] == packed[1] == [b"class A:\n    x = 1\n", b"def step(): return A\n"]
