"""What names mean: the modules, classes and functions of Fairing that code binds them to, and where it uses them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fairing_kfp.migration.block import Block

FAIRING = "kubeflow.fairing"
OLD_FAIRING = "fairing"
"""The package before release 0.6."""

CLASSIC = "fairing_kfp.classic"
_PACKAGES = ("kubeflow", "fairing_kfp")
"""What names are taken for that nothing binds."""

_ROOTS = {*_PACKAGES, OLD_FAIRING}
_EXPORTED = {
    "backends.backends": "backends",
    "config.Config": "config",
    "config.config": "config",
    "ml_tasks.tasks.PredictionEndpoint": "PredictionEndpoint",
    "ml_tasks.tasks.TrainJob": "TrainJob",
}


def canonical(path: str) -> str:
    """The shorter of two paths of the same name, such as `backends.GKEBackend` for `backends.backends.GKEBackend`."""
    for home, exported in _EXPORTED.items():
        if path == home or path.startswith(f"{home}."):
            return exported + path[len(home) :]
    return path


@dataclass(frozen=True)
class _Binding:
    """An import or an assignment.

    Attributes:
        place: the cell and the line.
        dotted: what the name stands for from there on; for an instance, its class.
        is_instance: whether that is an instance.
    """

    place: tuple[int, int]
    dotted: str
    is_instance: bool = False


@dataclass
class Names:
    """The names that the code of a file binds to Fairing's package, modules, classes, functions and instances.

    Attributes:
        packages: the packages that are Fairing: `fairing` is not, if it is a module of the user's.
        attributes: the attributes of names that are used; empty for a name that is used on its own.
    """

    packages: tuple[str, ...]
    attributes: dict[str, set[str]] = field(default_factory=dict)
    _bindings: dict[str, list[_Binding]] = field(default_factory=dict)

    @classmethod
    def of(cls, blocks: Iterable[Block], has_old: bool) -> Names:
        """Reads imports and simple assignments, in any scope.

        Args:
            blocks: the code of a file.
            has_old: whether `fairing` is Fairing's package, and not a module of the user's.
        """
        names = cls((FAIRING, CLASSIC, OLD_FAIRING) if has_old else (FAIRING, CLASSIC))
        placed = [((block.cell, block.line(node)), node) for block in blocks for node in block.nodes]
        for place, node in placed:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.partition(".")[0]
                    names._bind(alias.asname or first, _Binding(place, alias.name if alias.asname else first))
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    names._bind(alias.asname or alias.name, _Binding(place, f"{node.module}.{alias.name}"))
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                names.attributes.setdefault(node.value.id, set()).add(node.attr)
        for name in _alone(node for _, node in placed):
            names.attributes.setdefault(name, set()).add("")
        for place, node in sorted(placed, key=lambda pair: pair[0]):
            if not isinstance(node, ast.Assign):
                continue
            dotted = names.resolve(node.value, place)
            for target in node.targets:
                if dotted and isinstance(target, ast.Name):
                    names._bind(target.id, _Binding(place, dotted, isinstance(node.value, ast.Call)))
        return names

    def _bind(self, name: str, binding: _Binding) -> None:
        if binding.dotted.partition(".")[0] in _ROOTS:
            bindings = self._bindings.setdefault(name, [])
            bindings.append(binding)
            bindings.sort(key=lambda one: one.place)

    def _binding(self, name: str, place: tuple[int, int]) -> _Binding | None:
        """The last binding of a name before a place, or the first one after it, as functions use what follows them."""
        bindings = self._bindings.get(name, [])
        before = [binding for binding in bindings if binding.place <= place]
        return before[-1] if before else bindings[0] if bindings else None

    def is_bound(self, name: str) -> bool:
        """Whether the file imports or assigns a name."""
        return name in self._bindings

    def resolve(self, node: ast.AST, place: tuple[int, int]) -> str | None:
        """The dotted path of an expression; None if it does not start with a name of these packages.

        An instance has the path of its class, as in `TrainJob(…).submit`.

        Args:
            node: the expression.
            place: its cell and line.
        """
        if isinstance(node, ast.Name):
            binding = self._binding(node.id, place)
            return binding.dotted if binding else node.id if node.id in _PACKAGES else None
        if isinstance(node, ast.Attribute):
            base = self.resolve(node.value, place)
            return f"{base}.{node.attr}" if base else None
        if isinstance(node, ast.Call):
            path = self.resolve(node.func, place)
            return path if path and path.rpartition(".")[2][:1].isupper() else None
        return None

    def below_fairing(self, dotted: str) -> str | None:
        """The path of a module or name below Fairing's package, or `classic`; None if it is elsewhere.

        Empty for the package itself.
        """
        for package in self.packages:
            if dotted == package or dotted.startswith(f"{package}."):
                return dotted[len(package) + 1 :]
        return None

    def imports(self, block: Block) -> Iterator[tuple[ast.AST, str]]:
        """What a block imports of Fairing's package, with the paths in it."""
        for node in block.nodes:
            dotted: list[str] = []
            if isinstance(node, ast.Import):
                dotted = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                dotted = [f"{node.module}.{alias.name}".removesuffix(".*") for alias in node.names]
            for path in map(self.below_fairing, dotted):
                if path:
                    yield node, canonical(path)

    def uses(self, block: Block) -> Iterator[tuple[ast.expr, str]]:
        """The longest expressions of a block that name something in Fairing's package, with their paths in it."""
        inner = {id(node.value) for node in block.nodes if isinstance(node, ast.Attribute)}
        for node in block.nodes:
            if (
                not isinstance(node, (ast.Name, ast.Attribute))
                or id(node) in inner
                or not isinstance(node.ctx, ast.Load)
            ):
                continue
            place = (block.cell, block.line(node))
            binding = self._binding(node.id, place) if isinstance(node, ast.Name) else None
            dotted = None if binding and binding.is_instance else self.resolve(node, place)
            if dotted and (path := self.below_fairing(dotted)):
                yield node, canonical(path)


def _alone(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that are used, or deleted, without an attribute."""
    found = list(nodes)
    inner = {id(node.value) for node in found if isinstance(node, ast.Attribute)}
    names = (node for node in found if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store))
    return {node.id for node in names if id(node) not in inner}
