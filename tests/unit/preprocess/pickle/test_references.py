"""References of code objects, read from their byte code."""

from __future__ import annotations

import dis
import types
from typing import Any

from fairing_kfp.preprocess.modules.imports import absolute_names
from fairing_kfp.preprocess.pickle.references import codes, references


def compiled(text: str) -> types.CodeType:
    space: dict[str, Any] = {}
    exec(text, space)
    code: types.CodeType = space["f"].__code__
    return code


REFERRING = """
def f(a):
    import os.path
    from . import near, other as renamed
    from ..up.more import thing
    import xml.dom.minidom as dom
    print(a.b.c, pack.mod.name(1), free.deep.er)
    def g():
        return inner_global, pack.mod.name
    global written
    written = 1
    local = a
    local.attribute
    return [comprehended for a in g()]
"""


def test_references_agree_with_dis() -> None:
    code = compiled(REFERRING)
    found = references(code)
    expected = {
        instruction.argval
        for part in codes(code)
        for instruction in dis.get_instructions(part)
        if instruction.opname in ("LOAD_GLOBAL", "STORE_GLOBAL")
    }
    assert set(found.names) == expected >= {"pack", "inner_global", "written", "comprehended", "free"}
    assert {("pack", "mod", "name"), ("free", "deep", "er")} <= set(found.chains)
    assert not any(chain[0] in ("a", "local") for chain in found.chains)
    assert set(absolute_names(found.imports, "top.middle")) == {
        "os.path",
        "top.middle",
        "top.middle.near",
        "top.middle.other",
        "top.up.more",
        "top.up.more.thing",
        "xml.dom.minidom",
    }


def test_references_of_large_functions_and_free_variables() -> None:
    many = "\n".join(f"    x{n} = name{n}.attribute{n}.more{n} + {n}.5" for n in range(400))
    found = references(compiled(f"def f():\n{many}\n    import late\n"))
    assert list(found.chains) == [(f"name{n}", f"attribute{n}", f"more{n}") for n in range(400)]
    assert list(absolute_names(found.imports, "")) == ["late"]
    space: dict[str, Any] = {}
    exec(
        "def outer():\n    import xml\n    def f():\n        return xml.etree.parse\n    return f\nf = outer()\n", space
    )
    assert list(references(space["f"].__code__).chains) == [("xml", "etree", "parse")]
