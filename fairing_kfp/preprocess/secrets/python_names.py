"""The names that a program of Python gives to values: of variables, arguments, keys, options and calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from fairing_kfp.preprocess.secrets.names import strength_of
from fairing_kfp.preprocess.secrets.python_calls import names_of_positions
from fairing_kfp.preprocess.secrets.python_values import DEFAULTS, literals, name_of, text_of

_NAMES = {"name", "key", "env", "variable", "env_name", "var", "dest"}
_AUTHENTICATES = {"login", "authenticate", "configure", "Client", "connect"}
_OPTION = re.compile(r"(?:-{0,2}|#)\w[\w.-]*")
_CLASS = re.compile(r"[A-Z]\w*[a-z]\w*")
_SETTER = re.compile(r"(?:set|with|use|add)_?[A-Za-z]|password$|passwd$")
_IDENTIFIER = re.compile(r"[A-Za-z_.]+")


def names_of(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """The names that a node gives to values."""
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr)):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, (ast.Tuple, ast.List)) and isinstance(node.value, (ast.Tuple, ast.List)):
                yield from zip(map(name_of, target.elts), node.value.elts, strict=False)
            else:
                yield name_of(target), node.value
    elif isinstance(node, ast.keyword):
        yield node.arg or "", node.value
    elif isinstance(node, ast.arguments):
        places = [*node.posonlyargs, *node.args]
        defaults = zip(places[len(places) - len(node.defaults) :], node.defaults, strict=True)
        for argument, value in (*defaults, *zip(node.kwonlyargs, node.kw_defaults, strict=True)):
            yield argument.arg, value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            yield text_of(key), value
        by_key = {text_of(key): value for key, value in zip(node.keys, node.values, strict=True)}
        yield from _by_value(by_key)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, (ast.List, ast.Tuple)):
        yield from _neighbours(node.elts)
    elif isinstance(node, ast.Compare) and len(node.comparators) == 1:
        yield name_of(node.left) or _asked(node.left), node.comparators[0]
    elif isinstance(node, ast.BoolOp):
        yield _asked(node.values[0]), node.values[-1]
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and strength_of(node.name):
        for inner in ast.walk(node):
            if isinstance(inner, (ast.Return, ast.Yield)):
                yield node.name, inner.value


def _of_call(node: ast.Call) -> Iterator[tuple[str, ast.AST | None]]:
    """The names that a call gives to values: `setenv("TOKEN", "…")`, `option("--token", default="…")`."""
    called = name_of(node.func)
    yield from _neighbours(node.args)
    keywords = {keyword.arg or "": keyword.value for keyword in node.keywords}
    if called in _AUTHENTICATES and "key" in keywords:
        yield "api_key", keywords["key"]
    yield from _by_value(keywords)
    if called == "zip" and all(isinstance(argument, (ast.Tuple, ast.List)) for argument in node.args[:2]):
        names, values = ([*argument.elts] for argument in node.args[:2] if isinstance(argument, (ast.Tuple, ast.List)))
        yield from zip(map(text_of, names), values, strict=False)
    if "input" in keywords and any("-stdin" in text for argument in node.args for text, _ in literals(argument)):
        yield "password", keywords["input"]
    for argument in node.args:
        for default in DEFAULTS & keywords.keys():
            yield text_of(argument).lstrip("-"), keywords[default]
    yield from names_of_positions(node)
    if isinstance(node.func, ast.Attribute) and node.args:
        yield _asked(node.func.value), node.args[0]
    if _SETTER.match(called) and node.args:
        yield called, node.args[-1]
    if isinstance(node.func, ast.Attribute) and node.func.attr == "update" and len(node.args) == 1:
        yield name_of(node.func.value), node.args[0]


def _asked(node: ast.AST) -> str:
    """What a call asks for: `os.getenv("API_KEY")`, `input("Password: ")`, `find(By.ID, "password")`."""
    return text_of(next(reversed(node.args), None)).strip("#:. ") if isinstance(node, ast.Call) else ""


def _by_value(values: dict[str, ast.expr]) -> Iterator[tuple[str, ast.AST | None]]:
    """Names and values that are values themselves: `EnvVar(name="TOKEN", value="…")`."""
    for key in _NAMES & values.keys():
        for default in DEFAULTS & values.keys():
            yield text_of(values[key]), values[default]


def _neighbours(nodes: list[ast.expr]) -> Iterator[tuple[str, ast.AST | None]]:
    """Options and names with what follows them, unless that is a name, too: `["--password", "…"]`, `("TOKEN", "…")`."""
    for left, right in pairwise(nodes):
        name, value = text_of(left), text_of(right)
        if name in ("-u", "--user", "--proxy-user") and ":" in value:
            user, _, password = value.partition(":")
            yield "auth", ast.Tuple([ast.copy_location(ast.Constant(part), right) for part in (user, password)])
        elif _CLASS.fullmatch(name) and _CLASS.fullmatch(value):  # as in `__all__`
            continue
        elif _OPTION.fullmatch(name) and (name.startswith("-") or not _IDENTIFIER.fullmatch(value)):
            yield name, right
