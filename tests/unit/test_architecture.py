"""The structure of the package, read from its syntax trees; `docs/architecture.md` draws it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import fairing_kfp

PACKAGE = Path(fairing_kfp.__file__).parent
FLOORS = (  # the top floor first; a folder imports only from floors below its own
    ("cli",),
    ("classic", "comparison", "doctor", "migration", "replay", "testing"),
    ("component",),
    ("local", "remote"),
    ("pipeline",),
    ("components",),
    ("recipe",),
    ("serving",),
    ("display",),
    ("train",),
    ("attestation",),
    ("builders",),
    ("dependencies",),
    ("preprocess",),
    ("layers",),
    ("registry",),
    ("image",),
    ("cache", "cluster"),
    ("root",),
    ("runtime",),
)
ROOT = {
    "__init__",
    "__main__",
    "atomic_file",
    "distributed",
    "errors",
    "frozen",
    "json_spec",
    "option_check",
    "option_signature",
    "proxies",
    "settings",
    "tracebacks",
}
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


def imported(path: Path) -> Iterator[str]:
    """The modules of the package that a file imports anywhere, for types too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            while name and name not in MODULES:
                name = name.rpartition(".")[0]
            if name and name != "fairing_kfp":
                yield name


def floor(module: str) -> int:
    folder = module.split(".")[1] if MODULES[module].parent != PACKAGE else "root"
    return next(number for number, names in enumerate(FLOORS) if folder in names)


def folder(module: str) -> Path:
    return MODULES[module].relative_to(PACKAGE).parent


@functools.cache
def imports() -> dict[str, set[str]]:
    """The modules that each module imports."""
    return {module: {name for name in imported(path) if name != module} for module, path in MODULES.items()}


def test_imports_go_down() -> None:
    up = [
        f"{module} imports {name} of a floor above"
        for module in sorted(set(MODULES) - {"fairing_kfp.__main__"})
        for name in imports()[module]
        if folder(module).parts[:1] != folder(name).parts[:1] and floor(name) <= floor(module)
    ]
    assert up == []


def test_no_module_imports_itself_through_others() -> None:
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        pytest.fail(f"a cycle of imports: {' → '.join(error.args[1])}")


def test_the_root_has_no_further_modules() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == ROOT
