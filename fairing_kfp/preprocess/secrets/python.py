"""Credentials in Python programs: in the values of names, in strings and in comments."""

from __future__ import annotations

import ast
import io
import re
import shlex
import textwrap
import tokenize
from collections.abc import Iterator

from fairing_kfp.preprocess.secrets.commands import find_in_commands
from fairing_kfp.preprocess.secrets.forms import find_forms
from fairing_kfp.preprocess.secrets.match import Match, named
from fairing_kfp.preprocess.secrets.names import Strength, is_of_pair, strength_of
from fairing_kfp.preprocess.secrets.pair import Style
from fairing_kfp.preprocess.secrets.python_names import names_of
from fairing_kfp.preprocess.secrets.python_values import literals, string_of, text_of
from fairing_kfp.preprocess.secrets.text import find_in_text
from fairing_kfp.preprocess.secrets.urls import PAIR, find_pairs, is_pair_password
from fairing_kfp.preprocess.secrets.values import could_be_credential

_PAIRS = {
    "auth",
    "creds",
    "basicauth",
    "userpass",
    "basic_auth",
    "proxy_auth",
    "credentials",
    "login",
    "http_auth",
    "HTTPBasicAuth",
    "HTTPDigestAuth",
    "BasicAuth",
}
_LARGEST = 2_000_000  # characters; longer programs are generated, and read as text
_SHORTEST = 6  # characters of a string that is searched
_MAGIC = re.compile(r"(?m)^([ \t]*)(?:[%!?].*|.*\?)$")
_CELL_MAGIC = re.compile(r"\s*%%(?P<magic>\w+)(?P<rest>.*)")
_RUNS_PYTHON = {"time", "timeit", "capture", "prun", "debug", "pyinstrument", "snakeviz", "wandb", "python", "python3"}


def find_in_program(text: str) -> list[Match]:
    """Finds credentials in a Python program or a part of one, in order of their lines.

    Returns:
        The matches; `start` is the line, from 1.
    """
    tree = None if len(text) > _LARGEST else _parse(text)
    if tree is None:
        return [_at_line(match, text) for match in find_in_text(text, Style.PROGRAM)]
    anywhere = (_at_line(match, text) for match in (*find_forms(text), *find_pairs(text), *find_in_commands(text)))
    found: dict[str, Match] = {}
    for match in (*_named(tree), *_in_strings(tree), *_in_comments(text), *anywhere):
        if not any(match.value in value for value in found):
            found[match.value] = match
    return sorted(found.values(), key=lambda match: match.start)


def find_in_cell(text: str) -> list[Match]:
    """Finds credentials in a notebook's cell, including its magics and commands.

    Returns:
        The matches; `start` is the line, from 1.
    """
    first = _CELL_MAGIC.match(text)
    if first and first["magic"] not in _RUNS_PYTHON:
        return [_at_line(match, text) for match in find_in_text(text, Style.SETTINGS)]
    commands = "\n".join(line if _MAGIC.fullmatch(line) else "" for line in text.split("\n"))
    program = _MAGIC.sub(r"\1pass", text)
    found = [*find_in_program(program)]
    commands = re.sub(r"%(?:set_)?env[ \t]+(\w+)[ \t]+(?=[^=\s])", r"export \1=", commands)
    found += [_at_line(match, commands) for match in find_in_text(commands, Style.SETTINGS)]
    return sorted(found, key=lambda match: match.start)


def _at_line(match: Match, text: str) -> Match:
    return Match(match.what, match.value, text.count("\n", 0, match.start) + 1, match.name)


def _parse(text: str) -> ast.AST | None:
    for source in (text, textwrap.dedent(text), f"({text.strip()}\n)"):
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _named(tree: ast.AST) -> Iterator[Match]:
    """The credentials that a program gives to names that announce them."""
    for node in ast.walk(tree):
        for name, value in names_of(node):
            yield from _named_value(name, value)


def _named_value(name: str, value: ast.AST | None) -> Iterator[Match]:
    strength = strength_of(name) if name else Strength.NONE
    if name in _PAIRS and isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == 2:
        yield from _pair(name, value.elts)
    if not strength or value is None:
        return
    for text, node in literals(value):
        user, colon, password = text.partition(":")
        if strength is Strength.WEAK and colon and is_of_pair(name) and re.fullmatch(r"[\w.@-]{1,64}", user):
            if is_pair_password(user, password) and not password.isdigit():
                yield Match(PAIR, password, node.lineno, name)
        elif could_be_credential(strength, text):
            yield named(name, text, node.lineno)


def _pair(name: str, items: list[ast.expr]) -> Iterator[Match]:
    """A user and a password, such as `auth=("me", "…")`."""
    user, password = (next(literals(item), ("", item))[0] for item in items[:2])
    if user and password and is_pair_password(user, password):
        yield Match(PAIR, password, getattr(items[1], "lineno", 1), name)


def _in_strings(tree: ast.AST) -> Iterator[Match]:
    """The credentials in the strings of a program, whatever their names."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    parts |= {id(side) for node in ast.walk(tree) if isinstance(node, ast.BinOp) for side in (node.left, node.right)}
    for node in ast.walk(tree):
        if id(node) in parts:
            continue
        if isinstance(node, (ast.BinOp, ast.Call)):
            texts = [next(literals(node), None)]
        elif isinstance(node, (ast.List, ast.Tuple)):
            texts = [_command(node)]
        elif isinstance(node, (ast.Constant, ast.JoinedStr)):
            texts = [next(string_of(node), None)]
        else:
            continue
        for found in texts:
            if not found or len(found[0]) < _SHORTEST:
                continue
            text, place = found
            style = Style.PROSE if id(node) in docstrings else Style.SETTINGS
            for match in find_in_text(text, style):
                line = min(place.lineno + text.count("\n", 0, match.start), place.end_lineno or place.lineno)
                yield Match(match.what, match.value, line, match.name)


def _command(node: ast.List | ast.Tuple) -> tuple[str, ast.expr] | None:
    """The command line of a list of arguments, such as `["docker", "login", "-p", "…"]`; None for other lists."""
    arguments = [text_of(item) for item in node.elts]
    if len(arguments) < 3 or not arguments[0] or not any(argument.startswith("-") for argument in arguments[1:]):
        return None
    return shlex.join(arguments), node


def _in_comments(text: str) -> Iterator[Match]:
    """The credentials in the comments of a program."""
    if "#" not in text:
        return
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                for match in find_in_text(token.string, Style.PROSE):
                    yield Match(match.what, match.value, token.start[0], match.name)
    except (tokenize.TokenError, SyntaxError):  # a part of a program
        return
