"""The calls of Fairing in code, and what takes their place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from fairing_kfp.migration.block import Block
from fairing_kfp.migration.names import Names
from fairing_kfp.migration.successor import Successor
from fairing_kfp.migration.table import successor_of


@dataclass(frozen=True)
class Call:
    """A use of Fairing: a call, or a name that is passed on.

    Attributes:
        line: its line in the script or cell.
        cell: the cell's number; 0 in a script.
        text: the call as written, without most of its arguments.
        name: the path of what it names, below `kubeflow.fairing`.
        successor: what takes its place; None if Fairing 1.0.2 has no such name.
    """

    line: int
    cell: int
    text: str
    name: str
    successor: Successor | None


def calls_of(block: Block, names: Names) -> Iterator[Call]:
    """The calls in a block.

    Args:
        block: the code.
        names: what the names of its file mean.
    """
    calls = {id(node.func): node for node in block.nodes if isinstance(node, ast.Call)}
    for node, name in names.uses(block):
        call = calls.get(id(node))
        option = _option(call) if call else ""
        successor = successor_of(name, option)
        shown = option if successor and successor.option else ""
        yield Call(block.line(node), block.cell, f"{_short(node)}{_arguments(call, shown)}", name, successor)


def _option(call: ast.Call) -> str:
    """The first argument, or that called `name`, if it is a string."""
    first = next((keyword.value for keyword in call.keywords if keyword.arg == "name"), None)
    first = call.args[0] if call.args else first
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _short(node: ast.expr) -> str:
    """The name of a call, without most arguments: `TrainJob(…).submit`."""
    if isinstance(node, ast.Attribute):
        return f"{_short(node.value)}.{node.attr}"
    return f"{_short(node.func)}{_arguments(node)}" if isinstance(node, ast.Call) else ast.unparse(node)


def _arguments(call: ast.Call | None, option: str = "") -> str:
    """The arguments of a call, abbreviated except for the given first one."""
    if call is None:
        return ""
    shown = [f'"{option}"'] if option else []
    return f"({', '.join([*shown, *['…'] * (len(call.args) + len(call.keywords) > len(shown))])})"
