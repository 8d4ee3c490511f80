"""Immutable dataclasses, compared with those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar

import pytest

from fairing_kfp.frozen import dataclass


def _made(decorate: Any) -> type:
    class Value:
        """A value."""

        KIND: ClassVar[str] = "value"

        name: str
        size: int = 0
        labels: Mapping[str, str] = field(default_factory=dict, hash=False)
        secret: str = field(default="s", repr=False, compare=False)
        made: str = field(init=False, repr=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "size", self.size + 1)
            object.__setattr__(self, "made", self.name)

        @functools.cached_property
        def double(self) -> int:
            return 2 * self.size  # type: ignore[no-any-return]

    Value.__qualname__ = Value.__name__
    return decorate(Value)  # type: ignore[no-any-return]


OURS, THEIRS = _made(dataclass(frozen=True)), _made(dataclasses.dataclass(frozen=True))


@dataclass(frozen=True)
class Base:
    first: int


@dataclass(frozen=True, repr=False)
class Derived(Base):
    second: int = 2

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Derived) and self.first == other.first


@dataclass(frozen=True, eq=False)
class Identity:
    first: int


@pytest.mark.parametrize(
    "read",
    [
        lambda kind: repr(kind("a", 3, secret="x")),
        lambda kind: hash(kind("a", 3)),
        lambda kind: str(inspect.signature(kind)),
        lambda kind: dataclasses.asdict(dataclasses.replace(kind("a", 3), name="b")),
        lambda kind: kind("a").double,
        lambda kind: kind.__match_args__,
        lambda kind: kind("a", secret="x") == kind("a", secret="y"),
        lambda kind: kind("a") == kind("b"),
        lambda kind: kind("a") == "a",
        lambda kind: kind("a", 1) != kind("a", 2),
        lambda kind: vars(copy.deepcopy(kind("a", 1))),
    ],
)
def test_values_are_those_of_the_standard_library(read: Any) -> None:
    assert read(OURS) == read(THEIRS)


@pytest.mark.parametrize("kind", [OURS, THEIRS])
def test_fields_cannot_be_changed(kind: Any) -> None:
    value = kind("a")
    for change in ("name", "size", "other"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, change, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        del value.name
    with pytest.raises(TypeError, match=r"missing .* argument: 'name'"):
        kind()


def test_classes_inherit_and_keep_their_own_methods() -> None:
    assert Derived(1, 2) == Derived(1, 3)
    assert hash(Derived(1, 2)) != hash(Derived(1, 3))
    assert repr(Derived(1)) == "Derived(first=1, second=2)"  # of the base
    assert pickle.loads(pickle.dumps(Derived(1, 3))).second == 3
    assert Base(1) != Derived(1)


def test_identity_is_kept_where_it_is_asked_for() -> None:
    one = Identity(1)
    assert one != Identity(1)
    assert hash(one) == object.__hash__(one)


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ((), {}),
        (("a", 1, {}, "s", 5), {}),
        (("a",), {"name": "b"}),
        (("a",), {"z": 1}),
        (("a",), {"made": "b"}),
        ((), {"size": 1, "z": 1}),
    ],
)
def test_wrong_arguments(args: tuple[Any, ...], named: dict[str, Any]) -> None:
    for kind in (OURS, THEIRS):
        with pytest.raises(TypeError):
            kind(*args, **named)


def test_a_push_imports_no_slow_module() -> None:
    """Each of them takes longer to import than a request of a small push."""
    slow = ["asyncio", "concurrent.futures", "email", "http.client", "logging", "ssl"]
    slow += ["platformdirs", "subprocess", "tempfile", "urllib3", "fairing_kfp.settings"]
    imports = "fairing_kfp.builders.append, fairing_kfp.layers.tree_cache, fairing_kfp.registry.client"
    script = f"import sys, {imports}; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
