"""Code objects without a trace of where they were written.

A packed code object counts its lines from its function's own first line, and its file is a packed copy of the
function's text: so a comment above it changes nothing, and tracebacks and `inspect.getsource` still work in the step.
"""

from __future__ import annotations

import dis
import hashlib
import inspect
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass
class Sources:
    """The source texts of packed functions by their file names in the image."""

    texts: dict[str, str] = field(default_factory=dict)

    def add(self, function: types.FunctionType, module: str) -> str:
        """Keeps a function's text; gives its file name, empty where there is no text: it was made by exec."""
        if is_library_code(function.__code__):
            return ""
        try:
            lines, _ = inspect.getsourcelines(function.__code__)
        except (OSError, TypeError, SyntaxError, IndexError):  # its file is gone or was edited
            return ""
        text = "".join(_without_decorators(lines))
        safe = re.sub(r"[^\w.]+", "_", f"{module}.{function.__qualname__}").strip("_")
        filename = f"{safe}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.py"
        self.texts[filename] = text
        return filename


def is_library_code(code: types.CodeType) -> bool:
    """Whether code comes from an installed file: such as what `dataclasses` puts into a class."""
    return not code.co_filename.startswith("<") and is_installed(Path(code.co_filename))


def _without_decorators(lines: list[str]) -> list[str]:
    """The lines with decorators blanked: they describe the image, not what the function does."""
    if lines and lines[0].lstrip().startswith("@"):
        for number, line in enumerate(lines):
            if _DEFINITION.match(line):
                return ["\n"] * number + lines[number:]
    return lines


def portable_code(code: types.CodeType, filename: str, first: int) -> types.CodeType:
    """The code with this file name, its lines counted from line `first` of the original file."""
    consts = tuple(
        portable_code(constant, filename, first) if isinstance(constant, types.CodeType) else constant
        for constant in code.co_consts
    )
    line = max(1, code.co_firstlineno - first + 1)
    return code.replace(co_filename=filename, co_firstlineno=line, co_consts=consts)


def code_fields(code: types.CodeType) -> tuple[Any, ...]:
    """The arguments with which `fairing_kfp.runtime.rebuild.code` makes this code object again."""
    fields: list[Any] = [code.co_filename, code.co_firstlineno]
    for name in _FIELDS:
        fields += [name, getattr(code, name)]
    return tuple(fields)


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code and all code nested in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def global_names(code: types.CodeType) -> list[str]:
    """The names of the globals that the code and its nested code use, in order of first use."""
    names: dict[str, None] = {}
    for part in codes(code):
        for instruction in dis.get_instructions(part):
            if instruction.opname in ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_NAME"):
                names[instruction.argval] = None
    return list(names)


def attribute_chains(code: types.CodeType) -> Iterator[tuple[str, list[str]]]:
    """The dotted names that the code reads: `xml.etree.parse` gives `("xml", ["etree", "parse"])`."""
    for part in codes(code):
        root: str | None = None
        chain: list[str] = []
        for instruction in dis.get_instructions(part):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_FAST", "LOAD_CLASSDEREF"):
                if root is not None and chain:
                    yield root, chain
                root, chain = instruction.argval, []
            elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and root is not None:
                chain.append(instruction.argval)
            elif instruction.opname not in ("CACHE", "EXTENDED_ARG", "PRECALL", "PUSH_NULL"):
                if root is not None and chain:
                    yield root, chain
                root = None
        if root is not None and chain:
            yield root, chain


def imported_names(code: types.CodeType, package: str) -> Iterator[str]:
    """The absolute names of the modules that the code imports; `from a import b` gives both `a` and `a.b`."""
    for part in codes(code):
        constants: list[Any] = []
        for instruction in dis.get_instructions(part):
            if instruction.opname in ("LOAD_CONST", "LOAD_SMALL_INT"):
                constants.append(instruction.argval)
            elif instruction.opname == "IMPORT_NAME":  # its level and its list of names were loaded just before
                level, fromlist = constants[-2:]
                name = resolve(instruction.argval, level, package)
                yield name
                yield from (f"{name}.{item}" for item in fromlist or ())


def resolve(name: str, level: int, package: str) -> str:
    """The absolute name of a relative import (`importlib.util.resolve_name`, without its errors)."""
    if not level:
        return name
    base = package.split(".")
    kept = base[: len(base) - level + 1]
    return ".".join([*kept, name] if name else kept)
