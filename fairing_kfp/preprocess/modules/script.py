"""The own modules that a script imports: those in its folder first, as Python finds them, then all others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fairing_kfp.preprocess.modules.collect import OwnModules
from fairing_kfp.preprocess.modules.own import imports_of


@dataclass
class ScriptModules:
    """The own modules of a script, with the own modules that they import.

    Attributes:
        path: the first folder of `sys.path` when the script runs.
        files: the files of modules in that folder.
        others: the own modules from elsewhere.
        generated: paths of modules that are generated, whose files on disk are ignored.
    """

    path: Path
    files: set[Path] = field(default_factory=set)
    others: OwnModules = field(default_factory=OwnModules)
    generated: frozenset[Path] = frozenset()

    def add(self, names: Iterable[str]) -> None:
        """Adds modules, their parent packages and the own modules that they import."""
        for name in names:
            if not self._add_from_folder(name):
                self.others.add(name)

    def _add_from_folder(self, name: str) -> bool:
        """Adds a module of the script's folder, if there is one."""
        parts = name.split(".")
        if not all(part.isidentifier() for part in parts):
            return False
        found = False
        for depth in range(1, len(parts) + 1):
            stem = self.path.joinpath(*parts[:depth])
            for file, is_package in ((stem / "__init__.py", True), (stem.with_suffix(".py"), False)):
                if file in self.generated:
                    found = True
                    break
                if file.is_file():
                    found = True
                    if file not in self.files:
                        self.files.add(file)
                        self.add(imports_of(file, ".".join(parts[:depth]), is_package))
                    break
        return found
