"""Pickles are read, and never loaded."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.comparison.function_diff import function_causes
from fairing_kfp.comparison.pickled import Made, Members, Name, Pairs, UnreadablePickleError, read_pickle

VALUES: list[Any] = [
    {"a": [1, 2.5, None, True], "b": (b"bytes", "text", ()), "c": {1}},
    [10**30, -1, "é" * 300, b"x" * 70_000, (1, 2), (1, 2, 3), (1, 2, 3, 4)],
]


class Touches:
    """Writes a file when its pickle is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def plain(value: Any) -> Any:
    """A value of a pickle as Python makes it."""
    if isinstance(value, Pairs):
        return {plain(key): plain(inner) for key, inner in value}
    if isinstance(value, Members):
        return {plain(inner) for inner in value}
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    return value


@pytest.mark.parametrize("value", VALUES)
def test_values_are_read_as_pickle_loads_them(value: Any) -> None:
    assert plain(read_pickle(pickle.dumps(value, 5))) == value


def test_nothing_is_called(tmp_path: Path) -> None:
    old, new = (pickle.dumps({"function": Touches(tmp_path / name), "annotations": {}}) for name in ("one", "two"))

    assert isinstance(read_pickle(old)[0][1], Made)
    assert function_causes(old, new, {}, {})
    assert not any(tmp_path.iterdir())


def test_objects_keep_their_state_and_members() -> None:
    made = read_pickle(pickle.dumps(OrderedDict(a=1)))

    assert made.function == Name("collections", "OrderedDict")
    assert made.members == [("a", 1)]
    assert read_pickle(pickle.dumps(ValueError("x"))).arguments == ("x",)


def test_circles_end() -> None:
    circle: list[Any] = []
    circle.append(circle)
    found = read_pickle(pickle.dumps(circle))

    assert found[0] is found


@pytest.mark.parametrize(
    "data", [b"", b"x", b"\x80\x05.", b"\x80\x05Pid\n.", b"\x80\x05h\x09.", b"\x80\x05N}b.", b"\x80\x05]Nb.", b"cos\n."]
)
def test_damaged_pickles_are_named(data: bytes) -> None:
    with pytest.raises(UnreadablePickleError):
        read_pickle(data)
    (cause,) = function_causes(data, pickle.dumps({}), {}, {})
    assert "cannot be read" in cause.text


def test_each_beginning_of_a_pickle_is_damaged() -> None:
    data = pickle.dumps(VALUES[0])
    for end in range(len(data)):
        with pytest.raises(UnreadablePickleError):
            read_pickle(data[:end])


@pytest.mark.parametrize("arguments", [(), (1,), ((), None, ()), None])
@pytest.mark.parametrize("name", ["rebuild\nfunction", "rebuild\ncode", "classes\nempty_class"])
def test_unknown_forms_of_our_own_objects_are_no_error(name: str, arguments: Any) -> None:
    """A newer release may write them in another way."""
    made = f"cfairing_kfp.runtime.{name}\n".encode() + pickle.dumps(arguments, 0)[:-1]
    strange = b"(S'function'\n" + made + b"Rd."

    assert function_causes(pickle.dumps({"function": None}), strange, {}, {})
