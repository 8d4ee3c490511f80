"""Captured values: listed with their sizes, and refused with an error that names them."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from fairing_kfp.errors import CaptureError, SecretError
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.function import FunctionSource

Author = Callable[..., types.ModuleType]
HIGH = "q8Zk2vX9pLm3RtY7"


def pack(function: Any) -> Bundle:
    return FunctionSource(function, {}).bundle("step")


REFUSED = {
    "open file": ("X = open(__file__)", "io.TextIOWrapper"),
    "binary file": ("X = open(__file__, 'rb')", "io.BufferedReader"),
    "lock": ("import threading; X = threading.Lock()", "lock"),
    "lock inside": ("import threading; X = {'deep': [threading.RLock()]}", "RLock"),
    "thread": ("import threading; X = threading.Thread()", "_thread"),
    "socket": ("import socket; X = socket.socket()", "socket.socket"),
    "generator": ("X = (n for n in [1])", "generator"),
    "random generator": ("import random; X = random.Random(3)", "random.Random"),
    "system random": ("import random; X = random.SystemRandom()", "random.SystemRandom"),
    "database": ("import sqlite3; X = sqlite3.connect(':memory:')", "sqlite3.Connection"),
    "context variable": ("import contextvars; X = contextvars.ContextVar('x')", "ContextVar"),
    "frame": ("import sys; X = sys._getframe()", "frame"),
    "module's own __reduce__": (
        "class Odd:\n    def __reduce__(self): raise RuntimeError('no copies of me')\nX = Odd()",
        "no copies of me",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_under_its_name(kind: str, author: Author) -> None:
    setup, says = REFUSED[kind]
    flow = author(flow=f"import fairing_kfp\n{setup}\ndef helper():\n    return X\ndef step():\n    return helper()\n")
    with pytest.raises(CaptureError) as raised:
        pack(flow.step)
    assert "'X', captured by helper, cannot be packed" in str(raised.value)
    assert says in str(raised.value)
    assert "inside the function" in raised.value.remedy


def test_refused_in_a_closure_by_the_variables_name(author: Author) -> None:
    flow = author(
        flow="""
        import fairing_kfp, threading
        def make():
            guard = threading.Lock()
            def step():
                with guard:
                    return 1
            return step
        """
    )
    with pytest.raises(CaptureError, match=r"'guard', captured by make\.<locals>\.step,"):
        pack(flow.make())


@pytest.mark.parametrize("made", ["default_rng(3)", "RandomState(3)", "PCG64(3)"])
def test_numpys_generators(made: str, author: Author) -> None:
    pytest.importorskip("numpy")
    flow = author(flow=f"import fairing_kfp\nfrom numpy import random as r\nX = r.{made}\ndef step(): return X\n")
    with pytest.raises(CaptureError, match="'X'"):
        pack(flow.step)


def test_what_a_step_can_import_is_imported(author: Author) -> None:
    flow = author(
        flow="import fairing_kfp\nfrom state import LOCK as guard, RNG\ndef step():\n    return guard, RNG\n",
        state="import random, threading\nLOCK = threading.Lock()\nRNG = random.Random(1)\n",
    )
    assert "modules/state.py" in {file.path.partition("code/")[2] for file in pack(flow.step).files}


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr", "__stdout__"])
def test_standard_streams_are_the_steps(stream: str, author: Author) -> None:
    flow = author(flow=f"import fairing_kfp, sys\nOUT = sys.{stream}\ndef step():\n    return OUT\n")
    assert pack(flow.step).files


def test_the_authors_environment_stays_here(author: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVATE_MATTER", "of the author")
    flow = author(flow="import fairing_kfp, os\nENV = os.environ\ndef step():\n    return ENV\n")
    assert not any(b"PRIVATE_MATTER" in file.data for file in pack(flow.step).files)


def test_captures_are_listed_with_type_and_size(author: Author) -> None:
    flow = author(
        flow="""
        import fairing_kfp, dataclasses, json
        from typing import NamedTuple

        NAMES = ["a", "b"] * 100
        DEPTH = 3

        @dataclasses.dataclass
        class Row:
            x: int
            tags: list = dataclasses.field(default_factory=list)

        class Pair(NamedTuple):
            a: int

        def helper():
            return NAMES, Row(1), Pair(1), json

        def step():
            return helper(), DEPTH, NAMES
        """
    )
    captures = pack(flow.step).captures
    assert {(c.owner, c.name, c.type) for c in captures} == {
        ("helper", "NAMES", "list"),
        ("step", "DEPTH", "int"),
        ("step", "NAMES", "list"),
    }
    assert len({c.size for c in captures if c.name == "NAMES"}) == 1
    assert all(c.size > 0 for c in captures)


def test_heavy_captures_warn(author: Author) -> None:
    flow = author(
        flow="import fairing_kfp\nBIG = [bytes(1_100_000)]\nSMALL = [1]\ndef step():\n    return BIG, SMALL\n"
    )
    (warning,) = pack(flow.step).warnings
    assert "step captures 'BIG' (list, " in warning
    assert "input artifact" in warning


def test_reading_the_place_of_the_file_warns(author: Author) -> None:
    flow = author(flow="import fairing_kfp\ndef step():\n    return __file__\n")
    (warning,) = pack(flow.step).warnings
    assert "__file__" in warning


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"TOKEN = '{HIGH}'\ndef step(): return TOKEN", "step contains 'TOKEN'"),
        (f"CONF = {{'password': '{HIGH}'}}\ndef step(): return CONF", "'password'"),
        (f"class Conf:\n    api_key = '{HIGH}'\ndef step(): return Conf", "'api_key'"),
        (f"def step(token='{HIGH}'): return token", "'token'"),
        (f"def step():\n    connect(token='{HIGH}')", "'token'"),
        (f"URL = 'https://me:{HIGH}@example.com/x'\ndef step(): return URL", "password inside a URL"),
        (f"def step(): return 'ghp_{HIGH}{HIGH}{HIGH}'", "a GitHub token"),
        ("from own import value\ndef step(): return value()", "own.py contains 'token'"),
    ],
)
def test_credentials_are_refused_and_not_shown(text: str, says: str, author: Author) -> None:
    flow = author(flow=f"import fairing_kfp\n{text}\n", own=f"def value():\n    token = '{HIGH}'\n    return token\n")
    with pytest.raises(SecretError) as raised:
        pack(flow.step)
    assert says in str(raised.value)
    assert HIGH not in str(raised.value)
    assert "secrets=" in str(raised.value)


def test_tokenizers_are_no_secrets(author: Author) -> None:
    flow = author(
        flow="""
        import fairing_kfp
        PAD_TOKEN = "<pad>"
        CONF = {"eos_token": "<|endoftext|>"}
        def step(): return PAD_TOKEN, CONF
        """
    )
    assert pack(flow.step).files


def test_long_chains_of_helpers(author: Author) -> None:
    helpers = "\n".join(f"def f{n}(): return f{n + 1}()" for n in range(300))
    flow = author(flow=f"import fairing_kfp\n{helpers}\ndef f300(): return 1\ndef step(): return f0()\n")
    before = sys.getrecursionlimit()
    assert len(pack(flow.step).files) > 300
    assert sys.getrecursionlimit() == before


def test_endless_nesting_is_refused(author: Author) -> None:
    flow = author(flow="import fairing_kfp\nX = []\nfor n in range(20_000): X = [X]\ndef step(): return X\n")
    with pytest.raises(CaptureError, match=r"'X', captured by step, .*nested too deeply"):
        pack(flow.step)


def test_objects_that_refer_to_their_own_global(author: Author) -> None:
    flow = author(
        flow="""
        import fairing_kfp
        class Node:
            def root(self):
                return ROOT
        ROOT = Node()
        ROOT.self = ROOT
        def step():
            return ROOT.root()
        """
    )
    assert pack(flow.step).captures


def test_a_file_that_was_imported_again_packs_the_same(author: Author) -> None:
    flow = author(flow="import fairing_kfp\nLIMIT = 3\ndef step(): return LIMIT\n")
    first = pack(flow.step)
    old = flow.step
    del sys.modules["flow"]
    author(flow="import fairing_kfp\nLIMIT = 3\ndef step(): return LIMIT\n")
    assert pack(old).files == first.files


def test_described_for_the_runtime(author: Author) -> None:
    flow = author(flow="import fairing_kfp\ndef step(): return 1\n")
    files = {file.path.rpartition("/")[2]: file.data for file in pack(flow.step).files}
    assert json.loads(files["step.json"]) == {
        "name": "step",
        "python": list(sys.version_info[:2]),
        "packed_modules": ["flow"],
        "embedded": None,
    }


def test_pydantics_models_hold_no_addresses(author: Author) -> None:
    pytest.importorskip("pydantic")
    flow = author(
        flow="""
        import fairing_kfp, pydantic
        from typing import List, Optional
        class Leaf(pydantic.BaseModel):
            v: int
            parent: Optional["Tree"] = None
            @pydantic.field_validator("v")
            @classmethod
            def positive(cls, v): return v
        class Tree(Leaf):
            leaves: List[Leaf] = []
        Leaf.model_rebuild()
        ROOT = Tree(v=1, leaves=[Leaf(v=2)])
        def step(): return ROOT.model_dump_json(), Tree
        """
    )
    pickled = b"".join(file.data for file in pack(flow.step).files)
    assert str(id(flow.Leaf)).encode() not in pickled
    assert str(id(flow.Tree)).encode() not in pickled


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ("'not interned!'", "''.join(['not ', 'interned!'])"),
        ("b'two words'", "bytes(b'two words!'[:-1])"),
        ("('a', 1, 2.5)", "tuple(['a', 1, 2.5])"),
        ("frozenset({'a', 'b'})", "frozenset(['b', 'a'])"),
        ("3 + 4j", "complex(3, 4)"),
        ("typing.List[int]", "copy.deepcopy(typing.List[int]) or fresh(typing.List, int)"),
        ("re.compile('x+')", "(re.purge(), re.compile('x+'))[1]"),
    ],
)
def test_equal_constants_need_not_be_one_object(first: str, again: str, author: Author) -> None:
    head = "import copy, fairing_kfp, re, typing\n\ndef fresh(kind, item): return kind.copy_with((item,))\n"
    body = "\ndef step(): return A, B\n"
    one = author(one=f"{head}A = {first}\nB = A\n{body}")
    two = author(two=f"{head}A = {first}\nB = {again}\n{body}")
    packed = [b"".join(file.data for file in pack(flow.step).files) for flow in (one, two)]
    assert packed[0].replace(b"one", b"two").replace(b"-", b"") == packed[1].replace(b"-", b"")


def test_ipythons_builtin_functions_are_those_of_python(author: Author) -> None:
    from IPython.core import autocall, interactiveshell

    flow = author(flow="import fairing_kfp\ndef step(path):\n    if path: exit(open(path).read())\n")
    bare = pack(flow.step)
    flow.open, flow.exit = interactiveshell._modified_open, autocall.ExitAutocall()  # as in a notebook

    assert [file.data for file in pack(flow.step).files] == [file.data for file in bare.files]


def test_ipythons_open_is_that_of_python_wherever_it_is(author: Author) -> None:
    from IPython.core import interactiveshell

    flow = author(
        flow="""
        import functools
        import fairing_kfp

        def make(opened):
            def inner(path, by=opened, many=(opened,)):
                return opened, by, many, alias, part, table
            return inner
        """
    )
    opened = interactiveshell._modified_open
    flow.alias, flow.part, flow.table = opened, flow.functools.partial(opened, mode="r"), {"open": [opened]}
    packed = pack(flow.make(opened))
    pickle = next(file.data for file in packed.files if file.path.endswith(".pickle"))
    assert b"IPython" not in pickle
    assert b"open" in pickle
    assert not [name for name in packed.imports if name.startswith("IPython")]
