"""Values of a pickle as text to compare and text to read."""

from __future__ import annotations

import hashlib
from typing import Any

from fairing_kfp.comparison.pickled import Made, Members, Name, Pairs

_DEEPEST = 150  # nested values that are compared; deeper ones count as equal
_LONGEST = 40  # characters of a value in a sentence

FUNCTION = Name("fairing_kfp.runtime.rebuild", "function")
CODE = Name("fairing_kfp.runtime.rebuild", "code")
CELL = Name("fairing_kfp.runtime.rebuild", "cell")
CLASSES = (Name("fairing_kfp.runtime.classes", "empty_class"), Name("fairing_kfp.runtime.classes", "empty_enum"))
_MODULES = (
    Name("fairing_kfp.runtime.rebuild", "packed_module"),
    Name("fairing_kfp.runtime.rebuild", "imported_module"),
)
_PLACES = frozenset({"co_linetable", "co_lnotab", "co_exceptiontable"})
"""Fields of code that depend on the lines of its source, too."""


def mapping(value: Any) -> dict[str, Any]:
    """The pairs of a dictionary whose keys are texts; empty for another value."""
    if not isinstance(value, Pairs):
        return {}
    return {pair[0]: pair[1] for pair in value if isinstance(pair, tuple) and isinstance(pair[0], str)}


def name_of(value: Any) -> str | None:
    """The name of a function or class that is pickled by value; None for another value."""
    if not isinstance(value, Made):
        return None
    if value.function == FUNCTION:
        return str(mapping(value.state).get("__qualname__", ""))
    if value.function in CLASSES and isinstance(value.arguments, tuple) and len(value.arguments) > 3:
        return str(mapping(value.arguments[3]).get("__qualname__", value.arguments[1]))
    return None


def code_of(function: Made) -> dict[str, Any]:
    """The fields of a function's code, and its `file`; empty if the pickle has another form."""
    code = function.arguments[0] if isinstance(function.arguments, tuple) and function.arguments else None
    return fields_of(code)


def fields_of(code: Any) -> dict[str, Any]:
    """The fields of a code object, and its `file`; empty for another value."""
    if not isinstance(code, Made) or code.function != CODE or not isinstance(code.arguments, tuple):
        return {}
    if len(code.arguments) < 2:
        return {}
    file, _, *rest = code.arguments
    return {"file": str(file), **dict(zip(rest[::2], rest[1::2], strict=False))}


class Digests:
    """Digests of values: equal for values that are made alike.

    Functions and classes that are pickled by value count by their names, since they are compared on their own.
    Code counts without its file and lines.
    """

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def of(self, value: Any, depth: int = 0) -> str:
        """The digest of a value."""
        if isinstance(value, (str, bytes, bytearray)):
            data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
            return f"{type(value).__name__} {hashlib.sha256(data).hexdigest()}"
        if not isinstance(value, (Made, tuple, list)):
            return f"{type(value).__name__} {value!r}"
        if depth > _DEEPEST:
            return "deep"
        if id(value) not in self._known:
            self._known[id(value)] = "circle"
            parts = self._parts(value)
            text = "\0".join(part if isinstance(part, str) else self.of(part[0], depth + 1) for part in parts)
            self._known[id(value)] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return self._known[id(value)]

    def _parts(self, value: Any) -> list[Any]:
        """Texts, and values to be digested, each in a tuple of its own."""
        if name := name_of(value):
            return ["named", name]
        if fields := fields_of(value):
            return ["code", *(part for key in sorted(_compared(fields)) for part in (key, (fields[key],)))]
        if isinstance(value, Made):
            return ["made", (value.function,), (value.arguments,), (value.state,), *((one,) for one in value.members)]
        return [type(value).__name__, *((one,) for one in value)]


def _compared(fields: dict[str, Any]) -> set[str]:
    return fields.keys() - _PLACES - {"file"}


def shown(value: Any) -> str:
    """A value in a few characters; empty if it cannot be shown so."""
    text = _text(value)
    return text if text and len(text) <= _LONGEST and text.isprintable() else ""


def _text(value: Any, depth: int = 0) -> str:
    if isinstance(value, Name):
        return value.name
    if isinstance(value, Made):
        if value.function in _MODULES and isinstance(value.arguments, tuple) and value.arguments:
            return f"module {value.arguments[0]}"
        return name_of(value) or ""
    if not isinstance(value, (tuple, list)):
        return repr(value) if not isinstance(value, (str, bytes)) or len(value) <= _LONGEST else ""
    if depth > 2 or len(value) > 10:
        return ""
    if isinstance(value, Pairs):
        inner = [f"{_text(one, depth + 1)}: {_text(other, depth + 1)}" for one, other in value]
        return "" if any(part.startswith(": ") or part.endswith(": ") for part in inner) else f"{{{', '.join(inner)}}}"
    inner = [_text(one, depth + 1) for one in value]
    if not all(inner):
        return ""
    if isinstance(value, tuple):
        return f"({', '.join(inner)}{',' * (len(inner) == 1)})"
    return f"{{{', '.join(inner)}}}" if isinstance(value, Members) else f"[{', '.join(inner)}]"
