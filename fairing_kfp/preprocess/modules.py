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
from fairing_kfp.preprocess.code_names import resolve
from fairing_kfp.preprocess.installed import is_installed

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


def _find(name: str) -> importlib.machinery.ModuleSpec | None:
    """The spec of a module: of the one that was imported, else found without importing anything."""
    search: list[str] | None = None
    spec = None
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        dotted = ".".join(parts[:depth])
        imported = getattr(sys.modules.get(dotted), "__spec__", None)
        spec = imported if imported is not None and imported.name == dotted else _first_spec(dotted, search)
        if spec is None:
            return None
        search = list(spec.submodule_search_locations) if spec.submodule_search_locations is not None else []
    return spec


def _first_spec(dotted: str, search: list[str] | None) -> importlib.machinery.ModuleSpec | None:
    """What the first finder says: Python's own for `sys.path`, or that of an editable installation."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        try:
            spec: importlib.machinery.ModuleSpec | None = find(dotted, search) if find else None
        except (ImportError, ValueError, AttributeError):
            continue
        except KeyError:  # Python wants the namespace around a namespace to be imported
            spec = importlib.machinery.ModuleSpec(dotted, None, is_package=True)
            last = dotted.rpartition(".")[2]
            spec.submodule_search_locations = [str(Path(place, last)) for place in search or () if place]
        if spec is not None:
            return spec
    return None


def find_own(name: str) -> OwnModule | None:
    """The user's own module of this name; None when it is installed, built in, or not there at all.

    Raises:
        ModuleNotPackedError: it is a compiled extension, or lies in an archive.
    """
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top in _NEVER_OWN or name == "__main__":
        return None
    spec = _find(name)
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
    if path.suffix not in (".py", ".pyc", ".zip"):
        raise ModuleNotPackedError(
            f"the own module {name} is a compiled extension ({path.name}), which fits one platform only",
            "build it as a wheel and name it in packages=",
        )
    if path.suffix != ".py" or not path.is_file():
        raise ModuleNotPackedError(
            f"the own module {name} cannot be read as a file ({path})", "keep it as a .py file in a folder"
        )
    return OwnModule(name, path, path.parent if places is not None else None)


def is_own(name: str) -> bool:
    """Whether a module is the user's own and can travel as a file."""
    try:
        return find_own(name) is not None
    except ModuleNotPackedError:
        return True


def imports_of(path: Path, name: str, is_package: bool) -> Iterator[str]:
    """The absolute names that a file imports, anywhere in it; `from a import b` gives both `a` and `a.b`."""
    yield from _imports(path, path.stat().st_mtime_ns, name, is_package)


@lru_cache(maxsize=1024)
def _imports(path: Path, modified: int, name: str, is_package: bool) -> tuple[str, ...]:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        raise ModuleNotPackedError(
            f"the own module {name or path.stem} is not valid Python: {error}", f"mend {path}"
        ) from error
    return imported_names(tree, name if is_package else name.rpartition(".")[0])


def imported_names(tree: ast.AST, package: str) -> tuple[str, ...]:
    """The absolute names that a module of a package imports, anywhere in it."""
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
    if name not in sys.modules:
        return False
    module = sys.modules[name]
    file = getattr(module, "__file__", None)
    if file is None:  # a notebook, a REPL, or a module made by hand; but not one that is built in or frozen
        return getattr(module, "__spec__", None) is None and name not in sys.builtin_module_names
    path = Path(file)
    return (
        path.suffix == ".py"
        and not is_installed(path)
        and name.partition(".")[0] not in _NEVER_OWN
        and path.is_file()
        and is_pipeline_file(path)
    )


@dataclass
class OwnModules:
    """A growing set of own modules, closed under their imports.

    Attributes:
        files: their files by their places.
        foreign: the other modules that the step's code and its own modules import.
    """

    files: dict[str, Path] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)

    def add(self, name: str) -> None:
        """Adds a module, its packages and all own modules they import; nothing when it is not the user's own."""
        if name in self._seen:
            return
        self._seen.add(name)
        own = find_own(name)
        if own is None:
            self.foreign.add(name)
            return
        if own.place in self.files:
            return
        if own.path is not None and is_pipeline_file(own.path):
            return
        if "." in name:
            self.add(name.rpartition(".")[0])
        if own.path is not None:
            self.files[own.place] = own.path
            for imported in imports_of(own.path, name, own.folder is not None):
                self._add_import(imported, own)

    def place_of(self, name: str, file: str) -> str:
        """Where a step finds the file of an own module, below the folder of its code; empty for all other modules."""
        own = find_own(name)
        return f"modules/{own.place}" if own and own.path and own.path.samefile(file) else ""

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
            if imported in self._seen or find_own(imported) is not None:
                self.add(imported)

    def add_whole(self, names: Iterable[str]) -> None:
        """Adds modules that the user named, packages with all that is in their folders.

        Raises:
            ModuleNotPackedError: there is no such module.
        """
        for name in names:
            spec = _find(name)
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
