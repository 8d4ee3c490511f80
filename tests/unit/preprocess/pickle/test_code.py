"""Code objects without the path and lines of their file."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from fairing_kfp.preprocess.pickle.code import Sources, code_fields, portable_code, source_text
from fairing_kfp.preprocess.pickle.references import codes
from fairing_kfp.runtime import rebuild

Author = Callable[..., types.ModuleType]


def compiled(text: str, file: str = "/some/where.py") -> types.CodeType:
    space: dict[str, Any] = {}
    exec(compile(text, file, "exec"), space)
    code: types.CodeType = space["f"].__code__
    return code


BODY = """def f(x):
    def g(y):
        class C:
            kept = (1, "a", 7)
            def m(self):
                self.b = self.a = 3
        return C.kept, [n for n in range(y)]
    return g(x)
"""


@pytest.mark.parametrize("above", ["", "\n\n# comment\n", "import os\n" * 6])
def test_place_and_lines_are_gone(above: str) -> None:
    code, moved = compiled(BODY), compiled(above + BODY, "/other/place.py")
    here = portable_code(code, "f.py", code.co_firstlineno)
    there = portable_code(moved, "f.py", moved.co_firstlineno)
    assert code_fields(here) == code_fields(there)
    assert {part.co_filename for part in codes(there)} == {"f.py"}
    assert there.co_firstlineno == 1


def test_made_again_it_does_the_same() -> None:
    code = compiled("\n\n" + BODY)
    made = rebuild.code(*code_fields(portable_code(code, "f.py", code.co_firstlineno)))
    assert types.FunctionType(made, {"__builtins__": __builtins__, "__name__": "m"})(3) == ((1, "a", 7), [0, 1, 2])


@pytest.mark.skipif(sys.version_info < (3, 13), reason="classes hold their line since Python 3.13")
@pytest.mark.parametrize("line", [1, 3, 7])
def test_the_line_of_a_class_may_equal_a_constant_of_it(line: int) -> None:
    code, moved = compiled(BODY), compiled("\n" * line + BODY)
    here = portable_code(code, "f.py", code.co_firstlineno)
    assert code_fields(here) == code_fields(portable_code(moved, "f.py", moved.co_firstlineno))


def test_texts(author: Author) -> None:
    flow = author(
        flow='''
        import functools
        @functools.lru_cache(
            maxsize=3,
        )
        def decorated(x):
            """Text."""
            return x

        def plain(x):
            # kept
            return x
            # dropped

        MANY = [
            lambda x: x + 1,
            lambda y: (
                y + 2
            ),
        ]
        '''
    )
    assert source_text(flow.decorated.__wrapped__.__code__) == (
        '\n\n\ndef decorated(x):\n    """Text."""\n    return x\n'
    )
    assert source_text(flow.plain.__code__).startswith("def plain(x):\n    # kept\n    return x\n")
    assert "x + 1" in source_text(flow.MANY[0].__code__)
    assert "y + 2" in source_text(flow.MANY[1].__code__)
    assert "x + 1" not in source_text(flow.MANY[1].__code__)


def test_long_and_odd_names_become_file_names() -> None:
    sources = Sources()

    def function() -> None: ...

    function.__qualname__ = "f" * 400 + ".<locals>.é"
    name = sources.add(function.__code__, f"a module.{function.__qualname__}")
    assert len(name) < 160
    assert name.startswith("source/")
    assert list(sources.texts) == [name]
