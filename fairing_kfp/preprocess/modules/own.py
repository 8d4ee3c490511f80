"""Own modules: the user's modules, and the files that they are packed as.

A module is *installed* if it is part of Python or in a site directory: the image or its packages contain it. All other
modules are the user's own. An own module is packed as a file under its importable name, with the own modules that it
imports. A step cannot import `__main__`, a notebook or a *pipeline file* (one that imports fairing_kfp); functions and
classes from those are pickled by value.
"""

from __future__ import annotations

import os
import site
import stat
import sys
import sysconfig
from functools import cache, lru_cache
from pathlib import Path

from fairing_kfp.errors import ModuleNotPackedError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.modules.file_imports import file_imports
from fairing_kfp.preprocess.modules.imports import absolute_names
from fairing_kfp.preprocess.modules.specs import find_spec, python_spec

NEVER_OWN = {"fairing_kfp", "kfp"}
"""Packages whose modules are never the user's, even if they are not installed in a site directory."""

_SITE_NAMES = ("site-packages", "dist-packages")


@cache
def _library_folders() -> tuple[str, ...]:
    names = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    names |= {*site.getsitepackages(), site.getusersitepackages()}
    return tuple(os.path.realpath(name) + os.sep for name in names if name)


@lru_cache(maxsize=1024)
def _real_folder(folder: str) -> str:
    """The real path of a folder. It takes a system call for each part, and the files of a folder share it."""
    return os.path.realpath(folder)


@lru_cache(maxsize=4096)
def is_installed(path: str | Path) -> bool:
    """Whether a file or folder belongs to Python or to an installed distribution."""
    folder, name = os.path.split(path)
    try:
        is_plain = folder.startswith(os.sep) and name not in ("", "..") and not stat.S_ISLNK(os.lstat(path).st_mode)
    except OSError:
        is_plain = False
    real = (f"{_real_folder(folder)}{os.sep}{name}" if is_plain else os.path.realpath(path)) + os.sep
    return any(f"{os.sep}{name}{os.sep}" in real for name in _SITE_NAMES) or real.startswith(_library_folders())


@dataclass(frozen=True)
class OwnModule:
    """An importable module of the user's.

    Attributes:
        name: its dotted name.
        path: its file; None for a namespace package.
        folder: the folder of a package; None for a plain module.
    """

    name: str
    path: Path | None
    folder: Path | None

    @property
    def place(self) -> str:
        """The path of its file, relative to a folder of `sys.path`."""
        stem = self.name.replace(".", "/")
        return f"{stem}/__init__.py" if self.folder else f"{stem}.py"


def canonical_name(name: str, file: str | None) -> str:
    """The name under which a module can be imported, even if it runs as a script.

    Args:
        name: `__name__`.
        file: `__file__`; None in a notebook or a REPL.
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
    """The folder that must be in `sys.path` to import a file under its canonical name."""
    folder = file.resolve().parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        folder = folder.parent
    return folder


def find_own(name: str) -> OwnModule | None:
    """Finds an own module; None if the module is installed, built in, or does not exist.

    Raises:
        ModuleNotPackedError: the module is a compiled extension or in an archive, or a module of the standard library
            has its name.
    """
    top = name.partition(".")[0]
    if top in NEVER_OWN or name == "__main__":
        return None
    if top in sys.stdlib_module_names:
        check_not_hidden(top)
        return None
    spec = find_spec(name)
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
            f"the own module {name} is a compiled extension ({path.name}), which fits a single platform",
            "build a wheel and add it to packages=",
        )
    if path.suffix != ".py" or not path.is_file():
        raise ModuleNotPackedError(
            f"the own module {name} cannot be read as a file ({path})", "keep it as a .py file in a folder"
        )
    return OwnModule(name, path, path.parent if places is not None else None)


def is_own(name: str) -> bool:
    """Whether a module is the user's own."""
    try:
        return find_own(name) is not None
    except ModuleNotPackedError:
        return True


def check_not_hidden(name: str) -> None:
    """Refuses an own module that hides one of the standard library here: a step imports the latter.

    Args:
        name: a name without dots.

    Raises:
        ModuleNotPackedError: the module is the user's own and has such a name.
    """
    spec = python_spec(name) if name in sys.stdlib_module_names else None
    if spec is not None and spec.has_location and spec.origin and not is_installed(spec.origin):
        raise ModuleNotPackedError(
            f"the own module {name} ({spec.origin}) has the name of a module of the standard library, which a step "
            f"imports instead",
            "rename it",
        )


def imports_of(path: Path, name: str, is_package: bool) -> tuple[str, ...]:
    """The absolute names that a file imports, anywhere in it; `from a import b` gives both `a` and `a.b`.

    Raises:
        ModuleNotPackedError: the file is not valid Python.
    """
    try:
        found = file_imports(path)
    except (SyntaxError, ValueError) as error:
        raise ModuleNotPackedError(
            f"the own module {name or path.stem} is not valid Python: {error}", f"correct {path}"
        ) from error
    return absolute_names(found, name if is_package else name.rpartition(".")[0])


def is_pipeline_file(path: Path) -> bool:
    """Whether a file imports fairing_kfp, and so defines components or pipelines, which a step cannot import."""
    return "fairing_kfp" in {name.partition(".")[0] for name in imports_of(path, "", False)}


def is_by_value(name: str) -> bool:
    """Whether the functions and classes of a module are pickled by value, because no step can import it."""
    if name == "__main__":
        return True
    if name not in sys.modules:
        return False
    module = sys.modules[name]
    file = getattr(module, "__file__", None)
    if file is None:  # a notebook, a REPL or a module created by code, but not a built-in or frozen one
        return getattr(module, "__spec__", None) is None and name not in sys.builtin_module_names
    path = Path(file)
    return (
        path.suffix == ".py"
        and not is_installed(path)
        and name.partition(".")[0] not in NEVER_OWN
        and path.is_file()
        and is_pipeline_file(path)
    )
