"""Which modules are the user's own, and the files they travel as.

A module is *installed* when it is part of Python or lies in a site directory: the image or its dependencies hold it.
Every other module is the user's own. An own module travels as a file under its importable name, with all that it
imports; but a *pipeline file* (one that imports fairing_kfp), a notebook and `__main__` cannot be imported in a step,
so that what a step needs of them is pickled by value.
"""

from __future__ import annotations

import ast
import importlib.machinery
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from fairing_kfp.errors import ModuleNotPackedError
from fairing_kfp.preprocess.installed import is_installed
from fairing_kfp.preprocess.portable_code import resolve

_NEVER_OWN = {"fairing_kfp", "kfp"}
_LEFT_OUT = {"__pycache__", "node_modules"}
_SECRET_FILES = {".pem", ".key", ".p12", ".pfx"}


@dataclass(frozen=True)
class OwnModule:
    """An importable module of the user's.

    Attributes:
        name: its dotted name.
        path: its file; None for a namespace package.
        folder: the folder of a package, None for a plain module.
    """

    name: str
    path: Path | None
    folder: Path | None

    @property
    def place(self) -> str:
        """Its file's place below a folder of `sys.path`."""
        stem = self.name.replace(".", "/")
        return f"{stem}/__init__.py" if self.folder else f"{stem}.py"


def canonical_name(name: str, file: str | None) -> str:
    """The name a module is imported under, whether it is imported or run as a script.

    Args:
        name: `__name__`.
        file: `__file__`, None in a notebook or a REPL.
    """
    if file is None or not file.endswith(".py"):
        return name
    path = Path(file).resolve()
    if name != "__main__" and is_installed(path):
        return name
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts) or name


def import_root(file: Path) -> Path:
    """The folder that must be on `sys.path` for a file to be importable under its canonical name."""
    folder = file.resolve().parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        folder = folder.parent
    return folder


@lru_cache(maxsize=4096)
def _find(name: str, roots: tuple[str, ...]) -> importlib.machinery.ModuleSpec | None:
    """The spec of a module, found without importing anything."""
    search: list[str] | None = list(roots)
    spec = None
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        if search is None:
            return None
        dotted = ".".join(parts[:depth])
        try:
            spec = importlib.machinery.PathFinder.find_spec(dotted, search)
        except (ImportError, ValueError):
            return None
        if spec is None:
            return None
        search = list(spec.submodule_search_locations) if spec.submodule_search_locations is not None else None
    return spec


def find_own(name: str) -> OwnModule | None:
    """The user's own module of this name; None when it is installed, built in, or not there at all.

    Raises:
        ModuleNotPackedError: it is a compiled extension.
    """
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top in _NEVER_OWN or name == "__main__":
        return None
    spec = _find(name, tuple(sys.path))
    if spec is None:
        return None
    places = spec.submodule_search_locations
    if spec.origin is None or not spec.has_location:
        folders = [Path(place) for place in places or ()]
        own = [folder for folder in folders if not is_installed(folder)]
        return OwnModule(name, None, own[0]) if own else None
    path = Path(spec.origin)
    if is_installed(path):
        return None
    if path.suffix != ".py":
        raise ModuleNotPackedError(
            f"the own module {name} is a compiled extension ({path.name}), which fits one platform only",
            "build it as a wheel and name it in packages=",
        )
    return OwnModule(name, path, path.parent if places is not None else None)


def imports_of(path: Path, name: str, is_package: bool) -> Iterator[str]:
    """The absolute names that a file imports, anywhere in it; `from a import b` gives both `a` and `a.b`."""
    yield from _imports(path, path.stat().st_mtime_ns, name, is_package)


@lru_cache(maxsize=1024)
def _imports(path: Path, modified: int, name: str, is_package: bool) -> tuple[str, ...]:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        raise ModuleNotPackedError(f"the own module {name} is not valid Python: {error}", f"mend {path}") from error
    package = name if is_package else name.rpartition(".")[0]
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(dict.fromkeys(alias.name for alias in node.names))
        elif isinstance(node, ast.ImportFrom):
            base = resolve(node.module or "", node.level, package)
            names[base] = None
            names.update(dict.fromkeys(f"{base}.{alias.name}" for alias in node.names))
    return tuple(names)


def is_pipeline_file(path: Path) -> bool:
    """Whether a file defines components or pipelines, which a step cannot import: it imports fairing_kfp."""
    return any(name.partition(".")[0] == "fairing_kfp" for name in imports_of(path, "", False))


def is_by_value(name: str) -> bool:
    """Whether what a module defines is pickled by value, because no step could import the module."""
    if name == "__main__":
        return True
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if file is None:  # a notebook, a REPL, or a module made by hand; but not one that is built in or frozen
        return getattr(module, "__spec__", None) is None and name not in sys.builtin_module_names
    path = Path(file)
    return (
        path.suffix == ".py"
        and path.is_file()
        and not is_installed(path)
        and is_pipeline_file(path)
        and (name.partition(".")[0] not in _NEVER_OWN)
    )


@dataclass
class OwnModules:
    """A growing set of own modules, closed under their imports."""

    files: dict[str, Path] = field(default_factory=dict)

    def add(self, name: str) -> None:
        """Adds a module, its packages and all own modules they import; nothing when it is not the user's own."""
        own = find_own(name)
        if own is None or own.place in self.files:
            return
        if own.path is not None and is_pipeline_file(own.path):
            return
        if "." in name:
            self.add(name.rpartition(".")[0])
        if own.path is not None:
            self.files[own.place] = own.path
            for imported in imports_of(own.path, name, own.folder is not None):
                self._add_import(imported, own)

    def _add_import(self, name: str, importer: OwnModule) -> None:
        found = find_own(name)
        if found and found.path and found.folder is None and is_pipeline_file(found.path):
            raise ModuleNotPackedError(
                f"the own module {importer.name} imports {name}, which imports fairing_kfp, "
                f"so that no step can import it",
                f"move what {importer.name} needs of {name} to a module that does not import fairing_kfp",
            )
        self.add(name)

    def add_imports_of(self, path: Path, name: str) -> None:
        """Adds what a pipeline file imports, so that what one step pickles loads in the next."""
        for imported in imports_of(path, name, path.stem == "__init__"):
            self.add(imported)

    def add_whole(self, names: Iterable[str]) -> None:
        """Adds modules that the user named, packages with all that is in their folders.

        Raises:
            ModuleNotPackedError: there is no such module.
        """
        for name in names:
            spec = _find(name, tuple(sys.path))
            if spec is None or (spec.origin is None and not spec.submodule_search_locations):
                raise ModuleNotPackedError(
                    f"the module {name} of modules= cannot be found",
                    "name it as it is imported, and run from where it can be imported",
                )
            stem = name.replace(".", "/")
            if spec.submodule_search_locations:
                for folder in map(Path, spec.submodule_search_locations):
                    self.files.update({f"{stem}/{place}": path for place, path in _files_below(folder)})
            elif spec.origin:
                path = Path(spec.origin)
                self.files[f"{stem}{path.suffix}"] = path
            if "." in name:
                self.add(name.rpartition(".")[0])


def _files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") or part in _LEFT_OUT for part in inside.parts)
        if path.is_file() and not hidden and path.suffix not in {".pyc", *_SECRET_FILES}:
            yield inside.as_posix(), path
