"""Code objects without a trace of where they were written.

A packed code object counts its lines from its function's own first line, and its file is a packed copy of the
function's text: so a comment above it changes nothing, and tracebacks and `inspect.getsource` still work in the step.
"""

from __future__ import annotations

import dis
import hashlib
import inspect
import linecache
import re
import tokenize
import types
from dataclasses import dataclass, field
from typing import Any

from fairing_kfp.preprocess.code_names import codes
from fairing_kfp.preprocess.installed import is_installed

_FIELDS = [
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
]
if hasattr(types.CodeType, "co_qualname"):  # Python 3.11
    _FIELDS += ["co_qualname", "co_exceptiontable"]

_DEFINITION = re.compile(r"\s*(?:async\s+def|def|class)\b")
_STORE_NAME = bytes((dis.opmap["STORE_NAME"],))
_FIRST_LINE, _STATIC_ATTRIBUTES = "__firstlineno__", "__static_attributes__"
_LONGEST_NAME = 120  # of a file, whose name also holds a digest


@dataclass
class Sources:
    """The source texts of packed functions by their files below the folder of a step's code."""

    texts: dict[str, str] = field(default_factory=dict)
    _library: dict[str, bool] = field(default_factory=dict)

    def add(self, function: types.FunctionType, module: str) -> str:
        """Keeps a function's text; gives its file name, empty where there is no text: it was made by exec."""
        if self.is_library(function.__code__):
            return ""
        text = source_text(function.__code__)
        if not text:
            return ""
        safe = re.sub(r"[^\w.]+", "_", f"{module}.{function.__qualname__}").strip("_")[-_LONGEST_NAME:]
        filename = f"source/{safe}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.py"
        self.texts[filename] = text
        return filename

    def is_library(self, code: types.CodeType) -> bool:
        """Whether code comes from an installed file."""
        filename = code.co_filename
        if filename not in self._library:
            self._library[filename] = not filename.startswith("<") and is_installed(filename)
        return self._library[filename]


def source_text(code: types.CodeType) -> str:
    """The text of a function, its decorators blanked: they describe the image. Empty where there is none."""
    linecache.checkcache(code.co_filename)
    rest = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    if not rest:  # made by exec, or its file is gone or was edited
        return ""
    try:
        lines = inspect.getblock(rest)
    except (SyntaxError, tokenize.TokenError):  # it begins inside of a statement: a lambda among arguments
        lines = rest[: max(_last_line(part) for part in codes(code)) - code.co_firstlineno + 1]
    if lines and lines[0].lstrip().startswith("@"):
        for number, line in enumerate(lines):
            if _DEFINITION.match(line):
                lines = ["\n"] * number + lines[number:]
                break
    return "".join(lines)


def _last_line(code: types.CodeType) -> int:
    return max(line or 0 for _, _, line in code.co_lines())


def portable_code(code: types.CodeType, filename: str, first: int) -> types.CodeType:
    """The code with this file name, its lines counted from line `first` of the original file."""
    consts = tuple(
        portable_code(constant, filename, first) if isinstance(constant, types.CodeType) else constant
        for constant in code.co_consts
    )
    line = max(1, code.co_firstlineno - first + 1)
    made = code.replace(co_filename=filename, co_firstlineno=line, co_consts=consts)
    return _portable_class_body(made, line) if _FIRST_LINE in code.co_names else made


def _portable_class_body(code: types.CodeType, line: int) -> types.CodeType:
    """The body of a class of Python 3.13 with a relative `__firstlineno__` and sorted `__static_attributes__`.

    Both are constants; as they may be shared with constants of the user's, all get new numbers, in order of their use.
    """
    text = bytearray(code.co_code)
    new: dict[object, tuple[int, Any]] = {}
    for place in range(0, len(text), 2):
        if text[place] == dis.EXTENDED_ARG:  # more than 256 constants, or names
            return code
        if text[place] not in dis.hasconst:
            continue
        key: object = text[place + 1]
        value = code.co_consts[text[place + 1]]
        following = text[place + 2 : place + 4]
        stored = code.co_names[following[1]] if following[:1] == _STORE_NAME else ""
        if stored == _FIRST_LINE:
            key, value = stored, line
        elif stored == _STATIC_ATTRIBUTES:  # Python 3.13.0 has them in the order of a set
            key, value = stored, tuple(sorted(value))
        text[place + 1] = new.setdefault(key, (len(new), value))[0]
    return code.replace(co_code=bytes(text), co_consts=tuple(value for _, value in new.values()))


def code_fields(code: types.CodeType) -> tuple[Any, ...]:
    """The arguments with which `fairing_kfp.runtime.rebuild.code` makes this code object again."""
    fields: list[Any] = [code.co_filename, code.co_firstlineno]
    for name in _FIELDS:
        fields += [name, getattr(code, name)]
    return tuple(fields)
