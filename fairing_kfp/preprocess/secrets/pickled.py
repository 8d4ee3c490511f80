"""The strings of a pickle with their names, read without running anything."""

from __future__ import annotations

import pickletools
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

_MOST_OPERATIONS = 2_000_000  # of a pickle; about two seconds
_PICKLE = b"\x80"
_PROTOCOLS = range(2, 6)
_OLD_PICKLE = re.compile(rb"\(?[dlict]p\d+\n|c[\w.]+\n\w+\n|V[^\n]*\np\d+\n|[(\]}][lq(]")
_STRINGS = {
    *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_SEQUENCES = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "LIST", "EMPTY_LIST", "APPEND", "APPENDS"}
_DICTIONARIES = {"DICT", "SETITEM", "SETITEMS"}
_IDENTIFIER = re.compile(r"[A-Za-z_.]+")
_MARK = object()


def is_pickle(data: bytes) -> bool:
    """Whether data seem to be a pickle."""
    is_new = data[:1] == _PICKLE and len(data) > 2 and data[1] in _PROTOCOLS
    return is_new or bool(_OLD_PICKLE.match(data) and data.endswith(b"."))


def pickled_strings(data: bytes) -> Iterator[tuple[str, str]]:
    """The strings and bytes of a pickle: each without a name, and with its key in a dictionary or what precedes it in a
    sequence. Ends where the pickle is damaged, or after two million operations.
    """
    stack: list[Any] = []
    try:
        yield from _run(data, stack)
    except Exception:  # whatever a damaged pickle leads to
        yield from _named(pairwise(stack))


def _run(data: bytes, stack: list[Any]) -> Iterator[tuple[str, str]]:
    """Follows the stack of a pickle, on which strings and sequences are themselves, and all else is None."""
    memory: dict[Any, Any] = {}
    fields: list[Any] = []  # of the last named tuple
    for number, (operation, argument, _) in enumerate(pickletools.genops(data)):
        name = operation.name
        if number > _MOST_OPERATIONS:
            return
        if name in _STRINGS:
            text = _text(argument)
            yield "", text
            stack.append(text)
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "MEMOIZE" or name.endswith("PUT"):
            memory[len(memory) if name == "MEMOIZE" else argument] = stack[-1]
        elif name.endswith("GET"):
            stack.append(memory.get(argument))
        elif name == "DUP":
            stack.append(stack[-1])
        else:
            taken = _take(stack, operation)
            if name in _DICTIONARIES:
                pairs = list(zip(taken[-2::-2], taken[::-1][::2], strict=False))
                fields = next((names for key, names in pairs if key == "_fields" and isinstance(names, list)), fields)
                yield from _named(pairs)
            elif name == "NEWOBJ" and isinstance(taken[-1], list) and len(taken[-1]) == len(fields):
                yield from _named(zip(fields, taken[-1], strict=True))
            elif name in _SEQUENCES:
                yield from _named(pair for pair in pairwise(taken) if _is_pair(*pair, len(taken)))
            stack += _result(name, taken) if operation.stack_after else []


def _text(argument: Any) -> str:
    return argument if isinstance(argument, str) else bytes(argument).decode("latin-1")


def _take(stack: list[Any], operation: pickletools.OpcodeInfo) -> list[Any]:
    """Removes from the stack what an operation consumes."""
    count = len(operation.stack_before)
    if pickletools.markobject in operation.stack_before:
        after_mark = stack[::-1].index(_MARK)
        count = operation.stack_before.index(pickletools.markobject) + 1 + after_mark
    taken = stack[len(stack) - count :]
    del stack[len(stack) - count :]
    return [item for item in taken if item is not _MARK]


def _result(name: str, taken: Sequence[Any]) -> list[Any]:
    if name in ("APPEND", "APPENDS") and isinstance(taken[0], list):
        taken[0].extend(taken[1:])
        return [taken[0]]
    if name in _SEQUENCES:
        return [list(taken)]
    if name == "REDUCE" and isinstance(taken[-1], list):  # `bytes("…")` and the like are their first argument
        return [next((item for item in taken[-1] if isinstance(item, str)), None)]
    return [None]


def _is_pair(name: Any, value: Any, count: int) -> bool:
    """Whether neighbours are a name and its value: an option and what follows, or two that are not both names."""
    if not isinstance(name, str) or not isinstance(value, str):
        return False
    return name.startswith("-") or (count == 2 and not _IDENTIFIER.fullmatch(value))


def _named(pairs: Iterable[tuple[Any, Any]]) -> Iterator[tuple[str, str]]:
    for key, value in pairs:
        if isinstance(key, str):
            for text in value if isinstance(value, list) else (value,):
                if isinstance(text, str):
                    yield key, text
