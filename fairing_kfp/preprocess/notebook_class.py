"""A class of a notebook that its script runs by fire, in Fairing's way."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.notebook_parameters import Parameter, type_of

_KNOWN = (str, int, float, bool, list, dict)
_DEFAULT_METHOD = "train"


@dataclass(frozen=True)
class Entry:
    """What a script runs in the end.

    Attributes:
        class_name: the class.
        method: its method.
        made_with: the parameters of its `__init__`.
        called_with: those of the method.
    """

    class_name: str
    method: str
    made_with: tuple[Parameter, ...]
    called_with: tuple[Parameter, ...]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All of them."""
        return (*self.made_with, *self.called_with)

    def call(self) -> str:
        """The script's last lines. fire reads values as Python's literals, which keeps their types."""
        lines = ["# %% what is run", "import fire as _fire", ""]
        if self.parameters:
            lines.append('_words = {name: f"--{name}={value!r}" for name, value in _given.items()}')
        lines.append("_command = []")
        lines += _add_words(self.made_with)
        lines.append(f'_command += ["{self.method}"]')
        lines += _add_words(self.called_with)
        return "\n".join([*lines, f"_fire.Fire({self.class_name}, command=_command)", ""])


def _add_words(parameters: Sequence[Parameter]) -> list[str]:
    names = [parameter.name for parameter in parameters]
    return [f"_command += [_words[name] for name in {names} if name in _words]"] if names else []


def read_entry(trees: Sequence[ast.Module], class_name: str, method: str | None, notebook: str) -> Entry:
    """Finds a class and reads its parameters, without running anything.

    Raises:
        PackError: there is no such class or method, or a parameter is not plain.
    """
    classes = {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
    if class_name not in classes:
        raise PackError(
            f"{notebook} defines no class {class_name} in its chosen cells",
            f"name one of {', '.join(classes)}" if classes else "define it at the top level of a cell",
        )
    methods = _methods(classes[class_name], classes)
    public = [name for name in methods if not name.startswith("_")]
    name = method or (public[0] if len(public) == 1 else _DEFAULT_METHOD)
    if name not in methods:
        raise PackError(
            f"{class_name} of {notebook} has no method {name}",
            f'name one of its own: method="{public[0]}"' if public else "give it a method",
        )
    made = _parameters(methods["__init__"], f"{class_name}.__init__") if "__init__" in methods else ()
    called = _parameters(methods[name], f"{class_name}.{name}")
    if both := {one.name for one in made} & {one.name for one in called}:
        raise PackError(
            f"__init__ and {name} of {class_name} in {notebook} have both a parameter {min(both)}",
            "give one of them another name",
        )
    return Entry(class_name, name, made, called)


def _methods(cls: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> dict[str, ast.FunctionDef]:
    """Its methods, also those of its base classes in the notebook."""
    found: dict[str, ast.FunctionDef] = {}
    for base in reversed(cls.bases):
        if isinstance(base, ast.Name) and base.id in classes and base.id != cls.name:
            found |= _methods(classes[base.id], classes)
    return found | {node.name: node for node in cls.body if isinstance(node, ast.FunctionDef)}


def _parameters(function: ast.FunctionDef, shown: str) -> tuple[Parameter, ...]:
    arguments = function.args
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs:
        raise PackError(f"{shown} takes arguments without names", "give each a name, a type and, may be, a default")
    is_static = any(getattr(it, "id", "") == "staticmethod" for it in function.decorator_list)
    places = arguments.args[0 if is_static else 1 :]
    defaults = [None] * (len(places) - len(arguments.defaults)) + arguments.defaults[-len(places) :] if places else []
    pairs = [*zip(places, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return tuple(_parameter(argument, default, shown) for argument, default in pairs)


def _parameter(argument: ast.arg, default: ast.expr | None, shown: str) -> Parameter:
    value: Any = None
    if default is not None:
        try:
            value = ast.literal_eval(default)
        except (ValueError, TypeError):
            value = None  # it is computed: the method's own default holds
    typed = type_of(argument.annotation) or (type(value) if type(value) in _KNOWN else None)
    if typed is None:
        if argument.annotation is not None or default is None:
            raise PackError(
                f"the parameter {argument.arg} of {shown} has no type that KFP knows",
                f"annotate it: {argument.arg}: int, or float, str, bool, list, dict",
            )
        typed = str
    return Parameter(argument.arg, typed, value if type(value) is typed else None, required=default is None)
