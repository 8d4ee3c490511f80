"""What a step's pickle contains: the code, defaults and annotations of functions, and the values that they use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fairing_kfp.comparison.pickled import Made, Name, Pairs, UnreadablePickleError, children
from fairing_kfp.comparison.values import CELL, CLASSES, FUNCTION, Digests, code_of, mapping, name_of, shown

SOURCES, MODULES = "source/", "modules/"
"""Folders below the step's code: source texts of single functions and classes, and the author's own modules."""

_PARTIAL = Name("functools", "partial")
_TYPED = Name("fairing_kfp.runtime.typed_function", "TypedFunction")
_SOURCE_FILE = "__source_file__"


@dataclass(frozen=True)
class Part:
    """A part of a step's pickle that can change on its own.

    Attributes:
        kind: `function`, `class`, `global`, `closure`, `default`, `annotation`, `attribute`, `argument` or `type`.
        label: what it is, for people: `the global RATE`.
        digest: equal for equal content.
        shown: its value in a few characters; empty if it is longer, or no value.
        file: the file with its source text, below the step's code folder; empty if there is none.
        derived: whether Python or a library makes it from other parts, such as the methods of a data class.
        value: the value itself.
    """

    kind: str
    label: str
    digest: str
    shown: str = ""
    file: str = ""
    derived: bool = False
    value: Any = field(default=None, compare=False, repr=False)


def parts_of(payload: Any) -> dict[str, Part]:
    """The parts of what a step's pickle contains, by label.

    Args:
        payload: the content of `function.pickle`, as `read_pickle` returns it.

    Raises:
        UnreadablePickleError: an object of the runtime has another form than this release writes.
    """
    try:
        return _parts(payload)
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        raise UnreadablePickleError(f"its form is unknown: {error}") from error


def _parts(payload: Any) -> dict[str, Part]:
    reader = _Reader()
    top = mapping(payload)
    root = top.get("function")
    reader.bound(root)
    plain = _plain(root)
    for value in _all(payload):
        if isinstance(value, Made) and value.function == FUNCTION:
            reader.function(value, annotated=value is not plain)
        elif isinstance(value, Made) and value.function in CLASSES:
            reader.class_(value)
    for name, kind in mapping(top.get("annotations")).items():
        reader.add("annotation", f"the annotation of {name}", kind)
    return reader.parts


def _all(root: Any) -> Iterator[Any]:
    """All values below a value, each once, in the order of the pickle."""
    seen: set[int] = set()
    ahead = [root]
    while ahead:
        value = ahead.pop()
        if id(value) not in seen:
            seen.add(id(value))
            yield value
            ahead += [one for one in children(value) if isinstance(one, (Made, tuple, list))][::-1]


def _plain(root: Any) -> Any:
    """The function inside partials and typed functions."""
    seen = 0
    while isinstance(root, Made) and root.function in (_PARTIAL, _TYPED) and seen < 100:
        state = root.state
        root = state[0] if isinstance(state, tuple) and state else mapping(state).get("function")
        seen += 1
    return root


class _Reader:
    """Collects parts."""

    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}
        self._digests = Digests()

    def add(self, kind: str, label: str, value: Any, *, file: str = "", derived: bool = False) -> None:
        """Adds a value under its label; a further one with the same label gets a number."""
        found = Part(kind, label, self._digests.of(value), shown(value), file, derived, value)
        number = 1
        key = label
        while key in self.parts:
            if self.parts[key] == found:
                return
            number += 1
            key = f"{label} ({number})"
        self.parts[key] = found

    def bound(self, root: Any) -> None:
        """Adds the arguments of partials, and the types of a typed function."""
        if not isinstance(root, Made):
            return
        if root.function == _PARTIAL and isinstance(root.state, tuple) and len(root.state) > 2:
            function, arguments, keywords = root.state[:3]
            for number, value in enumerate(arguments or (), 1):
                self.add("argument", f"the bound argument {number}", value)
            for name, value in mapping(keywords).items():
                self.add("argument", f"the bound argument {name}", value)
            self.bound(function)
        elif root.function == _TYPED:
            state = mapping(root.state)
            for name, kind in mapping(state.get("inputs")).items():
                self.add("type", f"the type of the input {name}", kind)
            self.add("type", "the type of the output", state.get("returned"))
            self.bound(state.get("function"))

    def function(self, made: Made, *, annotated: bool) -> None:
        """Adds the code of a function, and what it carries.

        Args:
            made: the function.
            annotated: whether to add its annotations.
        """
        name, state, code = name_of(made) or "?", mapping(made.state), code_of(made)
        file = str(code.get("file", ""))
        file = file if file.startswith((SOURCES, MODULES)) else ""
        generated = not file and name.rpartition(".")[2].startswith("__")
        self.add("function", f"{name}()", made.arguments[0], file=file, derived=generated)
        if generated:
            return
        for key, value in _defaults(state, code).items():
            self.add("default", f"the default of {key} in {name}()", value)
        if annotated:
            for key, value in mapping(state.get("__annotations__")).items():
                self.add("annotation", f"the annotation of {key} in {name}()", value)
        for key, value in mapping(state.get("__globals__")).items():
            if name_of(value) != key:  # a function or class, which is compared on its own
                self.add("global", f"the global {key}", value)
        for key, value in mapping(state.get("__dict__")).items():
            self.add("attribute", f"the attribute {key} of {name}()", value)
        for used in state.get("__used__") or ():
            if isinstance(used, tuple) and len(used) == 3 and name_of(used[2]) != used[1]:
                self.add("global", f"the global {used[1]}", used[2])
        names = code.get("co_freevars") or ()
        cells = made.arguments[2] if len(made.arguments) > 2 else None
        for key, cell in zip(names, cells or (), strict=False):
            if isinstance(cell, Made) and cell.function == CELL:
                content = cell.state[0] if isinstance(cell.state, tuple) and cell.state else None
                if name_of(content) is None:
                    self.add("closure", f"the closure's {key} in {name}()", content)

    def class_(self, made: Made) -> None:
        """Adds the attributes of a class; its methods are functions of their own."""
        name, state = name_of(made) or "?", mapping(made.state)
        _, _, bases, namespace, *members = made.arguments
        self.add("class", f"the bases of {name}", bases)
        for key, value in {**mapping(namespace), **state}.items():
            if name_of(value) is None and key != _SOURCE_FILE:
                self.add("attribute", f"{name}.{key}", value, derived=key.startswith("__"))
        for key, value in mapping(members[0] if members else None).items():
            self.add("attribute", f"{name}.{key}", value)
        if file := state.get(_SOURCE_FILE):
            self.add("class", f"the class {name}", None, file=str(file))


def _defaults(state: Mapping[str, Any], code: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of a function's parameters, by name."""
    positional, defaults = (code.get("co_varnames") or ())[: code.get("co_argcount") or 0], state.get("__defaults__")
    named = zip(positional[::-1], (defaults or ())[::-1], strict=False)
    found = {str(name): value for name, value in named}
    return {**dict(reversed(found.items())), **mapping(state.get("__kwdefaults__") or Pairs())}
