"""Classes of every kind."""

import abc
import dataclasses
import enum
import functools
import weakref
from abc import ABC, abstractmethod
from collections import namedtuple
from dataclasses import InitVar, dataclass, field
from enum import Enum, Flag, IntEnum, auto, unique
from typing import Any, ClassVar, Generic, NamedTuple, NewType, Optional, Protocol, TypedDict, TypeVar, Union, runtime_checkable

import fairing_kfp
from lab import shelf

T = TypeVar("T", bound=int)  #> T = TypeVar("T", bound=float) [case_generic]
Metres = NewType("Metres", float)
Pair = namedtuple("Pair", ["left", "right"], defaults=[2])  #> Pair = namedtuple("Pair", ["left", "right"], defaults=[3]) [case_named_tuple_factory]


class Plain:
    factor = 3  #>     factor = 4 [case_plain_class, case_class_instance, case_made_by_type]

    def __init__(self, value):
        self.value = value

    def scaled(self):
        return self.value * self.factor


PLAIN = Plain(14)  #> PLAIN = Plain(15) [case_class_instance]


class Meta(type):
    def __new__(mcs, name, bases, namespace, tag="none"):
        made = super().__new__(mcs, name, bases, namespace)
        made.tag = tag.upper()  #>         made.tag = tag.lower() [case_metaclass]
        made.made_of = len(namespace["fields"])
        return made

    def __call__(cls, *arguments):
        return [cls.tag, *super().__call__(*arguments).fields]


class WithMeta(metaclass=Meta, tag="meta"):
    fields = ("x", "y")


class Abstract(ABC):
    @abstractmethod
    def area(self): ...

    @property
    @abc.abstractmethod
    def name(self): ...

    def told(self):
        return f"{self.name}: {self.area()}"  #>         return f"{self.name} {self.area()}" [case_abstract]


class Square(Abstract):
    name = "square"

    def area(self):
        return 4


@Abstract.register
class Stranger:
    pass


@runtime_checkable
class Speaks(Protocol):
    def speak(self) -> str: ...


class Dog:
    def speak(self) -> str:
        return "woof"  #>         return "bark" [case_protocol]


class Box(Generic[T]):
    def __init__(self, content: T) -> None:
        self.content = content

    def get(self) -> T:
        return self.content


class IntBox(Box[int]):
    pass


class Slotted:
    __slots__ = ("x", "_y", "__z")

    def __init__(self):
        self.x, self._y, self.__z = 1, 2, 3  #>         self.x, self._y, self.__z = 1, 2, 4 [case_slots]

    def total(self):
        return self.x + self._y + self.__z


class Outer:
    class Inner:
        depth = 2  #>         depth = 3 [case_nested_class]

        class Innermost:
            depth = 3

    def make(self):
        return self.Inner.depth * self.Inner.Innermost.depth


class Parts:
    counted = 0

    def __init__(self, side):
        self.side = side

    @functools.cached_property
    def area(self):
        type(self).counted += 1
        return self.side**2

    @property
    def half(self):
        """Half of it."""
        return self.side / 2

    @half.setter
    def half(self, value):
        self.side = value * 2

    @classmethod
    def unit(cls):
        return cls(1)

    @staticmethod
    def zero():
        return 0  #>         return 0.0 [case_descriptors]


class Base:
    def who(self):
        return ["base"]


class Left(Base):
    def who(self):
        return ["left", *super().who()]


class Right(Base):
    def who(self):
        return ["right", *super().who()]


class Both(Left, Right):
    def who(self):
        return ["both", *super().who()]  #>         return ["BOTH", *super().who()] [case_super]


class Plugin:
    known: ClassVar[dict] = {}

    def __init_subclass__(cls, *, key, **more):
        super().__init_subclass__(**more)
        Plugin.known[key] = cls


class Csv(Plugin, key="csv"):  #> class Csv(Plugin, key="tsv"): [case_init_subclass]
    pass


class Json(Plugin, key="json"):
    pass


class Positive:
    def __set_name__(self, owner, name):
        self.name = f"_{name}"

    def __get__(self, instance, owner=None):
        return getattr(instance, self.name)

    def __set__(self, instance, value):
        if value <= 0:  #>         if value < 0: [case_descriptor_class]
            raise ValueError(self.name)
        setattr(instance, self.name, value)


class Measured:
    height = Positive()


@dataclass(order=True)
class Point:
    x: int
    y: int = 0  #>     y: int = 1 [case_dataclass, case_dataclass_inheritance]
    tags: list = field(default_factory=list, compare=False)


@dataclass
class Point3(Point):
    z: int = 9
    scale: InitVar[int] = 2

    def __post_init__(self, scale):
        self.z *= scale


@dataclass(frozen=True)
class Key:
    name: str
    kind: Optional[str] = None

    def __hash__(self):
        return len(self.name) + SALT


SALT = 7
BY_KEY = {Key("a"): 1, Key("b", "k"): 2}  #> BY_KEY = {Key("a"): 1, Key("b", "k"): 3} [case_frozen_keys]


@dataclass(**({"slots": True, "kw_only": True}))
class Lean:
    a: int
    b: "Union[int, None]" = None  #>     b: "Union[int, None]" = 0 [case_dataclass_slots]


class Colour(Enum):
    RED = "r"
    GREEN = "g"  #>     GREEN = "G" [case_enum]
    CRIMSON = "r"

    @property
    def loud(self):
        return self.value.upper()

    @classmethod
    def first(cls):
        return next(iter(cls))


class Level(IntEnum):
    LOW = auto()
    HIGH = auto()  #>     HIGH = 5 [case_int_enum]


class Right_(Flag):
    READ = auto()
    WRITE = auto()
    EXECUTE = auto()
    ALL = READ | WRITE  #>     ALL = READ | EXECUTE [case_flag]


@unique
class Planet(Enum):
    EARTH = (5.97, 6.37)  #>     EARTH = (5.98, 6.37) [case_enum_with_init]
    MARS = (0.64, 3.39)

    def __init__(self, mass, radius):
        self.mass = mass
        self.radius = radius


class Word(str, Enum):
    YES = "yes"
    NO = "no"  #>     NO = "nope" [case_str_enum]


class Row(NamedTuple):
    name: str
    size: int = 4  #>     size: int = 5 [case_named_tuple]

    def double(self) -> int:
        return self.size * 2


class Settings(TypedDict, total=False):
    depth: int  #>     depth: float [case_typed_dict]
    name: str


class Wrong(ValueError):
    def __init__(self, code, *more):
        super().__init__(f"code {code}", *more)
        self.code = code  #>         self.code = -code [case_exceptions]


class First: ...


class Second: ...


LIVE = weakref.WeakSet([First, Second, Stranger])  #> LIVE = weakref.WeakSet([First, Second]) [case_weak_set]


def case_plain_class() -> str:
    return str(Plain(5).scaled())


def case_class_instance() -> str:
    return str(PLAIN.scaled())


def case_made_by_type() -> str:
    made = type("Made", (Plain,), {"factor": 10})  #>     made = type("Made", (Plain,), {"factor": 11})
    return str([made(2).value * made.factor, made.__name__])


def case_class_in_function() -> str:
    class Counter:
        step = 2  #>         step = 3
        seen = {"alpha", "beta", "gamma", "delta"}

        def __init__(self):
            self.zeta = self.alpha = self.omega = self.count = 0

        def __call__(self):
            self.count += self.step
            return self.count

    counter = Counter()
    return str([counter(), counter(), sorted(Counter.seen)])


def case_metaclass() -> str:
    return str([WithMeta(), WithMeta.made_of, type(WithMeta).__name__])


def case_abstract() -> str:
    try:
        Abstract()
    except TypeError:
        return Square().told() + str(isinstance(Stranger(), Abstract))
    return "made"


def case_protocol() -> str:
    return str([isinstance(Dog(), Speaks), isinstance(3, Speaks), Dog().speak()])


def case_generic() -> str:
    return str([IntBox(4).get(), Box[int](5).get(), T.__bound__.__name__, Box.__parameters__[0] is T])


def case_new_type() -> str:
    return str([Metres(3.5), Metres.__name__])  #>     return str([Metres(4.5), Metres.__name__])


def case_slots() -> str:
    slotted = Slotted()
    try:
        slotted.other = 1
    except AttributeError:
        return f"closed {slotted.total()}"
    return "open"


def case_nested_class() -> str:
    return str([Outer().make(), Outer.Inner.Innermost.__qualname__])


def case_descriptors() -> str:
    parts = Parts(4)
    parts.half = 5
    return str([parts.area, parts.area, Parts.counted, parts.half, Parts.unit().side, Parts.zero(), Parts.half.__doc__])


def case_super() -> str:
    return str(Both().who())


def case_init_subclass() -> str:
    return str({key: cls.__name__ for key, cls in Plugin.known.items()})


def case_descriptor_class() -> str:
    measured = Measured()
    measured.height = 3
    try:
        measured.height = 0
    except ValueError as error:
        return f"{measured.height} {error}"
    return "zero"


def case_dataclass() -> str:
    points = sorted([Point(2), Point(1, 5)])
    points[0].tags.append("t")
    changed = dataclasses.replace(points[1], x=7)
    required = [f.name for f in dataclasses.fields(Point) if f.default is dataclasses.MISSING]
    return str([points, dataclasses.asdict(changed), required])


def case_dataclass_inheritance() -> str:
    @dataclass
    class Point4(Point):
        w: int = 1

    return str([Point3(1), Point3(1, scale=3), Point4(1, w=2)])


def case_frozen_keys() -> str:
    try:
        Key("a").name = "b"
    except dataclasses.FrozenInstanceError:
        return str([BY_KEY[Key("b", "k")], hash(Key("abc"))])
    return "thawed"


def case_dataclass_slots() -> str:
    lean = Lean(a=1)
    return str([lean, hasattr(lean, "__dict__"), Lean.__slots__])


def case_enum() -> str:
    again = Colour("r")
    return str([again is Colour.RED, Colour["CRIMSON"] is Colour.RED, Colour.GREEN.loud, Colour.first(), list(Colour)])


def case_int_enum() -> str:
    return str([Level.HIGH > Level.LOW, Level.HIGH + 1, Level(1).name])


def case_flag() -> str:
    both = Right_.READ | Right_.EXECUTE
    return str([both.value, Right_.READ in both, Right_["ALL"].value, Right_.ALL & Right_.WRITE == Right_.WRITE])


def case_enum_with_init() -> str:
    return str([Planet.EARTH.mass, Planet.MARS.radius, Planet((0.64, 3.39)).name])


def case_str_enum() -> str:
    return str([Word.NO == "no", Word("yes").upper(), Word.NO.value])


def case_named_tuple() -> str:
    return str([Row("a"), Row("b", 2).double(), Row("c")._replace(size=1), Row._fields])


def case_named_tuple_factory() -> str:
    return str([Pair(1), Pair(1, 5)._asdict()])


def case_typed_dict() -> str:
    made: Settings = Settings(depth=3)
    return str([made, Settings.__total__, [kind.__name__ for kind in Settings.__annotations__.values()]])


def case_exceptions() -> str:
    try:
        raise Wrong(4, "more") from KeyError("k")
    except ValueError as error:
        return str([error.code, error.args, repr(error.__cause__)])


def case_weak_set() -> str:
    return str(sorted(cls.__name__ for cls in LIVE))


def case_own_class_instance() -> str:
    return str([shelf.SHELF.books, isinstance(shelf.SHELF, shelf.Shelf), BOOK.title])


BOOK = shelf.Book("found")  #> BOOK = shelf.Book("lost") [case_own_class_instance]


if __name__ == "__main__":
    exec(__import__("os").environ["PACK"])
