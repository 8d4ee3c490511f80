"""Indexes from which a project takes single packages."""

from __future__ import annotations

import sys

import pytest

from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess.dependencies import Target, resolve
from fairing_kfp.preprocess.indexes import PROJECT, Source, as_project, as_variable, of_lock, of_project
from fairing_kfp.preprocess.requirements import Requirements

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCUMENT = tomllib.loads("""
[tool.uv.sources]
Torch = [
    { index = "cuda", marker = "sys_platform == 'linux'" },
    { index = "cpu", marker = "sys_platform != 'linux'", extra = "cpu" },
]
own = { path = "../own" }
vision = { index = "cuda" }
[[tool.uv.index]]
name = "cuda"
url = "https://wheels.example.com/cu126/"
explicit = true
[[tool.uv.index]]
name = "cpu"
url = "https://wheels.example.com/cpu"
[[tool.uv.index]]
url = "https://nameless.example.com/simple"
""")
CUDA = Source("torch", "cuda", "https://wheels.example.com/cu126/", "sys_platform == 'linux'")
CPU = Source("torch", "cpu", "https://wheels.example.com/cpu", "sys_platform != 'linux'")


def test_sources_are_those_of_what_is_asked_for() -> None:
    lines = ["torch>=2", "own", "numpy"]

    assert of_project(DOCUMENT, lines, (), ()) == (CUDA,)
    assert of_project(DOCUMENT, lines, ["CPU"], ()) == (CPU, CUDA)
    assert of_project(DOCUMENT, ["numpy"], (), ()) == ()
    assert of_project({}, lines, (), ()) == ()


def test_an_index_that_the_project_does_not_define_may_be_one_of_the_users(cache: Cache) -> None:
    document = {"tool": {"uv": {"sources": {"torch": {"index": "lost"}}}}}
    sources = of_project(document, ["torch"], (), ())

    assert as_variable(sources, "lost=https://own.example.com") == "lost=https://own.example.com"
    with pytest.raises(DependencyError, match="the index lost is not defined"):
        resolve(Requirements(("torch",), sources=sources), Target.for_host(), cache)


def test_pins_of_a_lock_come_from_where_they_were_found() -> None:
    def package(name: str, version: str, registry: str) -> dict[str, object]:
        return {"name": name, "version": version, "source": {"registry": registry}}

    lock = {
        "package": [
            package("torch", "2.6.0+cu126", "https://wheels.example.com/cu126"),
            package("torch", "2.6.0", "https://wheels.example.com/cpu"),
            package("numpy", "2.3.0", "https://elsewhere.example.com/simple"),
            {"name": "demo", "source": {"virtual": "."}},
        ]
    }
    pins = ["torch==2.6.0+cu126 ; sys_platform == 'linux'", "torch==2.6.0 ; sys_platform != 'linux'", "numpy==2.3.0"]

    found = of_lock(DOCUMENT, lock, pins)

    assert [(one.index, one.marker) for one in found] == [
        ("cpu", 'sys_platform != "linux"'),
        ("cuda", 'sys_platform == "linux"'),
    ]


def test_a_project_for_uv_has_just_what_has_sources() -> None:
    made = tomllib.loads(as_project([CPU, CUDA], ["torch>=2", "numpy"]))

    assert made["project"] == {"name": PROJECT, "version": "0", "dependencies": ["torch>=2"]}
    assert made["tool"]["uv"]["sources"] == {
        "torch": [{"index": one.index, "marker": one.marker} for one in (CPU, CUDA)]
    }
    assert [(one["name"], one["url"], one["explicit"]) for one in made["tool"]["uv"]["index"]] == [
        ("cpu", CPU.url, True),
        ("cuda", CUDA.url, True),
    ]
    assert as_project([CUDA], ["numpy"]) == ""
    assert as_project([], ["numpy"]) == ""


def test_indexes_have_the_address_that_the_user_gives_if_any() -> None:
    assert as_variable([CUDA, CPU], "") == f"cpu={CPU.url} cuda={CUDA.url}"
    assert as_variable([CUDA], "own=https://own.example.com cuda=https://mine.example.com") == (
        "own=https://own.example.com cuda=https://mine.example.com"
    )
    assert as_variable([CUDA], "https://own.example.com") == f"cuda={CUDA.url} https://own.example.com"


def test_lock_files_have_no_address() -> None:
    assert str(CUDA) == "torch @ index:cuda ; sys_platform == 'linux'"
