"""`packages="environment"`: the installed distributions that a step's code imports, at their installed versions."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from fairing_kfp.dependencies.package_format import PackageFormat, PackageOptions
from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.image_paths import WORKING
from fairing_kfp.preprocess.modules.imports import imports_in
from fairing_kfp.preprocess.modules.own import is_own

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_IN_RUNTIME_LAYER = {"fairing_kfp", "kfp"}
_FILES = f"{WORKING}/"


def installed_pins(bundle: Bundle) -> list[str]:
    """Pins of the distributions that the code and its own modules import.

    Raises:
        DependencyError: an imported module is not installed.
    """
    providers = _providers()
    pins: set[str] = set()
    left_out = {"__main__", *_IN_RUNTIME_LAYER, *_replaced(bundle)}
    for name in sorted(_imported_modules(bundle)):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in left_out or is_own(name):
            continue
        found = _distributions(name, providers.get(top, ()))
        if found:
            pins.update(f"{canonicalize_name(one.metadata['Name'])}=={one.version}" for one in found)
        elif top not in providers and not _is_optional(name, bundle):
            raise DependencyError(
                f'{bundle.name}: packages="environment", but {top}, which its code imports, is not installed',
                "install it, list the packages instead, or put an own module on the import path",
            )
    return sorted(pins)


def _read(options: PackageOptions) -> Requirements:
    return Requirements.parse(installed_pins(options.bundle))


FORMAT = PackageFormat(example='"environment"', matches=lambda packages: packages == "environment", read=_read)
"""The keyword `environment`."""


def _imported_modules(bundle: Bundle) -> set[str]:
    """The modules imported by the function, by its own modules, and by shipped scripts."""
    found = set(bundle.imports)
    shipped = {part for path in _scripts(bundle) for part in (*path.parts[:-1], path.stem)}
    for file in bundle.files:
        if file.path.startswith(_FILES) and file.path.endswith(".py"):
            found.update(name for name, _ in _imports(file.data) if name.partition(".")[0] not in shipped)
    return found


def _replaced(bundle: Bundle) -> set[str]:
    """The modules that a notebook as code does not need, since it contains a replacement."""
    from fairing_kfp.preprocess.notebooks.script import STAND_IN

    return {"IPython"} if any(file.path == f"{_FILES}{STAND_IN}.py" for file in bundle.files) else set()


def _scripts(bundle: Bundle) -> Iterator[PurePosixPath]:
    for file in bundle.files:
        if file.path.startswith(_FILES) and file.path.endswith(".py"):
            yield PurePosixPath(file.path.removeprefix(_FILES))


def _providers() -> Mapping[str, Sequence[str]]:
    """The names of the distributions that install each top-level module."""
    import importlib.metadata  # slow to import, and few components use this format

    if sys.version_info >= (3, 11):
        return importlib.metadata.packages_distributions()
    # Python 3.10 knows only distributions with top_level.txt, which most build tools no longer write.
    found: dict[str, list[str]] = defaultdict(list)
    for distribution in importlib.metadata.distributions():
        declared = (distribution.read_text("top_level.txt") or "").split()
        for top in declared or {_top_level(file) for file in distribution.files or ()} - {""}:
            found[top].append(distribution.metadata["Name"])
    return found


def _top_level(file: PurePosixPath) -> str:
    """The top-level module that contains a file of a distribution; empty for other files."""
    name = inspect.getmodulename(file.name) if len(file.parts) == 1 else file.parts[0]
    return name if name and name.isidentifier() and (len(file.parts) == 1 or file.suffix) else ""


def _distributions(name: str, providers: Iterable[str]) -> list[Distribution]:
    """The distributions that provide a module; if they share a namespace, those that contain the module itself."""
    from importlib.metadata import distribution as installed

    found = [installed(provider) for provider in sorted(set(providers))]
    if len(found) < 2:
        return found
    parts = name.split(".")
    for depth in range(len(parts), 0, -1):
        matches = defaultdict(list)
        module = "/".join(parts[:depth])
        for distribution in found:
            for path in distribution.files or ():
                if str(path) in (f"{module}.py", f"{module}/__init__.py") or _is_extension(str(path), module):
                    matches[distribution.metadata["Name"]].append(distribution)
                    break
        if matches:
            return [distributions[0] for distributions in matches.values()]
    return []  # the namespace itself belongs to none


def _is_extension(path: str, module: str) -> bool:
    return path.startswith(f"{module}.") and path.endswith((".so", ".pyd"))


def _is_optional(name: str, bundle: Bundle) -> bool:
    """Whether every import of a module may fail: it is in a `try`, or below `if TYPE_CHECKING`."""
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
    """The absolute names that a source text imports, each with whether the import may fail."""
    try:
        tree = ast.parse(textwrap.dedent(content.decode()))
    except (SyntaxError, ValueError):  # written for another Python, or part of a statement
        return
    for one in imports_in(tree):
        if not one.level:
            yield from ((name, one.is_optional) for name in one.absolute(""))
