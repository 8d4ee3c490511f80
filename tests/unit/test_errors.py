"""The contract of `fairing_kfp.errors`: the drawn tree is complete, and all errors are defined there."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import re
from pathlib import Path

import fairing_kfp
from fairing_kfp import errors
from fairing_kfp.errors import FairingError

PACKAGE = Path(fairing_kfp.__file__).parent
CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, FairingError) and not name.startswith("_")
}
_LINE = re.compile(r"^    ([│├└─ ]*)(\w+)(?: {2,}(.+))?$")


@functools.cache
def nodes() -> list[tuple[str, ast.ClassDef | ast.Call | ast.Raise]]:
    """The classes, calls and raised errors of each module, with its path."""
    return [
        (path.relative_to(PACKAGE).as_posix(), node)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, (ast.ClassDef, ast.Call, ast.Raise))
    ]


def drawn_tree() -> dict[str, tuple[str | None, str]]:
    """The parent and the meaning of each error in the docstring's tree."""
    tree: dict[str, tuple[str | None, str]] = {}
    ancestors: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := _LINE.match(line):
            branches, name, meaning = match.groups()
            depth = len(branches) // 4
            assert len(branches) % 4 == 0, f"{name} is not aligned"
            del ancestors[depth:]
            tree[name] = (ancestors[-1] if ancestors else None, meaning or "")
            ancestors.append(name)
    return tree


def public_parent(error: type) -> str | None:
    return next((base.__name__ for base in error.__mro__[1:] if base.__name__ in CLASSES), None)


def test_the_tree_is_complete() -> None:
    assert {name: parent for name, (parent, _) in drawn_tree().items()} == {
        name: public_parent(error) for name, error in CLASSES.items()
    }


def test_each_error_has_one_line_of_meaning() -> None:
    tree = drawn_tree()
    assert [name for name in CLASSES if not tree[name][1]] == ["FairingError"]
    assert [
        name for name, error in CLASSES.items() if not (inspect.getdoc(error) or "").partition("\n")[0].endswith(".")
    ] == []


def test_no_error_shadows_a_builtin() -> None:
    assert CLASSES.keys() & vars(builtins).keys() == set()


def test_each_error_is_public() -> None:
    assert {name: getattr(fairing_kfp.errors, name) for name in CLASSES} == CLASSES


def test_errors_are_defined_in_one_module() -> None:
    elsewhere = [
        f"{path}: {node.name}"
        for path, node in nodes()
        if path != "errors.py"
        and isinstance(node, ast.ClassDef)
        and any(_name(base) in {*CLASSES, "_StatusError"} for base in node.bases)
    ]
    assert elsewhere == []


def test_each_error_is_raised_with_a_message_and_a_remedy() -> None:
    calls = [
        (f"{path}:{node.lineno}", node)
        for path, node in nodes()
        if isinstance(node, ast.Call) and _name(node.func) in {*CLASSES} - {"StoppedError"}
    ]
    bare = [
        f"{path}:{node.lineno}"
        for path, node in nodes()
        if isinstance(node, ast.Raise) and node.exc is not None and _name(node.exc) in {*CLASSES} - {"StoppedError"}
    ]
    incomplete = [
        place
        for place, call in calls
        if len(call.args) + len({keyword.arg for keyword in call.keywords} & {"message", "remedy"}) < 2
        and not any(isinstance(argument, ast.Starred) for argument in call.args)
    ]
    assert (incomplete, bare) == ([], [])
    assert errors.StoppedError().message
    assert errors.StoppedError().remedy


def test_the_text_has_the_remedy_on_a_line_of_its_own() -> None:
    error = FairingError("the disk is full", "free some space")

    assert (error.message, error.remedy) == ("the disk is full", "free some space")
    assert str(error) == "the disk is full\n  → free some space"
    assert str(FairingError("the disk is full")) == "the disk is full"


def _name(node: ast.expr) -> str:
    """The last part of a name or attribute."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
