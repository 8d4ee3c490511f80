"""The own modules that a step needs, with the own modules that they import."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fairing_kfp.errors import ModuleNotPackedError
from fairing_kfp.preprocess.modules.own import OwnModule, check_not_hidden, find_own, imports_of, is_pipeline_file
from fairing_kfp.preprocess.modules.specs import find_spec


@dataclass
class OwnModules:
    """Own modules to pack, with the own modules that they import.

    Attributes:
        files: their files, by paths relative to a folder of `sys.path`.
        foreign: all other modules that the step's code and its own modules import.
    """

    files: dict[str, Path] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)
    _found: dict[str, OwnModule | None] = field(default_factory=dict)
    _pipeline_files: dict[Path, bool] = field(default_factory=dict)

    def add(self, name: str) -> None:
        """Adds a module, its parent packages and the own modules that they import. Other modules become `foreign`."""
        if name in self._seen:
            return
        self._seen.add(name)
        own = self._find(name)
        if own is None:
            self.foreign.add(name)
            return
        if own.place in self.files:
            return
        if own.path is not None and self._is_pipeline_file(own.path):
            return
        if "." in name:
            self.add(name.rpartition(".")[0])
        if own.path is not None:
            self.files[own.place] = own.path
            for imported in imports_of(own.path, name, own.folder is not None):
                self._add_import(imported, own)

    def place_of(self, name: str, file: str) -> str:
        """The path of an own module's file in a step's code folder; empty for other modules."""
        own = self._find(name)
        return f"modules/{own.place}" if own and own.path and own.path.samefile(file) else ""

    def _find(self, name: str) -> OwnModule | None:
        top = name.partition(".")[0]
        key = top if top in sys.stdlib_module_names else name
        if key not in self._found:
            self._found[key] = find_own(key)
        return self._found[key]

    def _is_pipeline_file(self, path: Path) -> bool:
        if path not in self._pipeline_files:
            self._pipeline_files[path] = is_pipeline_file(path)
        return self._pipeline_files[path]

    def _add_import(self, name: str, importer: OwnModule) -> None:
        found = self._find(name)
        if found and found.path and found.folder is None and self._is_pipeline_file(found.path):
            raise ModuleNotPackedError(
                f"the own module {importer.name} imports {name}, which imports fairing_kfp, so no step can import it",
                f"move what {importer.name} needs from {name} to a module that does not import fairing_kfp",
            )
        self.add(name)

    def add_imports_of(self, path: Path, name: str) -> None:
        """Adds the own modules that a pipeline file imports, so that a step can load objects pickled in others."""
        for imported in imports_of(path, name, path.stem == "__init__"):
            self.add_own(imported)

    def add_own(self, name: str) -> None:
        """Adds a module if it is the user's own."""
        if name in self._seen or self._find(name) is not None:
            self.add(name)

    def add_whole(self, names: Iterable[str], folder: Path) -> None:
        """Adds the modules of `modules=`, packages with all files of their folders that are not ignored.

        Args:
            names: their dotted names.
            folder: the component's folder, whose ignore files apply to packages below it; other packages have their
                own.

        Raises:
            ModuleNotPackedError: a module does not exist, or has the name of one of the standard library.
            PackError: an ignore file is malformed, or a link cannot be followed.
        """
        for name in names:
            check_not_hidden(name.partition(".")[0])
            spec = find_spec(name)
            if spec is None or (spec.origin is None and not spec.submodule_search_locations):
                raise ModuleNotPackedError(
                    f"the module {name} of modules= cannot be found",
                    "use the name in its import statement, and run where it can be imported",
                )
            stem = name.replace(".", "/")
            if spec.submodule_search_locations:
                from fairing_kfp.preprocess.modules.package_files import package_files

                for package in map(Path, spec.submodule_search_locations):
                    inside = package_files(package, folder)
                    self.files.update({f"{stem}/{place}": path for place, path in inside.items()})
            elif spec.origin:
                path = Path(spec.origin)
                self.files[f"{stem}{path.suffix}"] = path
            if "." in name:
                self.add(name.rpartition(".")[0])
