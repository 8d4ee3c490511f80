"""The public API: its names, what the documentation uses of it, and what an import of the package costs."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fairing_kfp
from tests.support.paths import TOP

PUBLIC_MODULES = {"classic", "display", "distributed", "errors", "mutators", "testing"}
STUB = ast.parse(Path(fairing_kfp.__file__).with_suffix(".pyi").read_text("utf-8"))
NAMES = {
    alias.asname: (node.module, alias.name)
    for node in STUB.body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}
INTERNAL = {"architecture.md", "extending.md"}  # pages for those who work on the package
PAGES = [
    TOP / "README.md",
    *sorted(path for path in (TOP / "docs").glob("*.md") if path.name not in INTERNAL),
    *sorted(
        path
        for folder in ("pipelines", "samples")
        for path in (TOP / folder).rglob("*")
        if path.suffix in (".py", ".md", ".ipynb")
    ),
]
_FROM = re.compile(r"from fairing_kfp((?:\.\w+)*) import (\([^)]*\)|[\w ,]+)")
_DOTTED = re.compile(r"(?<![\w./-])(?:import )?fairing_kfp\.(\w+(?:\.\w+)*)")


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def used_names(text: str) -> set[str]:
    """The dotted names of the package in a text, without `fairing_kfp.`."""
    found = set()
    for module, names in _FROM.findall(text):
        for name in re.findall(r"\w+(?: as \w+)?", names):
            found.add(f"{module}.{name.partition(' ')[0]}".removeprefix("."))
    return found | set(_DOTTED.findall(_FROM.sub("", text)))


@pytest.mark.parametrize("name", NAMES)
def test_each_name_can_be_imported(name: str) -> None:
    module, original = NAMES[name]

    assert name == original, "a stub exports names under their own name only"
    value = getattr(fairing_kfp, name)
    assert value is getattr(importlib.import_module(str(module)), name)


def test_dir_lists_the_names() -> None:
    assert dir(fairing_kfp) == fairing_kfp.__all__ == sorted(NAMES)


def test_star_import() -> None:
    scope: dict[str, object] = {}
    exec("from fairing_kfp import *", scope)

    assert set(scope) - {"__builtins__"} == set(NAMES)


def test_other_names_are_unknown() -> None:
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        fairing_kfp.absent  # noqa: B018


def test_import_is_light() -> None:
    """kfp alone would take half a second."""
    heavy = ["kfp", "kubernetes", "rich", "click", "urllib3", "cloudpickle", "yaml", "uv", "isal", "json"]
    assert run(f"import sys, fairing_kfp; print([name for name in {heavy!r} if name in sys.modules])") == "[]\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(TOP).as_posix())
def test_the_documentation_uses_public_names(page: Path) -> None:
    for name in used_names(page.read_text("utf-8")):
        first, _, rest = name.partition(".")
        assert first in {*NAMES, *PUBLIC_MODULES}, f"{page.name} names fairing_kfp.{name}"
        if rest and first in PUBLIC_MODULES:
            module = importlib.import_module(f"fairing_kfp.{first}")
            assert hasattr(module, rest.partition(".")[0]), f"{page.name} names fairing_kfp.{name}"


def test_names_are_found_in_a_text() -> None:
    text = "from fairing_kfp.display import (console, Event as E)\n`fairing_kfp.run(x)`, fairing_kfp/recipe/own.lock"
    assert used_names(text) == {"display.console", "display.Event", "run"}


@pytest.mark.parametrize(
    "module",
    [
        "fairing_kfp.cluster.mutators",
        "fairing_kfp.display",
        "fairing_kfp.registry.client",
        "fairing_kfp.registry.credentials",
        "fairing_kfp.settings",
    ],
)
def test_documented_modules_keep_their_place(module: str) -> None:
    importlib.import_module(module)


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("fairing_kfp.own_image", "fairing_kfp.recipe.own_image", "publish"),
        ("fairing_kfp.options", "fairing_kfp.component.options", "ImageOptions"),
    ],
)
def test_modules_that_moved_are_found_for_one_release(
    monkeypatch: pytest.MonkeyPatch, old: str, new: str, name: str
) -> None:
    for module in (old, new):
        monkeypatch.delitem(sys.modules, module, raising=False)
    scope: dict[str, object] = {}
    with pytest.warns(DeprecationWarning, match=f"{old} is deprecated: use {new}") as caught:
        exec(f"from {old} import {name}", scope)

    assert scope[name] is getattr(importlib.import_module(new), name)
    assert caught[0].filename == "<string>"  # the file that imports it


def test_mutators_are_a_module() -> None:
    mutators = importlib.import_module("fairing_kfp.mutators")

    assert mutators is importlib.import_module("fairing_kfp.cluster.mutators") is fairing_kfp.mutators
