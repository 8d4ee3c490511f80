"""An own module that imports its neighbours by relative names."""

import random
import threading
from dataclasses import dataclass, field

from . import VERSION
from .deep import core


@dataclass
class Book:
    title: str


@dataclass
class Shelf:
    books: list = field(default_factory=lambda: [Book("first").title])


SHELF = Shelf()
LOCK = threading.Lock()
GENERATOR = random.Random(VERSION)
LOOKED_UP = core.lookup("x")  #> LOOKED_UP = core.lookup("y") [*]
