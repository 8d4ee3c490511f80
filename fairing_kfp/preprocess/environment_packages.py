"""The distributions of this environment that a step's code imports, at the versions installed here."""

from __future__ import annotations

import ast
import importlib.metadata
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from packaging.utils import canonicalize_name

from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.modules import is_own
from fairing_kfp.preprocess.places import CODE

_OF_THE_RUNTIME = {"fairing_kfp", "kfp"}  # a step's artifacts and annotations, for which its runtime has what it needs
_FILES = f"{CODE}/files/"


def installed_pins(bundle: Bundle) -> list[str]:
    """Pins of the distributions that the code imports, its own modules' imports followed.

    Raises:
        DependencyError: something that is imported is not installed here.
    """
    providers = importlib.metadata.packages_distributions()
    pins: set[str] = set()
    for name in sorted(_imported(bundle)):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in _OF_THE_RUNTIME or top == "__main__" or is_own(name):
            continue
        found = _distributions(name, providers.get(top, ()))
        if found:
            pins.update(f"{canonicalize_name(d.metadata['Name'])}=={d.version}" for d in found)
        elif top not in providers and not _is_optional(name, bundle):
            raise DependencyError(
                f'{bundle.name}: packages="environment", but {top}, which its code imports, is not installed here',
                "install it, or give the packages as a list; an own module is put where it can be imported",
            )
    return sorted(pins)


def _imported(bundle: Bundle) -> set[str]:
    """The modules that are imported by the function, its own modules, and scripts that travel as files."""
    found = set(bundle.imports)
    beside = {part for path in _scripts(bundle) for part in (*path.parts[:-1], path.stem)}
    for file in bundle.files:
        if file.path.startswith(_FILES) and file.path.endswith(".py"):
            found.update(name for name, _ in _imports(file.data) if name.partition(".")[0] not in beside)
    return found


def _scripts(bundle: Bundle) -> Iterator[PurePosixPath]:
    for file in bundle.files:
        if file.path.startswith(_FILES) and file.path.endswith(".py"):
            yield PurePosixPath(file.path.removeprefix(_FILES))


def _distributions(name: str, providers: Iterable[str]) -> list[importlib.metadata.Distribution]:
    """The distributions that bring a module; of those that share a namespace, the ones that have the module itself."""
    found = [importlib.metadata.distribution(provider) for provider in sorted(set(providers))]
    if len(found) < 2:
        return found
    parts = name.split(".")
    for depth in range(len(parts), 0, -1):
        places = defaultdict(list)
        inside = "/".join(parts[:depth])
        for distribution in found:
            for path in distribution.files or ():
                if str(path) in (f"{inside}.py", f"{inside}/__init__.py") or _is_extension(str(path), inside):
                    places[distribution.metadata["Name"]].append(distribution)
                    break
        if places:
            return [distributions[0] for distributions in places.values()]
    return []  # a namespace itself, which is nobody's


def _is_extension(path: str, inside: str) -> bool:
    return path.startswith(f"{inside}.") and path.endswith((".so", ".pyd"))


def _is_optional(name: str, bundle: Bundle) -> bool:
    """Whether every import of a module may fail: it stands in a `try`, or below `if TYPE_CHECKING`."""
    top = name.partition(".")[0]
    guards = [
        guarded
        for file in bundle.files
        if file.path.endswith(".py")
        for imported, guarded in _imports(file.data)
        if imported.partition(".")[0] == top
    ]
    return bool(guards) and all(guards)


def _imports(content: bytes) -> Iterator[tuple[str, bool]]:
    """The absolute names that a file or a function's text imports, and whether the import may fail."""
    try:
        tree = ast.parse(textwrap.dedent(content.decode()))
    except (SyntaxError, ValueError):  # for another Python, or part of a statement
        return
    pending: list[tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, guarded = pending.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name, guarded) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module, guarded
            yield from ((f"{node.module}.{alias.name}", guarded) for alias in node.names)
        elif isinstance(node, ast.Try):
            pending += [(child, guarded or bool(node.handlers)) for child in node.body]
            rest = [*node.handlers, *node.orelse, *node.finalbody]
            pending += [(child, guarded or child in node.handlers) for child in rest]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending += [(child, True) for child in node.body]
            pending += [(child, guarded) for child in node.orelse]
        else:
            pending += [(child, guarded) for child in ast.iter_child_nodes(node)]
