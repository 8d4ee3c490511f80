"""Types of parameters, each with values, their JSON, and JSON that is not of the type."""

import dataclasses
import datetime
import decimal
import enum
import pathlib
import typing
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, NewType, Optional, TypedDict

import numpy as np
import pandas as pd
import pydantic
from typing_extensions import NotRequired, Required


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"
    CRIMSON = "red"  # noqa: PIE796 - an alias

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return next((one for one in cls if isinstance(value, str) and one.value == value.lower()), None)


class Text(str, enum.Enum):
    A = "a"
    B = "b"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Rate(enum.Enum):
    SLOW = 0.5
    FAST = 1


class Switch(enum.Enum):
    ON = True
    OFF = False


class Size(enum.Enum):
    SMALL = (1, 2)
    LARGE = (3, 4)


class Mixed(enum.Enum):
    ONE = 1
    TWO = "two"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


Optimizer = NewType("Optimizer", Literal["adam", "sgd"])  # type: ignore[valid-newtype]
Shade = NewType("Shade", Color)


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    y: float = 0.5
    color: Color = Color.RED
    at: datetime.date | None = None
    inner: "list[Point]" = dataclasses.field(default_factory=list)
    size: int = dataclasses.field(init=False, default=3)

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x is negative")


@dataclasses.dataclass
class Bounds:
    low: float | None
    high: float | None = 1.0
    names: dict[Color, set[str]] = dataclasses.field(default_factory=dict)


T = typing.TypeVar("T")


@dataclasses.dataclass
class Box(typing.Generic[T]):
    item: T


class Options(TypedDict, total=False):
    a: Required[int]
    when: datetime.date


class Strict(TypedDict):
    name: str
    note: NotRequired[str | None]


class Pair(NamedTuple):
    first: int
    second: Color = Color.BLUE


class Config(pydantic.BaseModel):
    lr: float = pydantic.Field(gt=0)
    color: Color = Color.RED
    point: Point | None = None
    limit: int | None = 5
    name: str = pydantic.Field(default="n", alias="Name")


class Numbers(pydantic.RootModel[list[int]]):
    pass


class Meters(float):
    pass


POINT = {"x": 1, "y": 0.5, "color": "red", "inner": []}
CONFIG = {"lr": 0.5, "color": "red", "limit": 5, "Name": "n"}
DAY, NOON = datetime.date(2026, 1, 31), datetime.datetime(2026, 1, 31, 12, 0, 0, 500)

CASES: list[tuple[str, Any, str, list[tuple[Any, Any]], list[Any]]] = [
    # name, annotation, type in KFP, values with their JSON, wrong values
    ("literal", Literal["adam", "sgd"], "STRING", [("adam", "adam"), (np.str_("sgd"), "sgd")], ["sgd2", 1, ""]),
    ("ints", Literal[1, 2], "NUMBER_INTEGER", [(1, 1), (np.int64(2), 2)], [3, "1", True, 1.5]),
    ("bools", Literal[True], "BOOLEAN", [(True, True)], [False, 1]),
    ("mixed", Literal["auto", 4, True], "STRING", [("auto", "auto"), (4, "4"), (True, "true")], ["5", 5, False]),
    ("of members", Literal[Color.RED], "STRING", [(Color.RED, "red")], ["blue"]),
    ("new type", Optimizer, "STRING", [("adam", "adam")], ["x"]),
    ("new enum", Shade, "STRING", [(Color.BLUE, "blue")], ["x"]),
    ("enum", Color, "STRING", [(Color.RED, "red"), (Color.BLUE, "blue")], ["green", 1, Text.A, None]),
    ("text enum", Text, "STRING", [(Text.A, "a")], ["c", Color.RED]),
    ("int enum", Level, "NUMBER_INTEGER", [(Level.HIGH, 2)], [3, True, "HIGH", 1.5]),
    ("float enum", Rate, "NUMBER_DOUBLE", [(Rate.SLOW, 0.5), (Rate.FAST, 1.0)], [2, "0.5"]),
    ("bool enum", Switch, "BOOLEAN", [(Switch.OFF, False)], [0, "x"]),
    ("enum by name", Size, "STRING", [(Size.LARGE, "LARGE")], ["HUGE", [3, 4]]),
    ("mixed enum", Mixed, "STRING", [(Mixed.ONE, "ONE"), (Mixed.TWO, "TWO")], ["two", 1]),
    ("dataclass", Point, "STRUCT", [(Point(1), POINT), (Point(2, 1, inner=[Point(1)], at=DAY), {
        "x": 2, "y": 1, "color": "red", "at": "2026-01-31", "inner": [POINT]})],
        [{}, {"x": "1"}, {"x": 1, "z": 1}, {"x": 1.5}, {"x": -1}, {"x": 1, "inner": [{"x": True}]}, [1], "{}",
         {"x": 1, "color": "green"}, {"x": 1, "y": None}]),
    ("fields of None", Bounds, "STRUCT", [
        (Bounds(None, 2.0), {"high": 2, "names": {}}),
        (Bounds(1.5, 1.0, {Color.RED: {"b", "a"}}), {"low": 1.5, "high": 1, "names": {"red": ["a", "b"]}})],
        [{"low": "x"}, {"low": 1, "names": {"green": []}}]),
    ("generic", Box[Point], "STRUCT", [(Box(Point(1)), {"item": POINT})], [{}]),
    ("typed dictionary", Options, "STRUCT", [
        ({"a": 1}, {"a": 1}), ({"a": 1, "when": DAY}, {"a": 1, "when": "2026-01-31"})],
        [{}, {"a": "x"}, {"a": 1, "b": 2}, {"a": 1, "when": "x"}]),
    ("strict dictionary", Strict, "STRUCT", [({"name": "n"}, {"name": "n"})], [{}, {"name": 1}]),
    ("named tuple", Pair, "STRUCT", [(Pair(1), {"first": 1, "second": "blue"})], [{}, {"first": 1, "second": 1}, [1]]),
    ("model", Config, "STRUCT", [(Config(lr=0.5), CONFIG), (Config(lr=0.5, point=Point(1)), {**CONFIG, "point": {
        **POINT, "size": 3}})], [{}, {"lr": 0}, {"lr": 1, "color": "green"}, {"lr": 1, "point": {"x": -1}}, 1]),
    ("root model", Numbers, "LIST", [(Numbers([1, 2]), [1, 2])], [["x"], {}]),
    ("models", list[Config], "LIST", [([Config(lr=0.5)], [CONFIG])], [[{}], [1], {}]),
    ("numpy float", np.float64, "NUMBER_DOUBLE", [(np.float64(0.5), 0.5)], ["x", True]),
    ("numpy float32", np.float32, "NUMBER_DOUBLE", [(np.float32(0.5), 0.5)], ["x"]),
    ("numpy int", np.int64, "NUMBER_INTEGER", [(np.int64(3), 3)], [1.5]),
    ("numpy bool", np.bool_, "BOOLEAN", [(np.bool_(True), True)], [1]),
    ("numpy str", np.str_, "STRING", [(np.str_("a"), "a")], [1]),
    ("numpy date", np.datetime64, "STRING", [(np.datetime64("2026-01-31T12:00:00"), "2026-01-31T12:00:00")], ["x"]),
    ("timestamp", pd.Timestamp, "STRING", [(pd.Timestamp("2026-01-31 12:00"), "2026-01-31T12:00:00")], ["x", 1]),
    ("subclass", Meters, "NUMBER_DOUBLE", [(Meters(1.5), 1.5)], ["x"]),
    ("tuple", tuple[int, Color], "LIST", [((1, Color.RED), [1, "red"])], [[1], [1, "red", 2], ["x", "red"], "ab"]),
    ("long tuple", tuple[int, ...], "LIST", [((1, 2, 3), [1, 2, 3]), ((), [])], [["x"], 1]),
    ("plain tuple", tuple, "LIST", [((1, "a"), [1, "a"])], [1]),
    ("set", set[str], "LIST", [({"b", "a", "c"}, ["a", "b", "c"])], [[1], "a"]),
    ("numbers", frozenset[int], "LIST", [(frozenset({10, 9, 2}), [2, 9, 10])], [["x"]]),
    ("sequence", Sequence[Color], "LIST", [([Color.RED], ["red"])], [["x"]]),
    ("datetime", datetime.datetime, "STRING", [(NOON, "2026-01-31T12:00:00.000500"), (
        NOON.replace(tzinfo=datetime.timezone.utc), "2026-01-31T12:00:00.000500+00:00")], ["x", "2026-13-01", 1, DAY]),
    ("date", datetime.date, "STRING", [(DAY, "2026-01-31")], ["x", "2026-02-30", NOON, pd.NaT]),
    ("time", datetime.time, "STRING", [(datetime.time(8, 30), "08:30:00")], ["25:00", 8]),
    ("timedelta", datetime.timedelta, "STRING", [
        (datetime.timedelta(1, 9000), "P1DT2H30M"), (datetime.timedelta(0), "PT0S"), (datetime.timedelta(7), "P7D"),
        (-datetime.timedelta(milliseconds=1500), "-PT1.5S")], ["x", "P", "PT", "P1Y", 3, "1 day"]),
    ("path", pathlib.Path, "STRING", [(pathlib.Path("a/b"), "a/b")], [1, None]),
    ("decimal", decimal.Decimal, "STRING", [(decimal.Decimal("1.10"), "1.10")], ["x", 1.5]),
    ("uuid", uuid.UUID, "STRING", [(uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001")], ["x", 1]),
    ("optional", Optional[Color], "STRING", [(Color.RED, "red")], ["green"]),  # noqa: UP045
    ("or none", Color | None, "STRING", [(Color.RED, "red")], ["green"]),
    ("optional literal", Literal["a", None], "STRING", [("a", "a")], ["b"]),
    ("colors", list[Color], "LIST", [([Color.RED, Color.BLUE], ["red", "blue"]), ([], [])], [["x"], "red", [None]]),
    ("points", dict[str, Point], "STRUCT", [({"p": Point(1)}, {"p": POINT})], [{"p": {}}, {"p": 1}, []]),
    ("mapping", Mapping[str, Color | None], "STRUCT", [({"a": Color.RED}, {"a": "red"})], [{"a": "x"}]),
    ("keys", dict[int, float], "STRUCT", [({1: 0.5}, {"1": 0.5})], [{"x": 1}, {"1": "x"}]),
    ("keys of members", dict[Color, int], "STRUCT", [({Color.RED: 1}, {"red": 1})], [{"green": 1}]),
    ("union", Point | Config, "STRUCT", [(Point(1), POINT), (Config(lr=0.5), CONFIG)], [{}, 1]),
    ("texts", datetime.date | Literal["today"] | str, "STRING", [
        (DAY, "2026-01-31"), ("today", "today"), ("x", "x")], [1]),
]  # fmt: skip
