"""A pipeline whose steps take and give values of classes of its own."""

import dataclasses
import datetime
import enum
from typing import Literal, NamedTuple

import pydantic
from kfp import dsl

from fairing_kfp import fairing_component


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    color: Color = Color.RED
    day: datetime.date | None = None
    inner: "list[Point]" = dataclasses.field(default_factory=list)


class Config(pydantic.BaseModel):
    rate: float = pydantic.Field(gt=0)
    point: Point | None = None
    mode: Literal["fast", "slow"] = "fast"


class Made(NamedTuple):
    config: Config
    color: Color


ORIGIN = Point(1, day=datetime.date(2026, 1, 31))


@fairing_component(packages=["pydantic>=2"])
def choose(name: str) -> str:
    return name


@fairing_component(packages=["pydantic>=2"])
def paint(color: Color, config: Config, points: dict[str, Point], origin: Point = ORIGIN) -> Made:
    assert isinstance(color, Color)
    assert isinstance(config, Config)
    assert origin == ORIGIN
    point = dataclasses.replace(points["a"], color=color, inner=[origin])
    return Made(config.model_copy(update={"point": point}), color)


@fairing_component(packages=["pydantic>=2"])
def read(config: Config, color: Color) -> Point:
    assert config.point is not None
    assert config.point.color is color
    assert config.point.inner == [ORIGIN]
    return config.point


@fairing_component
def length(point: dict) -> int:
    return len(point["inner"])


@dsl.pipeline
def typed(name: str = "red"):
    config = Config(rate=2, mode="slow")
    painted = paint(color=choose(name=name).output, config=config, points={"a": Point(2)})
    seen = read(config=painted.outputs["config"], color=painted.outputs["color"])
    length(point=seen.output)
