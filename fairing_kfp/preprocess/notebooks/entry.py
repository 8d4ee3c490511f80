"""The entry point of a notebook's script: a class that it runs with fire, as Fairing does."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from fairing_kfp.errors import PackError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.notebooks.parameters import Parameter, type_of

_KNOWN = (str, int, float, bool, list, dict)
_DEFAULT_METHOD = "train"


@dataclass(frozen=True)
class Entry:
    """The class and method that a script runs after its cells.

    Attributes:
        class_name: the class.
        method: its method.
        init_parameters: the parameters of its `__init__`.
        method_parameters: the parameters of the method.
    """

    class_name: str
    method: str
    init_parameters: tuple[Parameter, ...]
    method_parameters: tuple[Parameter, ...]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters of both."""
        return (*self.init_parameters, *self.method_parameters)

    def call(self) -> str:
        """The code that runs it. Values are passed to fire as Python literals, which keeps their types."""
        lines = ["# %% what is run", "import fire as _fire", ""]
        if self.parameters:
            lines.append('_words = {name: f"--{name}={value!r}" for name, value in _given.items()}')
        lines.append("_command = []")
        lines += _add_words(self.init_parameters)
        lines.append(f'_command += ["{self.method}"]')
        lines += _add_words(self.method_parameters)
        return "\n".join([*lines, f"_fire.Fire({self.class_name}, command=_command)", ""])


def _add_words(parameters: Sequence[Parameter]) -> list[str]:
    names = [parameter.name for parameter in parameters]
    return [f"_command += [_words[name] for name in {names} if name in _words]"] if names else []


def read_entry(trees: Sequence[ast.Module], class_name: str, method: str | None, notebook: str) -> Entry:
    """Reads the parameters of a class from the source, without running it.

    Args:
        trees: the syntax trees of the cells.
        class_name: the class.
        method: its method; None for the only public one, or `train`.
        notebook: the notebook's name, for messages.

    Raises:
        PackError: the class or method does not exist, or the type of a parameter cannot be used.
    """
    classes = {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
    if class_name not in classes:
        raise PackError(
            f"the selected cells of {notebook} do not define a class {class_name}",
            f"choose one of {', '.join(classes)}" if classes else "define it at the top level of a cell",
        )
    methods = _methods(classes[class_name], classes)
    public = [name for name in methods if not name.startswith("_")]
    name = method or (public[0] if len(public) == 1 else _DEFAULT_METHOD)
    if name not in methods:
        raise PackError(
            f"{class_name} of {notebook} has no method {name}",
            f'choose one: method="{public[0]}"' if public else "add the method to the class",
        )
    made = _parameters(methods["__init__"], f"{class_name}.__init__") if "__init__" in methods else ()
    called = _parameters(methods[name], f"{class_name}.{name}")
    if both := {one.name for one in made} & {one.name for one in called}:
        raise PackError(
            f"__init__ and {name} of {class_name} in {notebook} both have a parameter {min(both)}",
            "rename one of them",
        )
    return Entry(class_name, name, made, called)


def _methods(cls: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> dict[str, ast.FunctionDef]:
    """The methods of a class and of its base classes in the notebook."""
    found: dict[str, ast.FunctionDef] = {}
    for base in reversed(cls.bases):
        if isinstance(base, ast.Name) and base.id in classes and base.id != cls.name:
            found |= _methods(classes[base.id], classes)
    return found | {node.name: node for node in cls.body if isinstance(node, ast.FunctionDef)}


def _parameters(function: ast.FunctionDef, shown: str) -> tuple[Parameter, ...]:
    arguments = function.args
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs:
        raise PackError(
            f"{shown} takes arguments that cannot be passed by keyword",
            "name each parameter",
        )
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
            value = None  # computed: the method uses its own default
    typed = type_of(argument.annotation) or (type(value) if type(value) in _KNOWN else None)
    if typed is None:
        if argument.annotation is not None or default is None:
            raise PackError(
                f"the parameter {argument.arg} of {shown} has no type that KFP supports",
                f"annotate it: {argument.arg}: int, or float, str, bool, list, dict",
            )
        typed = str
    return Parameter(argument.arg, typed, value if type(value) is typed else None, required=default is None)
