"""What packing knows of versions of Python: byte code, fields of code objects, attributes of classes, annotations.

A version that is not in `TRIED` packs only after the self-test of `fairing_kfp.preprocess.self_test`.
"""

from __future__ import annotations

import dis
import inspect
import sys
import types
from typing import Any

TRIED = ((3, 10), (3, 11), (3, 12), (3, 13))
"""The versions that the tests of this release ran with."""


def _opcodes(*names: str) -> frozenset[int]:
    """The opcodes of those names that this version has."""
    return frozenset(dis.opmap[name] for name in names if name in dis.opmap)


GLOBALS = _opcodes("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
FREE = _opcodes("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF", "LOAD_CLOSURE")
ATTRIBUTES = _opcodes("LOAD_ATTR", "LOAD_METHOD")
SILENT = _opcodes("CACHE", "PRECALL", "PUSH_NULL", "NOT_TAKEN")
CONSTANTS = _opcodes("LOAD_CONST", "RETURN_CONST")
SMALL_INTEGERS = _opcodes("LOAD_SMALL_INT")  # Python 3.14: the argument is the constant
LOAD_GLOBAL, LOAD_ATTR, IMPORT_NAME = dis.opmap["LOAD_GLOBAL"], dis.opmap["LOAD_ATTR"], dis.opmap["IMPORT_NAME"]
STORE_NAME, EXTENDED_ARG = dis.opmap["STORE_NAME"], dis.opmap["EXTENDED_ARG"]
GLOBAL_SHIFT = 1 if sys.version_info >= (3, 11) else 0  # the lowest bit means that a NULL is pushed
ATTRIBUTE_SHIFT = 1 if sys.version_info >= (3, 12) else 0

CODE_FIELDS = (
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_nlocals",
    "co_stacksize",
    "co_flags",
    "co_code",
    "co_consts",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_name",
    "co_linetable",
    *(("co_qualname", "co_exceptiontable") if hasattr(types.CodeType, "co_qualname") else ()),  # Python 3.11
)
"""The fields from which a code object is rebuilt, without its file and first line."""

FIRST_LINE, STATIC_ATTRIBUTES = "__firstlineno__", "__static_attributes__"
"""Variables that the body of a class sets (Python 3.13)."""

CHANGING = frozenset(
    {
        "__slotnames__",  # copyreg's cache
        FIRST_LINE,
        "__annotations_cache__",
        "__annotate_func__",
        "_abc_cache",
        "_abc_negative_cache",
        "_abc_negative_cache_version",
    }
)
"""Attributes of a class that change although the class does not."""


def free_name(code: types.CodeType, argument: int) -> str:
    """The name of the free variable that an instruction refers to."""
    if sys.version_info >= (3, 11):
        name: str = code._varname_from_oparg(argument)  # type: ignore[attr-defined]
        return name
    return (code.co_cellvars + code.co_freevars)[argument]


def own_annotations(annotated: Any) -> dict[str, Any]:
    """The annotations of a function or class itself; as text if Python 3.14 cannot evaluate them."""
    try:
        return inspect.get_annotations(annotated)
    except Exception:
        if sys.version_info >= (3, 14):
            import annotationlib

            return annotationlib.get_annotations(annotated, format=annotationlib.Format.STRING)
        raise


def is_lazily_annotated(cls: type) -> bool:
    """Whether a class has its annotations not in its attributes, as in Python 3.14."""
    return "__annotate_func__" in vars(cls) and "__annotations__" not in vars(cls)
