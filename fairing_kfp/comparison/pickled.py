"""Pickles read without executing them: nothing is imported or called, whoever wrote the pickle."""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_MAX_SIZE = 64 << 20  # bytes


class UnreadablePickleError(Exception):
    """A pickle is damaged, too large, or uses what this reader does not know."""


@dataclass(frozen=True)
class Name:
    """A class or function that a pickle imports."""

    module: str
    name: str


@dataclass(eq=False)
class Made:
    """An object that a pickle makes with a call.

    Attributes:
        function: what is called, usually a `Name`.
        arguments: the arguments.
        state: what the object is filled with; None without.
        members: what is appended to it, or pairs that are set in it.
    """

    function: Any
    arguments: Any
    state: Any = None
    members: list[Any] = field(default_factory=list)


class Pairs(list[Any]):
    """A dictionary, as its pairs: its keys may be objects that the pickle makes."""


class Members(list[Any]):
    """A set."""


def read_pickle(data: bytes) -> Any:
    """What a pickle would make: constants, tuples and lists as they are, `Pairs`, `Members`, `Name` and `Made`.

    Raises:
        UnreadablePickleError: the pickle is damaged or too large, or uses an unknown instruction.
    """
    if len(data) > _MAX_SIZE:
        raise UnreadablePickleError(f"it is larger than {_MAX_SIZE >> 20} MB")
    machine = _Machine()
    try:
        for operation, argument, _ in pickletools.genops(data):
            machine.run(operation.name, argument)
            if operation.name == "STOP":
                return machine.pop()
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        raise UnreadablePickleError(f"it is damaged: {error}") from error
    raise UnreadablePickleError("it has no end")


def children(value: Any) -> Iterator[Any]:
    """The values inside a value."""
    if isinstance(value, Made):
        yield value.function
        yield value.arguments
        yield value.state
        yield from value.members
    elif isinstance(value, (tuple, list)):
        yield from value


class _Machine:
    """The machine of `pickle`, which writes down calls instead of making them."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def run(self, name: str, argument: Any) -> None:
        """Runs one instruction."""
        if name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _LITERALS:
            self._stack.append(argument)
        elif name in _MEMO:
            _MEMO[name](self, argument)
        elif name in _STEPS:
            _STEPS[name](self)
        elif name not in _IGNORED:
            raise UnreadablePickleError(f"the instruction {name} is unknown")

    def pop(self) -> Any:
        """The value on top of the stack."""
        return self._stack.pop()

    def take(self, count: int) -> list[Any]:
        """The topmost values of the stack, the top last."""
        if count > len(self._stack):
            raise IndexError("the stack is empty")
        taken = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        return taken

    def marked(self) -> list[Any]:
        """The values since the last mark."""
        values, self._stack = self._stack, self._marks.pop()
        return values

    def push(self, value: Any) -> None:
        """Puts a value on the stack."""
        self._stack.append(value)

    def top(self) -> Any:
        """The topmost value, which stays."""
        return self._stack[-1]

    def mark(self) -> None:
        """Sets a mark."""
        self._marks.append(self._stack)
        self._stack = []

    def memoize(self, _: Any) -> None:
        """Remembers the topmost value under the next number."""
        self._memo[len(self._memo)] = self._stack[-1]

    def put(self, number: Any) -> None:
        """Remembers the topmost value under a number."""
        self._memo[int(number)] = self._stack[-1]

    def get(self, number: Any) -> None:
        """Puts a remembered value on the stack."""
        self._stack.append(self._memo[int(number)])

    def call(self) -> None:
        """Writes down a call. `setter(object, state)` fills the object, as `pickle` writes it for `__reduce__`."""
        function, arguments = self.take(2)
        self.push(Made(function, arguments))

    def call_with_mark(self) -> None:
        """Writes down a call of the first marked value with the others."""
        function, *arguments = self.marked()
        self.push(Made(function, tuple(arguments)))

    def call_with_keywords(self) -> None:
        """Writes down a call of `__new__` with keyword arguments."""
        function, arguments, keywords = self.take(3)
        self.push(Made(function, (arguments, keywords)))

    def fill(self) -> None:
        """Notes the state of an object."""
        made, state = self.take(2)
        made.state = state
        self.push(made)

    def drop(self) -> None:
        """Drops the topmost value; a call that is dropped was made to fill its first argument."""
        dropped = self.pop() if self._stack else self.marked()
        if isinstance(dropped, Made) and isinstance(dropped.arguments, tuple) and len(dropped.arguments) == 2:
            made, state = dropped.arguments
            if isinstance(made, Made):
                made.state = state

    def add(self, values: list[Any]) -> None:
        """Adds members to the topmost container."""
        container = self.top()
        (container.members if isinstance(container, Made) else container).extend(values)

    def set_pairs(self, values: list[Any]) -> None:
        """Sets pairs in the topmost dictionary."""
        self.add(list(zip(values[::2], values[1::2], strict=True)))


def _set_item(machine: _Machine) -> None:
    key, value = machine.take(2)
    machine.set_pairs([key, value])


def _append(machine: _Machine) -> None:
    value = machine.pop()
    machine.add([value])


def _pairs(values: list[Any]) -> Pairs:
    return Pairs(zip(values[::2], values[1::2], strict=True))


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    }
)
_IGNORED = frozenset({"PROTO", "FRAME", "STOP"})
_MEMO: dict[str, Callable[[_Machine, Any], None]] = {
    "MEMOIZE": _Machine.memoize,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.get),
    "GLOBAL": lambda machine, argument: machine.push(Name(*argument.split(" ", 1))),
}
_STEPS: dict[str, Callable[[_Machine], None]] = {
    "MARK": _Machine.mark,
    "POP": _Machine.drop,
    "POP_MARK": lambda machine: machine.marked().clear(),
    "DUP": lambda machine: machine.push(machine.top()),
    "EMPTY_TUPLE": lambda machine: machine.push(()),
    "TUPLE1": lambda machine: machine.push(tuple(machine.take(1))),
    "TUPLE2": lambda machine: machine.push(tuple(machine.take(2))),
    "TUPLE3": lambda machine: machine.push(tuple(machine.take(3))),
    "TUPLE": lambda machine: machine.push(tuple(machine.marked())),
    "EMPTY_LIST": lambda machine: machine.push([]),
    "LIST": lambda machine: machine.push(list(machine.marked())),
    "EMPTY_DICT": lambda machine: machine.push(Pairs()),
    "DICT": lambda machine: machine.push(_pairs(machine.marked())),
    "EMPTY_SET": lambda machine: machine.push(Members()),
    "FROZENSET": lambda machine: machine.push(Members(machine.marked())),
    "APPEND": _append,
    "APPENDS": lambda machine: machine.add(machine.marked()),
    "ADDITEMS": lambda machine: machine.add(machine.marked()),
    "SETITEM": _set_item,
    "SETITEMS": lambda machine: machine.set_pairs(machine.marked()),
    "STACK_GLOBAL": lambda machine: machine.push(Name(*map(str, machine.take(2)))),
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "NEWOBJ_EX": _Machine.call_with_keywords,
    "OBJ": _Machine.call_with_mark,
    "BUILD": _Machine.fill,
}
