"""Imports of Fairing → imports of `fairing_kfp.classic`.

Edits replace single names, so that comments, line breaks and spaces stay: `kubeflow` becomes `fairing_kfp`, and
`fairing` becomes `classic`. A statement is added only where `from kubeflow import …` imports other packages as well.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from fairing_kfp.migration.block import Block
from fairing_kfp.migration.edit import Edit
from fairing_kfp.migration.names import CLASSIC, FAIRING, OLD_FAIRING, Names

_GAP = r"(?:[ \t\f]|\\\r?\n)*"
_FAIRING = re.compile(rf"(kubeflow){_GAP}\.{_GAP}(fairing)\b")
_OLD_FAIRING = re.compile(r"()(fairing)\b")
_NAMED = re.compile(r"\bkubeflow\.fairing\b")
_LITERAL = re.compile(r"""[rRbBuUfF]{0,2}(?:'''|\"""|'|")""")
_IMPORTERS = {"import_module", "find_spec", "patch", "run_module", "resolve_name"}
"""Functions whose arguments are names of modules."""

_OLD_MODULES = {
    *("backends", "builders", "cloud", "config", "constants", "deployers", "frameworks", "functions", "http_utils"),
    *("kubernetes", "ml_tasks", "notebook", "preprocessors", "runtime_config", "utils"),
    *("TrainJob", "PredictionEndpoint"),
}
"""What the package `fairing` of release 0.5 has. Earlier releases have other modules, without successors."""


@dataclass(frozen=True)
class Note:
    """Something to look at.

    Attributes:
        line: the line in the script or cell.
        cell: the cell's number; 0 in a script.
        text: what it is.
    """

    line: int
    cell: int
    text: str


def rewrite(block: Block, names: Names) -> Rewrite:
    """Finds the edits of a block.

    Args:
        block: the code.
        names: what the names of its file mean.
    """
    made = Rewrite(block, names)
    made.run()
    return made


@dataclass
class Rewrite:
    """The edits of a block.

    Attributes:
        block: the block.
        names: what the names of the file mean.
        edits: the edits.
        notes: what is not edited, although it mentions Fairing.
        imports: the number of imports that are edited.
    """

    block: Block
    names: Names
    edits: list[Edit] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    imports: int = 0

    @property
    def _has_old(self) -> bool:
        return OLD_FAIRING in self.names.packages

    def run(self) -> None:
        """Finds the edits."""
        done: set[int] = set()
        for node in self.block.nodes:
            count = len(self.edits)
            if isinstance(node, ast.Import):
                self._import(node)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                self._import_from(node)
            elif isinstance(node, ast.Attribute):
                self._attribute(node)
                continue
            elif isinstance(node, ast.Call) and _last_name(node.func) in _IMPORTERS:
                for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                    self._string(_leftmost(argument), done)
            self.imports += len(self.edits) > count
        self._note_strings(done)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            if self._is_fairing(alias.name, node):
                self._replace(alias, _FAIRING)
                if not alias.asname and self._uses_others("kubeflow"):
                    self._insert(alias, "kubeflow, ")
            elif self._is_old(alias.name, node):
                is_package = alias.name == OLD_FAIRING
                self._replace(alias, _OLD_FAIRING)
                if not alias.asname:
                    self._insert_after(alias, " as fairing" if is_package else f", {CLASSIC} as fairing")
            elif alias.name == "kubeflow" and self._uses_fairing(name := alias.asname or "kubeflow"):
                if self._uses_others(name):
                    self._insert_after(alias, f", {CLASSIC}")
                else:
                    self._replace_node(alias, CLASSIC)

    def _import_from(self, node: ast.ImportFrom) -> None:
        if self._is_fairing(str(node.module), node):
            self._replace(node, re.compile(rf"from{_GAP}{_FAIRING.pattern}"))
        elif node.module == "kubeflow":
            self._import_package(node)
        elif self._is_old(str(node.module), node) and self._are_known(node):
            self._replace(node, re.compile(rf"from{_GAP}{_OLD_FAIRING.pattern}"))

    def _are_known(self, node: ast.ImportFrom) -> bool:
        """Whether release 0.5 has the names that `from fairing import …` imports."""
        unknown = [alias.name for alias in node.names if alias.name not in {*_OLD_MODULES, "*"}]
        if node.module != OLD_FAIRING or not unknown:
            return True
        self._note(node, f"fairing.{unknown[0]} is not in Fairing 0.5 or later: it has no successor of that name")
        return False

    def _import_package(self, node: ast.ImportFrom) -> None:
        """`from kubeflow import fairing`, also with other packages of that name space."""
        ours = [alias for alias in node.names if alias.name == "fairing"]
        others = [alias for alias in node.names if alias.name != "fairing"]
        if not ours:
            return
        bound = [f"classic as {alias.asname or 'fairing'}" for alias in ours]
        if not others:
            self._replace(node, re.compile(rf"from{_GAP}(kubeflow)()"))
            for alias, text in zip(ours, bound, strict=True):
                self._replace_node(alias, text if not alias.asname else None)
            return
        self._add_before(node, f"from fairing_kfp import {', '.join(bound)}")
        at = node.names.index(others[-1])
        for alias, following in zip(node.names[:at], node.names[1 : at + 1], strict=True):
            if alias in ours:
                self._edit(self.block.start(alias), self.block.start(following), "")
        self._edit(self.block.end(others[-1]), self.block.end(node.names[-1]), "")

    def _attribute(self, node: ast.Attribute) -> None:
        """`kubeflow.fairing` in an expression."""
        if node.attr != "fairing" or not isinstance(node.value, ast.Name):
            return
        if self.names.resolve(node.value, (self.block.cell, self.block.line(node))) == "kubeflow":
            end = self.block.end(node)
            if (
                end is None
                or self.block.source(node.value) != node.value.id
                or self.block.text[end - 7 : end] != "fairing"
            ):
                self._note(node, "kubeflow.fairing stays as it is in this f-string or magic")  # its position is unknown
                return
            self._replace_node(node.value, "fairing_kfp")
            self._edit(end - len("fairing"), end, "classic")

    def _string(self, node: ast.expr, done: set[int]) -> None:
        """The name of a module in a string, which may be the start of an f-string."""
        text, start = self.block.source(node), self.block.start(node)
        opening = _LITERAL.match(text)
        if not isinstance(node, (ast.Constant, ast.JoinedStr)) or not opening or start is None:
            return
        pattern = _FAIRING
        if self._has_old and not pattern.match(text, opening.end()):
            pattern = re.compile(rf"{_OLD_FAIRING.pattern}(?=\.({'|'.join(_OLD_MODULES)})\b|[\"'])")
        if found := pattern.match(text, opening.end()):
            done.update(id(child) for child in ast.walk(node))
            self._edit_match(found, start)

    def _note_strings(self, done: set[int]) -> None:
        documentation = {id(node.value) for node in self.block.nodes if isinstance(node, ast.Expr)}
        for node in self.block.nodes:
            if not isinstance(node, ast.Constant) or id(node) in done | documentation:
                continue
            if isinstance(node.value, str) and _NAMED.search(node.value):
                self._note(node, "a string names kubeflow.fairing, and stays as it is")

    def _is_fairing(self, module: str, node: ast.AST) -> bool:
        return (module == FAIRING or module.startswith(f"{FAIRING}.")) and self.block.start(node) is not None

    def _is_old(self, module: str, node: ast.AST) -> bool:
        """Whether a module is of the package `fairing` of release 0.5."""
        package, _, rest = module.partition(".")
        if package != OLD_FAIRING or self.block.start(node) is None:
            return False
        if not self._has_old:
            self._note(node, f"{module} is a module of yours, and stays as it is")
        elif rest and rest.partition(".")[0] not in _OLD_MODULES:
            self._note(node, f"{module} is not in Fairing 0.5 or later: it has no successor of that name")
        else:
            return True
        return False

    def _uses_fairing(self, name: str) -> bool:
        return "fairing" in self.names.attributes.get(name, ())

    def _uses_others(self, name: str) -> bool:
        """Whether a name is used on its own, or other packages than Fairing as its attributes."""
        return bool(self.names.attributes.get(name, set()) - {"fairing"})

    def _replace(self, node: ast.AST, pattern: re.Pattern[str]) -> None:
        """Replaces the two groups of a pattern by `fairing_kfp` and `classic`, or an empty first one by both."""
        start = self.block.start(node)
        if start is not None and (found := pattern.match(self.block.source(node))):
            self._edit_match(found, start)

    def _edit_match(self, found: re.Match[str], start: int) -> None:
        if found[1]:
            self.edits.append(Edit(start + found.start(1), start + found.end(1), "fairing_kfp"))
        if found[2]:
            text = "classic" if found[1] else CLASSIC
            self.edits.append(Edit(start + found.start(2), start + found.end(2), text))

    def _replace_node(self, node: ast.AST, text: str | None) -> None:
        """Replaces a node, or the name `fairing` at its start by `classic`."""
        start = self.block.start(node)
        if text:
            self._edit(start, self.block.end(node), text)
        elif start is not None:
            self._edit(start, start + len("fairing"), "classic")

    def _insert(self, node: ast.AST, text: str) -> None:
        start = self.block.start(node)
        self._edit(start, start, text)

    def _insert_after(self, node: ast.AST, text: str) -> None:
        end = self.block.end(node)
        self._edit(end, end, text)

    def _edit(self, start: int | None, end: int | None, text: str) -> None:
        if start is not None and end is not None and (start < end or text):
            self.edits.append(Edit(start, end, text))

    def _add_before(self, node: ast.stmt, statement: str) -> None:
        """Adds a statement on a line of its own, or before a semicolon if the line has other code before it."""
        start = self.block.start(node)
        if start is None:
            return
        line = self.block.lines[node.lineno - 1]
        before = self.block.text[line.start : start]
        ends = re.search(r"\r\n|\r|\n", self.block.text[line.start :])
        continues = self.block.text[: line.start].rstrip("\r\n").endswith("\\")
        between = "; " if before.strip() or continues else f"{ends[0] if ends else chr(10)}{before}"
        self._edit(start, start, f"{statement}{between}")

    def _note(self, node: ast.AST, text: str) -> None:
        self.notes.append(Note(self.block.line(node), self.block.cell, text))


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _leftmost(node: ast.expr) -> ast.expr:
    """The string that an expression starts with: `"a" + b`, `"a" % b`, `"a".format(b)`."""
    while True:
        if isinstance(node, ast.BinOp):
            node = node.left
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func.value
        else:
            return node
