"""The imports of programs, read from their syntax trees."""

from __future__ import annotations

import ast

import pytest

from fairing_kfp.preprocess.modules.imports import Import, absolute_names, imports_in, resolve

PROGRAM = """
import os.path, numpy.linalg as la
from a.b import c, d as e
def f():
    from . import near
    from ..up import *
    with g() as h:
        import deep
match x:
    case 1:
        import matched
"""


def test_imports_anywhere_with_their_names() -> None:
    found = {one.local_name: (one.target, one.level) for one in imports_in(ast.parse(PROGRAM))}
    assert found == {
        "os": ("os", 0),
        "la": ("numpy.linalg", 0),
        "c": ("a.b.c", 0),
        "e": ("a.b.d", 0),
        "near": (".near", 1),
        "*": ("up.*", 2),
        "deep": ("deep", 0),
        "matched": ("matched", 0),
    }


def test_absolute_names() -> None:
    names = absolute_names(imports_in(ast.parse(PROGRAM)), "p.q")
    assert names[:5] == ("os.path", "numpy.linalg", "a.b", "a.b.c", "a.b.d")
    assert set(names[5:]) == {"p.q", "p.q.near", "p.up", "p.up.*", "deep", "matched"}


def test_a_statement_is_a_tree() -> None:
    (statement,) = ast.parse("import a").body
    assert list(imports_in(statement)) == [Import("a")]


def test_order_is_that_of_walk() -> None:
    tree = ast.parse("def f():\n    import deep\nif x:\n    import middle\nimport top\n")
    walked = [node.names[0].name for node in ast.walk(tree) if isinstance(node, ast.Import)]
    assert [one.module for one in imports_in(tree)] == walked


@pytest.mark.parametrize(
    ("text", "optional"),
    [
        ("try:\n    import a\nexcept ImportError:\n    pass", True),
        ("try:\n    pass\nexcept ImportError:\n    if x:\n        import a", True),
        ("try:\n    pass\nexcept ImportError:\n    pass\nelse:\n    import a", False),
        ("try:\n    import a\nfinally:\n    pass", False),
        ("if TYPE_CHECKING:\n    import a", True),
        ("if typing.TYPE_CHECKING:\n    def f():\n        import a", True),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import a", False),
        ("if x:\n    import a", False),
    ],
)
def test_imports_that_may_fail(text: str, optional: bool) -> None:
    (one,) = imports_in(ast.parse(text))
    assert one.is_optional is optional


@pytest.mark.parametrize(
    ("name", "level", "package", "absolute"),
    [
        ("a.b", 0, "p.q", "a.b"),
        ("a", 1, "p.q", "p.q.a"),
        ("", 1, "p.q", "p.q"),
        ("a", 2, "p.q", "p.a"),
        ("", 2, "p.q", "p"),
    ],
)
def test_relative_names(name: str, level: int, package: str, absolute: str) -> None:
    assert resolve(name, level, package) == absolute
