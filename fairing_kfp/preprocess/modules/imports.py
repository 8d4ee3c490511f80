"""The imports of a program, read from its syntax tree without running it."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator

from fairing_kfp.frozen import dataclass


@dataclass(frozen=True)
class Import:
    """One name of an import statement.

    Attributes:
        module: the module as it is written; empty for `from . import name`.
        level: the number of leading dots.
        name: the name that is imported from the module; empty for `import module`.
        alias: the name after `as`; empty without it.
        is_optional: whether the import may fail: inside `try … except`, or below `if TYPE_CHECKING`.
    """

    module: str
    level: int = 0
    name: str = ""
    alias: str = ""
    is_optional: bool = False

    @property
    def local_name(self) -> str:
        """The name that the statement binds."""
        return self.alias or self.name or self.module.partition(".")[0]

    @property
    def target(self) -> str:
        """The dotted name that the local name stands for; relative to the package if `level` is not 0."""
        if self.name:
            return f"{self.module}.{self.name}"
        return self.module if self.alias else self.local_name

    def absolute(self, package: str) -> tuple[str, ...]:
        """The absolute names of possible modules: `from a import b` gives both `a` and `a.b`.

        Args:
            package: the package of the importing module.
        """
        module = resolve(self.module, self.level, package)
        return (module, f"{module}.{self.name}") if self.name else (module,)


def imports_in(tree: ast.AST) -> Iterator[Import]:
    """The imports anywhere in a tree, in the order of `ast.walk`."""
    pending = deque([(tree, False)])
    while pending:
        node, is_optional = pending.popleft()
        if isinstance(node, ast.Import):
            yield from (Import(one.name, 0, "", one.asname or "", is_optional) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield from (Import(module, node.level, one.name, one.asname or "", is_optional) for one in node.names)
        else:
            may_fail = {id(child) for child in _may_fail(node)}
            pending += (
                (child, is_optional or id(child) in may_fail)
                for child in ast.iter_child_nodes(node)
                if not isinstance(child, ast.expr)  # no expression contains a statement
            )


def _may_fail(node: ast.AST) -> Iterable[ast.AST]:
    """The parts of a statement whose imports may fail."""
    if isinstance(node, ast.Try) and node.handlers:
        return (*node.body, *node.handlers)
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        return node.body
    return ()


def absolute_names(imports: Iterable[Import], package: str) -> tuple[str, ...]:
    """The absolute names of possible modules, each once, in order of first appearance.

    Args:
        imports: the imports of a module.
        package: the package of that module.
    """
    return tuple(dict.fromkeys(name for one in imports for name in one.absolute(package)))


def resolve(name: str, level: int, package: str) -> str:
    """The absolute name of a relative import: `importlib.util.resolve_name` without its errors."""
    if not level:
        return name
    base = package.split(".")
    kept = base[: len(base) - level + 1]
    return ".".join([*kept, name] if name else kept)
