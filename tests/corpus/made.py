"""Functions that have no file of their own."""

import sys
import types

import fairing_kfp

SOURCE = '''
LIMIT = 4
def helper(x):
    return x * LIMIT
class Thing:
    size = 6
def case_executed() -> str:
    return str([helper(2), Thing().size])
'''
SPACE = {}
exec(SOURCE.replace("LIMIT = 4", "LIMIT = 4"), SPACE)  #> exec(SOURCE.replace("LIMIT = 4", "LIMIT = 5"), SPACE) [case_executed]
case_executed = SPACE["case_executed"]

notebook = types.ModuleType("a_notebook")  # as a kernel makes __main__: no file, no spec
sys.modules["a_notebook"] = notebook
exec(
    """
from os import environ
from lab import shelf
from lab.shelf import LOCK
import json
RATE = 2
def work(x):
    return x * RATE
class Cell:
    def run(self):
        return work(4)
def case_notebook() -> str:
    with LOCK:
        return json.dumps([Cell().run(), Cell.__module__, shelf.SHELF.books, "PATH" in environ])
""".replace("RATE = 2", "RATE = 2"),  #> """.replace("RATE = 2", "RATE = 3"), [case_notebook]
    notebook.__dict__,
)
case_notebook = notebook.case_notebook


class Named:
    """Names that instances have, rather than the class."""

    def __init__(self, name):
        self._name = name

    @property
    def __name__(self):
        return self._name + Named.suffix

    @property
    def __class__(self):
        return str

    suffix = "!"

    @property
    def __dict__(self):
        return {"own": vars(Named)["suffix"]}


class Called:
    __name__ = staticmethod(lambda: "called")  #>     __name__ = staticmethod(lambda: "other") [case_names_of_instances]


def case_names_of_instances() -> str:
    named = Named("n")
    return str([named.__name__, isinstance(named, str), vars(named), Called.__name__, Called().__name__()])


class Missing:
    def __reduce__(self):
        return "MISSING"


class Slotted:
    __slots__ = ("size",)

    def __reduce__(self):
        return "SLOTTED"


MISSING, SLOTTED = Missing(), Slotted()
SLOTTED.size = 3  #> SLOTTED.size = 4 [case_sentinels]


def given(value=MISSING):
    return value is MISSING


def case_sentinels() -> str:
    return str([given(), given(None), SLOTTED.size, isinstance(MISSING, Missing)])


if __name__ == "__main__":
    exec(__import__("os").environ["PACK"])
