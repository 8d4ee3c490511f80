"""What a code object refers to: globals, dotted names and imports, read from its byte code in one pass.

`dis.get_instructions` tells the same but takes thirty times as long.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, field

_GLOBALS = {dis.opmap[name] for name in ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_NAME")}
_GLOBALS |= {dis.opmap[name] for name in ("LOAD_FROM_DICT_OR_GLOBALS",) if name in dis.opmap}
_FREE = {
    dis.opmap[name]
    for name in ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF", "LOAD_CLOSURE")
    if name in dis.opmap
}
_ATTRIBUTES = {dis.opmap[name] for name in ("LOAD_ATTR", "LOAD_METHOD") if name in dis.opmap}
_SILENT = {dis.opmap[name] for name in ("CACHE", "PRECALL", "PUSH_NULL") if name in dis.opmap}
_CONSTANTS = {dis.opmap[name] for name in ("LOAD_CONST", "RETURN_CONST") if name in dis.opmap}
_LOAD_GLOBAL, _LOAD_ATTR = dis.opmap["LOAD_GLOBAL"], dis.opmap["LOAD_ATTR"]
_IMPORT, _EXTENDED = dis.opmap["IMPORT_NAME"], dis.opmap["EXTENDED_ARG"]
_GLOBAL_SHIFT = 1 if sys.version_info >= (3, 11) else 0  # the lowest bit says whether a NULL is pushed
_ATTRIBUTE_SHIFT = 1 if sys.version_info >= (3, 12) else 0


@dataclass
class References:
    """What a code object and the code nested in it refer to, each in order of first use.

    Attributes:
        names: the names of globals.
        chains: dotted names whose root is a global or a free variable, such as `("xml", "etree", "parse")`.
        imports: for each import its module, its level and the names it takes from there.
    """

    names: dict[str, None] = field(default_factory=dict)
    chains: dict[tuple[str, ...], None] = field(default_factory=dict)
    imports: dict[tuple[str, int, tuple[str, ...]], None] = field(default_factory=dict)


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code and all code nested in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def references(code: types.CodeType) -> References:
    """What a function's code refers to."""
    found = References()
    for part in codes(code):
        _read(part, found)
    return found


def _read(code: types.CodeType, found: References) -> None:
    text, names, constants = code.co_code, code.co_names, code.co_consts
    chain: list[str] = []
    level: object = 0
    taken: object = None
    argument = 0
    for place in range(0, len(text), 2):
        operation = text[place]
        argument = argument << 8 | text[place + 1]
        if operation == _EXTENDED:
            continue
        if operation in _ATTRIBUTES:
            if chain:
                chain.append(names[argument >> _ATTRIBUTE_SHIFT if operation == _LOAD_ATTR else argument])
        elif operation not in _SILENT:
            if len(chain) > 1:
                found.chains[tuple(chain)] = None
            chain = []
            if operation in _GLOBALS:
                name = names[argument >> _GLOBAL_SHIFT if operation == _LOAD_GLOBAL else argument]
                found.names[name] = None
                chain = [name]
            elif operation in _FREE:
                chain = [_free_name(code, argument)]
            elif operation in _CONSTANTS:
                level, taken = taken, constants[argument]
            elif operation == _IMPORT:  # its level and what it takes were loaded just before
                depth = level if isinstance(level, int) else 0
                found.imports[names[argument], depth, tuple(taken) if isinstance(taken, tuple) else ()] = None
        argument = 0
    if len(chain) > 1:
        found.chains[tuple(chain)] = None


def _free_name(code: types.CodeType, argument: int) -> str:
    if sys.version_info >= (3, 11):
        name: str = code._varname_from_oparg(argument)  # type: ignore[attr-defined]
        return name
    return (code.co_cellvars + code.co_freevars)[argument]


def imported_names(found: References, package: str) -> Iterator[str]:
    """The absolute names of imported modules; `from a import b` gives both `a` and `a.b`."""
    for name, level, taken in found.imports:
        module = resolve(name, level, package)
        yield module
        yield from (f"{module}.{item}" for item in taken)


def resolve(name: str, level: int, package: str) -> str:
    """The absolute name of a relative import (`importlib.util.resolve_name`, without its errors)."""
    if not level:
        return name
    base = package.split(".")
    kept = base[: len(base) - level + 1]
    return ".".join([*kept, name] if name else kept)
