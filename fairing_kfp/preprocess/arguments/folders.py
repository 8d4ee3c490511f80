"""Which outputs of a script must be folders when it starts, read from how its source uses their paths."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fairing_kfp.preprocess.arguments.argument import PathUse, identifier
from fairing_kfp.preprocess.arguments.syntax import Syntax, keyword

_FOLDER_NAME = re.compile(r"(dir|folder|directory)_?$", re.IGNORECASE)
_SAME_PATH = ("str", "os.fspath", "os.path.abspath", "os.path.expanduser", "os.path.realpath", "pathlib.Path")
_SAME_PATH_METHODS = ("absolute", "expanduser", "resolve", "as_posix", "rstrip")
_MAKES = ("os.mkdir", "os.makedirs", "shutil.copytree")
_WRITES = ("open", "write_text", "write_bytes", "touch")
_ENDS = ("sys.exit", "exit", "quit", "os._exit")


def expects_folder(paths: PathUse, name: str) -> bool:
    """Whether the script expects that the folder of an output exists.

    It does if it uses the path as a folder, or if the name ends in `dir`, `folder` or `directory`; unless it makes the
    folder and would fail if it existed, or writes a file there.

    Args:
        paths: how the script uses paths.
        name: the argument's name as an input.
    """
    return name not in paths.taken and (name in paths.joined or bool(_FOLDER_NAME.search(name)))


def path_use(syntax: Syntax) -> PathUse:
    """Reads how a script uses the paths that its arguments name."""
    reader = _Reader(syntax)
    reader.visit(syntax.tree)
    return PathUse(frozenset(map(identifier, reader.joined)), frozenset(map(identifier, reader.taken)))


class _Reader(ast.NodeVisitor):
    """Collects the names of paths, which are those of variables and attributes: `model_dir` for `args.model_dir`."""

    def __init__(self, syntax: Syntax) -> None:
        self.joined: set[str] = set()
        self.taken: set[str] = set()
        self._syntax = syntax
        self._aliases: dict[str, str] = {}
        self._guarded = 0
        for node in ast.walk(syntax.tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = self._path(node.value)
                if name and name != node.targets[0].id:
                    self._aliases[node.targets[0].id] = name

    def visit_If(self, node: ast.If) -> None:
        tested = {name for call in _calls(node.test, "exists", "isdir", "is_dir") if (name := self._subject(call))}
        looks_inside = any(True for _ in _calls(node.test, "listdir", "iterdir", "glob", "scandir"))
        if tested and not looks_inside and any(map(self._gives_up, (*node.body, *node.orelse))):
            self.taken |= tested
        self._guarded += bool(tested)
        self.generic_visit(node)
        self._guarded -= bool(tested)

    def visit_Try(self, node: ast.Try) -> None:
        self._guarded += 1
        for part in node.body:
            self.visit(part)
        self._guarded -= 1
        for later in (*node.handlers, *node.orelse, *node.finalbody):
            self.visit(later)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        function, method = self._syntax.name(node.func), getattr(node.func, "attr", "")
        subject = self._subject(node)
        if function == "os.path.join" or method == "joinpath":
            self._join(node.args[0] if function == "os.path.join" and node.args else getattr(node.func, "value", None))
        elif function == "shutil.copytree":
            self._take(self._path(node.args[1]) if len(node.args) > 1 else "", node, "dirs_exist_ok")
        elif function in _MAKES or method == "mkdir":
            self._take(subject, node, "exist_ok")
        elif (function == "open" or method in _WRITES) and subject:
            self.taken.add(subject)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self.generic_visit(node)
        divides = isinstance(node.op, ast.Div) and self._is_path(node)
        if divides or (isinstance(node.op, ast.Add) and _starts_with_slash(node.right)):
            self._join(node.left)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self.generic_visit(node)
        first, second = [*node.values, None, None][:2]
        if isinstance(first, ast.FormattedValue) and second is not None and _starts_with_slash(second):
            self._join(first.value)

    def _join(self, node: ast.expr | None) -> None:
        if node is not None and (name := self._path(node)):
            self.joined.add(name)

    def _take(self, name: str, call: ast.Call, option: str) -> None:
        may_exist = keyword(call, option)
        if name and not self._guarded and (may_exist is None or getattr(may_exist, "value", None) is False):
            self.taken.add(name)

    def _gives_up(self, node: ast.stmt) -> bool:
        return isinstance(node, ast.Raise) or (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and self._syntax.name(node.value.func) in _ENDS
        )

    def _subject(self, call: ast.Call) -> str:
        """The path that a call is about: of a method its object, of a function its first argument."""
        function = self._syntax.name(call.func)
        is_function = function.startswith(("os.", "shutil.", "io.")) or (bool(function) and "." not in function)
        if isinstance(call.func, ast.Attribute) and not is_function:
            return self._path(call.func.value)
        return self._path(call.args[0]) if call.args else ""

    def _path(self, node: ast.expr) -> str:
        """The name of a path; empty for what is no plain path."""
        if isinstance(node, ast.Call):
            if self._syntax.name(node.func) in _SAME_PATH and len(node.args) == 1:
                return self._path(node.args[0])
            if isinstance(node.func, ast.Attribute) and node.func.attr in _SAME_PATH_METHODS:
                return self._path(node.func.value)
            return ""
        if isinstance(node, ast.Subscript):
            key = node.slice
            return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        seen = set()
        while name in self._aliases and name not in seen and isinstance(node, ast.Name):
            seen.add(name)
            name = self._aliases[name]
        return name

    def _is_path(self, node: ast.BinOp) -> bool:
        """Whether a division joins paths: one side is a path or text."""
        left, right = node.left, node.right
        is_text = isinstance(right, ast.JoinedStr) or isinstance(getattr(right, "value", None), str)
        return is_text or (isinstance(left, ast.Call) and self._syntax.name(left.func) == "pathlib.Path")


def _calls(node: ast.expr, *methods: str) -> Iterator[ast.Call]:
    """The calls in an expression of functions or methods with these names."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in methods:
            yield call


def _starts_with_slash(node: ast.expr) -> bool:
    while isinstance(node, ast.BinOp):
        node = node.left
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/")
