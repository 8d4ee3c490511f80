"""The table of Fairing's calls in tests/unit/classic/calls.txt."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.paths import TESTS

_LINE = re.compile(r"(?P<name>[\w.]+)\((?P<parameters>.*)\)(?: (?P<status>warns|refused))?")


@dataclass(frozen=True)
class Call:
    """A class, function or method of Fairing.

    Attributes:
        module: its module below `kubeflow.fairing`.
        name: its name in the module.
        parameters: defaults as Fairing wrote them, by name; empty for none.
        unused: parameters that have no effect any more.
        status: `works`, `warns` or `refused`.
    """

    module: str
    name: str
    parameters: Mapping[str, str]
    unused: frozenset[str]
    status: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def owner(self) -> str:
        """The class of a method; empty for others."""
        return self.name.partition(".")[0] if "." in self.name else ""

    def find(self) -> Any:
        """The class or function of `fairing_kfp.classic`."""
        found = importlib.import_module(f"fairing_kfp.classic.{self.module}")
        for part in self.name.split("."):
            found = getattr(found, part)
        return found


def read_calls() -> list[Call]:
    """All calls, in the order of the table."""
    calls, module = [], ""
    for line in (TESTS / "unit" / "classic" / "calls.txt").read_text().splitlines():
        if line.startswith("["):
            module = line.strip("[]")
        elif line and not line.startswith("#"):
            found = _LINE.fullmatch(line)
            assert found, line
            parts = [part.strip() for part in re.split(r",\s*(?![^\[]*\])", found["parameters"]) if part.strip()]
            unused = frozenset(part.partition("=")[0] for part in parts if part.endswith("!"))
            pairs = [part.rstrip("!").partition("=") for part in parts]
            parameters = {name: default for name, _, default in pairs}
            calls.append(Call(module, found["name"], parameters, unused, found["status"] or "works"))
    return calls


CALLS = read_calls()
