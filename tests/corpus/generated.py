"""Texts that Python generates from `repr`, and orders that follow the hash seed."""

import collections
import dataclasses
import enum
import functools
import inspect
import typing

import fairing_kfp

NAMES = frozenset({"alpha", "beta", "gamma", "delta", "epsilon"})


class Color(enum.Enum):
    RED = 1
    BLUE = 2
    GREEN = 3


class Odd:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


@dataclasses.dataclass(frozen=True)
class Point:
    x: int = 1  #>     x: int = 2 [case_data_class, case_deep, case_wrapped, case_wrapped_partial, case_members]
    tags: frozenset = frozenset({"p", "q", "r", "'{", '"'})


def case_data_class() -> str:
    return str(sorted(Point().tags))


@dataclasses.dataclass
class Deep:
    named: dict = dataclasses.field(default_factory=dict)
    tags: tuple = ({"k": 1}.get, frozenset({frozenset({"c", "d"}), frozenset({"a", "b"})}), Point(3))[1:]  #>     tags: tuple = ({"k": 1}.get, frozenset({frozenset({"c", "d"}), frozenset({"a", "b"})}), Point(4))[1:] [case_deep]
    colors: frozenset = frozenset(Color)
    sentinel: object = len
    default: typing.Callable = lambda: 1
    odd: object = dataclasses.field(default=Odd("<a {b, it's"), hash=False)
    kept: typing.Mapping = dataclasses.field(default_factory=lambda: {"a": 1})


def case_deep() -> str:
    return str([len(Deep().tags[0]), len(Deep().colors)])


@dataclasses.dataclass(slots=True, kw_only=True)
class Slim:
    tags: frozenset = NAMES
    count: int = 1  #>     count: int = 2 [case_slim]


SLIM = Slim()


def case_slim() -> str:
    return str(SLIM.count)


MADE = dataclasses.make_dataclass("MADE", [("tags", frozenset, dataclasses.field(default=NAMES)), ("a", int, 1)])  #> MADE = dataclasses.make_dataclass("MADE", [("tags", frozenset, dataclasses.field(default=NAMES)), ("a", int, 2)]) [case_made]


def case_made() -> str:
    return str(MADE().a)


@dataclasses.dataclass
class Told:
    """Told(names={'own', 'words'})"""

    tags: frozenset = NAMES
    n: int = 1  #>     n: int = 2 [case_told]


def case_told() -> str:
    return str([Told().n, len(Told().tags)])


@functools.wraps(Point)
def wrapper(*given):
    return Point(*given)


def case_wrapped() -> str:
    return str(wrapper(1).x + 1)  #>     return str(wrapper(1).x + 2)


PART = functools.partial(Point, tags=NAMES)
functools.update_wrapper(PART, Point)


def case_wrapped_partial() -> str:
    return str(PART(x=1).x + 1)  #>     return str(PART(x=1).x + 2)


class Slots:
    __slots__ = {"alpha", "beta", "gamma", "delta"}

    def __init__(self):
        for name in ("alpha", "beta", "gamma", "delta"):
            setattr(self, name, name)


class MoreSlots(Slots):
    pass


SLOTS, MORE = Slots(), MoreSlots()
MORE.n = 1  #> MORE.n = 2 [case_slot_sets]


def case_slot_sets() -> str:
    return SLOTS.alpha + MORE.delta + str(MORE.n)


MEMBERS = frozenset({Point(1), Point(2), frozenset(NAMES), ("x", NAMES), None, ..., 2.5, b"b", Color.RED})


def case_members() -> str:
    return str(len(MEMBERS))  #>     return str(len(MEMBERS) + 1)


class Kind(enum.Enum):
    ONE = NAMES
    TWO = ("two", NAMES)
    THREE = 3  #>     THREE = 4 [case_kinds]


def case_kinds() -> str:
    return str([len(Kind.TWO.value[1]), Kind.THREE.value])


Tuple = collections.namedtuple("Tuple", "a b", defaults=[NAMES])


class Named(typing.NamedTuple):
    a: int = 1  #>     a: int = 2 [case_tuples]
    b: frozenset = NAMES


def case_tuples() -> str:
    return str([len(Tuple(1).b), Named().a])


class Typed(typing.TypedDict, total=False):
    alpha: typing.Annotated[str, frozenset({"x", "y", "z"})]
    beta: typing.Literal["b", "a"]
    gamma: typing.Annotated[int, frozenset({"m", "n", "o"})]


class Matched:
    __match_args__ = ("alpha", "beta")
    alpha: frozenset({"x", "y", "z"}) = 1
    beta: {"x": {"y", "z", "w"}} = 2


def case_annotated() -> str:
    return str([sorted(Typed.__optional_keys__), len(Matched.__annotations__)])  #>     return str([sorted(Typed.__optional_keys__), 2])


def signed(a: {"x", "y"} = NAMES, *, b={"d": {"e", "f", "g"}}) -> frozenset({"m", "n", "o"}):
    return a


plain = lambda *given: 1
plain.__signature__ = inspect.signature(signed)


def case_signature() -> str:
    return str(len(inspect.signature(plain).parameters["a"].default) + plain())  #>     return str(len(inspect.signature(plain).parameters["a"].default) + plain() + 1)


def case_constants() -> str:
    return str([x in {"alpha", "beta", None, (1, "z", 2), b"s", 2.5, ...} for x in ("alpha", "x")])  #>     return str([x in {"alpha", "beta", None, (1, "z", 3), b"s", 2.5, ...} for x in ("alpha", "x")])


if __name__ == "__main__":
    exec(__import__("os").environ["PACK"])
