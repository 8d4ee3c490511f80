"""The own modules that a script imports: those in its own folder first, as Python finds them, then all others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fairing_kfp.preprocess.modules import OwnModules, imports_of


@dataclass
class ScriptModules:
    """A growing set of own modules, closed under their imports.

    Attributes:
        path: the folder that Python looks in first.
        files: the modules of that folder.
        others: the user's own modules from elsewhere.
        made: the places of modules that are made, and not to be looked for.
    """

    path: Path
    files: set[Path] = field(default_factory=set)
    others: OwnModules = field(default_factory=OwnModules)
    made: frozenset[Path] = frozenset()

    def add(self, names: Iterable[str]) -> None:
        """Adds modules, their packages and all own modules that they import."""
        for name in names:
            if not self._add_here(name):
                self.others.add(name)

    def _add_here(self, name: str) -> bool:
        parts = name.split(".")
        if not all(part.isidentifier() for part in parts):
            return False
        found = False
        for depth in range(1, len(parts) + 1):
            stem = self.path.joinpath(*parts[:depth])
            for file, is_package in ((stem / "__init__.py", True), (stem.with_suffix(".py"), False)):
                if file in self.made:
                    found = True
                    break
                if file.is_file():
                    found = True
                    if file not in self.files:
                        self.files.add(file)
                        self.add(imports_of(file, ".".join(parts[:depth]), is_package))
                    break
        return found
