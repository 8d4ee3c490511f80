"""Named indexes of a project."""

from __future__ import annotations

import sys

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.indexes import (
    PROJECT,
    IndexSource,
    declared_sources,
    locked_sources,
    sources_project,
    uv_index_variable,
)
from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import DependencyError

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
CUDA = IndexSource("torch", "cuda", "https://wheels.example.com/cu126/", "sys_platform == 'linux'")
CPU = IndexSource("torch", "cpu", "https://wheels.example.com/cpu", "sys_platform != 'linux'")


def test_sources_of_the_given_requirements() -> None:
    lines = ["torch>=2", "own", "numpy"]

    assert declared_sources(DOCUMENT, lines, (), ()) == (CUDA,)
    assert declared_sources(DOCUMENT, lines, ["CPU"], ()) == (CPU, CUDA)
    assert declared_sources(DOCUMENT, ["numpy"], (), ()) == ()
    assert declared_sources({}, lines, (), ()) == ()


def test_an_undefined_index_may_be_in_the_users_settings(cache: Cache) -> None:
    document = {"tool": {"uv": {"sources": {"torch": {"index": "lost"}}}}}
    sources = declared_sources(document, ["torch"], (), ())

    assert uv_index_variable(sources, "lost=https://own.example.com") == "lost=https://own.example.com"
    with pytest.raises(DependencyError, match="the index lost is not defined"):
        resolve(Requirements(("torch",), sources=sources), Target.for_host(), cache)


def test_sources_of_locked_pins() -> None:
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

    found = locked_sources(DOCUMENT, lock, pins)

    assert [(one.index, one.marker) for one in found] == [
        ("cpu", 'sys_platform != "linux"'),
        ("cuda", 'sys_platform == "linux"'),
    ]


def test_sources_project_contains_requirements_with_sources() -> None:
    made = tomllib.loads(sources_project([CPU, CUDA], ["torch>=2", "numpy"]))

    assert made["project"] == {"name": PROJECT, "version": "0", "dependencies": ["torch>=2"]}
    assert made["tool"]["uv"]["sources"] == {
        "torch": [{"index": one.index, "marker": one.marker} for one in (CPU, CUDA)]
    }
    assert [(one["name"], one["url"], one["explicit"]) for one in made["tool"]["uv"]["index"]] == [
        ("cpu", CPU.url, True),
        ("cuda", CUDA.url, True),
    ]
    assert sources_project([CUDA], ["numpy"]) == ""
    assert sources_project([], ["numpy"]) == ""


def test_the_users_index_url_wins() -> None:
    assert uv_index_variable([CUDA, CPU], "") == f"cpu={CPU.url} cuda={CUDA.url}"
    assert uv_index_variable([CUDA], "own=https://own.example.com cuda=https://mine.example.com") == (
        "own=https://own.example.com cuda=https://mine.example.com"
    )
    assert uv_index_variable([CUDA], "https://own.example.com") == f"cuda={CUDA.url} https://own.example.com"


def test_lock_files_contain_no_url() -> None:
    assert str(CUDA) == "torch @ index:cuda ; sys_platform == 'linux'"
