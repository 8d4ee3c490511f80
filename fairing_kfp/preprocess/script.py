"""A script or module → a bundle: its files in their places, and what starts it with the step's inputs."""

from __future__ import annotations

import ast
import contextlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairing_kfp.errors import ComponentError, SecretError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess import secrets
from fairing_kfp.preprocess.arguments.inputs import Inputs
from fairing_kfp.preprocess.arguments.read import read_arguments
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.files import Selection
from fairing_kfp.preprocess.modules import imported_names
from fairing_kfp.preprocess.placed import WORKING
from fairing_kfp.preprocess.places import CODE
from fairing_kfp.preprocess.reading import read_files
from fairing_kfp.preprocess.script_modules import ScriptModules
from fairing_kfp.runtime.script import Script


@dataclass(frozen=True)
class ScriptSource:
    """A script to pack.

    Attributes:
        folder: where the relative paths of the component begin.
        root: the folder that the script's files lie in; its mirror is the step's working folder.
        place: the script's place below it.
        data: the script, as its file holds it.
        inputs: its arguments.
        module: its name as a module, when it is run as one (`python -m`).
        include: further files: names, folders and globs below the root.
        exclude: patterns of files that are left out, as in an ignore file.
        made: files that are made with the script, by their places below the root; they come before those of the root.
    """

    folder: Path
    root: Path
    place: str
    data: bytes = field(repr=False)
    inputs: Inputs
    module: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    made: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def script(self) -> Script:
        """What runs it in a step."""
        return Script(self.module or self.place, bool(self.module), self.inputs.line, self.inputs.outputs)

    def bundle(self, name: str) -> Bundle:
        """Packs the script, the own modules that it imports, and the files that are included.

        Raises:
            PackError: a file cannot be packed, or is missing.
            SecretError: something in it looks like a credential.
            ModuleNotPackedError: an own module cannot be shipped.
        """
        from fairing_kfp.preprocess.packing import Packing  # cloudpickle: when it is packed, not when it is declared
        from fairing_kfp.preprocess.pickling import dumps

        made = {self.place: self.data, **self.made}
        for place, data in made.items():
            found = secrets.secret_in_source(data.decode(errors="replace"))
            if found:
                raise SecretError(f"the script {self.root / place} holds {found}", secrets.REMEDY)
        modules = self._modules()
        below = sorted(path.relative_to(self.root).as_posix() for path in modules.files)
        own = {
            **Selection(self.root, tuple(below)).files(),  # they are needed, whatever `exclude` says
            **Selection(self.root, self.include, self.exclude).files(),
        }
        own = {place: path for place, path in own.items() if place not in made}  # an older one may lie there
        step = {"name": name, "python": list(sys.version_info[:2]), "packed_modules": [], "embedded": None}
        pickled = dumps({"function": self.script, "annotations": self.inputs.annotations}, Packing())
        files = (
            *read_files(own, WORKING),
            *(File(f"{WORKING}/{place}", data) for place, data in made.items()),
            *read_files(modules.others.files, f"{CODE}/modules"),
            File(f"{CODE}/function.pickle", pickled),
            File(f"{CODE}/step.json", json.dumps(step, sort_keys=True).encode()),
        )
        warnings = (*self.inputs.warnings, *self._parsers_elsewhere(modules.files))
        placed = tuple(sorted(files, key=lambda file: file.path))
        return Bundle(name, placed, (), tuple(f"{name}: {warning}" for warning in warnings))

    def _parsers_elsewhere(self, modules: Iterable[Path]) -> Iterator[str]:
        """Says which modules seem to read the command line of a script that has no inputs."""
        if self.inputs.parameters:
            return
        for path in sorted(modules):
            if read_arguments(path.read_bytes(), str(path)).arguments:
                yield (
                    f"{self.place} takes no arguments of its own, but {path.name}, which it imports, reads some; "
                    f"declare in arguments= those that the step shall set"
                )

    def _modules(self) -> ScriptModules:
        """The own modules that the script imports; those of a module are found below the root, as `python -m` does."""
        path = self.root if self.module else (self.root / self.place).parent
        modules = ScriptModules(path, made=frozenset(path / place for place in self.made))
        package = self.module if self.place.endswith("/__main__.py") else self.module.rpartition(".")[0]
        parents = package.split(".") if package else []
        modules.add(".".join(parents[:depth]) for depth in range(1, len(parents) + 1))
        modules.add(imported_names(ast.parse(self.data), package))
        for place, data in self.made.items():
            if place.endswith(".py"):
                with contextlib.suppress(SyntaxError, ValueError):  # it may be of another Python, or a template
                    modules.add(imported_names(ast.parse(data), ""))
        modules.files.discard(self.root / self.place)
        return modules


@dataclass(frozen=True)
class Found:
    """A script where it was found: the folder of its files, its place there, and its name as a module."""

    root: Path
    place: str
    module: str = ""

    @property
    def path(self) -> Path:
        """The script's file."""
        return self.root / self.place


def find_script(script: str, folder: Path, root: str | None) -> Found:
    """Finds a script.

    Args:
        script: its path.
        folder: where relative paths begin.
        root: the folder of its files; that of the script by default.

    Raises:
        ComponentError: it is not there, or is not below the root.
    """
    path = (folder / script).absolute()
    if not path.is_file():
        raise ComponentError(f"there is no script {path}", f"name it relative to {folder}")
    top = _folder(folder, root) if root is not None else path.parent
    try:
        place = path.resolve().relative_to(top.resolve())
    except ValueError:
        raise ComponentError(f"{path} is not below root={root!r}", "name a folder that the script is in") from None
    return Found(top.resolve(), place.as_posix())


def find_module(module: str, folder: Path, root: str | None) -> Found:
    """Finds the file that `python -m MODULE` runs.

    Args:
        module: the module's name; of a package its `__main__` is run.
        folder: where relative paths begin.
        root: the folder that the module is imported from; `folder`, or `src` in it, by default.

    Raises:
        ComponentError: it is not there.
    """
    tops = [_folder(folder, root)] if root is not None else [folder.absolute(), folder.absolute() / "src"]
    stem = module.replace(".", "/")
    for top in tops:
        for place in (f"{stem}/__main__.py", f"{stem}.py"):
            if (top / place).is_file():
                return Found(top.resolve(), place, module)
    raise ComponentError(
        f"there is no module {module} in {' or '.join(map(str, tops))} that python -m could run",
        "name the folder that it is imported from: root=",
    )


def _folder(folder: Path, root: str) -> Path:
    top = (folder / root).absolute()
    if not top.is_dir():
        raise ComponentError(f"there is no folder {top}", "name in root= a folder that the script is in")
    return top


def description_of(data: bytes, inputs: Inputs) -> str:
    """What KFP is told of a script: the first paragraph of its own text, and what it says of its arguments."""
    own = (ast.get_docstring(ast.parse(data)) or "").strip().split("\n\n")[0]
    return f"{own}\n\nArgs:\n{inputs.doc}" if inputs.doc else own


def call_of(source: ScriptSource, shown: str) -> Any:
    """What a unit test calls: runs the script here, in its own folder, with this Python."""

    def call(**values: Any) -> None:
        import subprocess

        command = source.script.command(str(source.root), source.inputs.line.words(values))
        subprocess.run(command, cwd=source.root, check=True)

    call.__name__ = shown
    return call
