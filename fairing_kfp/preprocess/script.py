"""A script or module → a bundle: its files, and a command with the step's inputs."""

from __future__ import annotations

import ast
import contextlib
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, ClassVar

from fairing_kfp.errors import ComponentError, StepFailedError
from fairing_kfp.frozen import dataclass
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.arguments.inputs import Inputs
from fairing_kfp.preprocess.arguments.read import read_arguments
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.files.read import read_files
from fairing_kfp.preprocess.files.selection import Selection
from fairing_kfp.preprocess.image_paths import CODE, WORKING
from fairing_kfp.preprocess.modules.imports import absolute_names, imports_in
from fairing_kfp.preprocess.modules.metadata import own_metadata
from fairing_kfp.preprocess.modules.script import ScriptModules
from fairing_kfp.preprocess.step_file import step_files
from fairing_kfp.preprocess.values import encoded
from fairing_kfp.runtime.script import Script
from fairing_kfp.runtime.typed_function import TypedFunction


@dataclass(frozen=True)
class ScriptSource:
    """A script to pack.

    Attributes:
        folder: the folder to which the component's paths are relative.
        root: the folder that the step's working folder mirrors.
        path: the script's path, relative to `root`.
        data: the script's text.
        inputs: its arguments.
        module: the module's name, if it runs by `python -m`.
        include: more files: names, folders and globs, relative to `root`.
        exclude: patterns of files to leave out, as in an ignore file.
        generated: generated files, by paths relative to `root`; they replace files on disk.
    """

    is_file: ClassVar[bool] = True
    needs_gate: ClassVar[bool] = False

    folder: Path
    root: Path
    path: str
    data: bytes = field(repr=False)
    inputs: Inputs
    module: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    generated: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def script(self) -> Script:
        """The callable that runs the script in a step."""
        return Script(self.module or self.path, bool(self.module), self.inputs.line, self.inputs.outputs)

    def _callable(self, name: str) -> Script | TypedFunction:
        types = dict(self.inputs.types)
        return TypedFunction(name, self.script, types, rebuilds=False) if types else self.script

    def bundle(self, name: str, allow: Sequence[str] = ()) -> Bundle:
        """Packs the script, the own modules that it imports, and the included files. Equal files give equal bytes.

        Args:
            name: the step's name.
            allow: names, files and fingerprints of what only looks like a credential.

        Raises:
            PackError: a file is missing or cannot be packed.
            SecretError: a file seems to contain a credential.
            ModuleNotPackedError: an own module cannot be packed.
        """
        from fairing_kfp.preprocess.pickle.context import Packing  # cloudpickle: loaded by packing, not by declaring

        generated = {self.path: self.data, **self.generated}
        modules = self._modules()
        below = sorted(path.relative_to(self.root).as_posix() for path in modules.files)
        own = {
            **Selection(self.root, tuple(below)).files(),  # imported, so packed regardless of `exclude`
            **Selection(self.root, self.include, self.exclude).files(),
        }
        own = {path: file for path, file in own.items() if path not in generated}
        about = own_metadata((*modules.files, *modules.others.files.values()), modules.others.foreign)
        files = (
            *read_files(own, WORKING),
            *(File(f"{WORKING}/{path}", data) for path, data in generated.items()),
            *read_files(modules.others.files, f"{CODE}/modules"),
            *(File(f"{CODE}/modules/{place}", data) for place, data in about.items()),
            *step_files(name, self._callable(name), self.inputs.annotations, Packing()),
        )
        warnings = (*self.inputs.warnings, *self._parsers_elsewhere(modules.files))
        placed = tuple(sorted(files, key=lambda file: file.path))
        return Bundle(name, placed, (), tuple(f"{name}: {warning}" for warning in warnings), allow=tuple(allow))

    def _parsers_elsewhere(self, modules: Iterable[Path]) -> Iterator[str]:
        """Warns of modules that seem to parse the command line of a script without inputs."""
        if self.inputs.parameters:
            return
        for path in sorted(modules):
            if read_arguments(path.read_bytes(), str(path)).arguments:
                yield (
                    f"{self.path} parses no arguments, but {path.name}, which it imports, does; "
                    f"declare in arguments= those that the step sets"
                )

    def _modules(self) -> ScriptModules:
        """The own modules that the script imports, found where Python finds them: `python -m` searches `root`."""
        path = self.root if self.module else (self.root / self.path).parent
        modules = ScriptModules(path, generated=frozenset(path / place for place in self.generated))
        package = self.module if self.path.endswith("/__main__.py") else self.module.rpartition(".")[0]
        parents = package.split(".") if package else []
        modules.add(".".join(parents[:depth]) for depth in range(1, len(parents) + 1))
        modules.add(absolute_names(imports_in(ast.parse(self.data)), package))
        for place, data in self.generated.items():
            if place.endswith(".py"):
                with contextlib.suppress(SyntaxError, ValueError):  # for another Python, or a template
                    modules.add(absolute_names(imports_in(ast.parse(data)), ""))
        modules.files.discard(self.root / self.path)
        return modules


@dataclass(frozen=True)
class ScriptFile:
    """A script on disk.

    Attributes:
        root: the folder of its files.
        path: its path, relative to `root`.
        module: the module's name, if it runs by `python -m`.
    """

    root: Path
    path: str
    module: str = ""

    @property
    def file(self) -> Path:
        """The script's file."""
        return self.root / self.path

    def read(self) -> bytes:
        """The script's content."""
        return self.file.read_bytes()


def find_script(script: str, folder: Path, root: str | None) -> ScriptFile:
    """Finds a script.

    Args:
        script: its path.
        folder: the folder to which paths are relative.
        root: the folder of its files; by default, the script's folder.

    Raises:
        ComponentError: the script does not exist, or is not in `root`.
    """
    path = (folder / script).absolute()
    if not path.is_file():
        raise ComponentError(f"there is no script {path}", f"give a path relative to {folder}")
    top = _folder(folder, root) if root is not None else path.parent
    try:
        place = path.resolve().relative_to(top.resolve())
    except ValueError:
        raise ComponentError(f"{path} is not in root={root!r}", "give a folder that contains the script") from None
    return ScriptFile(top.resolve(), place.as_posix())


def find_module(module: str, folder: Path, root: str | None) -> ScriptFile:
    """Finds the file that `python -m MODULE` runs.

    Args:
        module: the name of a module, or of a package with a `__main__` module.
        folder: the folder to which paths are relative.
        root: the folder that contains the module; by default, `folder` or its subfolder `src`.

    Raises:
        ComponentError: the module does not exist.
    """
    tops = [_folder(folder, root)] if root is not None else [folder.absolute(), folder.absolute() / "src"]
    stem = module.replace(".", "/")
    for top in tops:
        for place in (f"{stem}/__main__.py", f"{stem}.py"):
            if (top / place).is_file():
                return ScriptFile(top.resolve(), place, module)
    raise ComponentError(
        f"there is no module {module} in {' or '.join(map(str, tops))} that python -m could run",
        "give the folder that contains it as root=",
    )


def _folder(folder: Path, root: str) -> Path:
    top = (folder / root).absolute()
    if not top.is_dir():
        raise ComponentError(f"there is no folder {top}", "give a folder that contains the script as root=")
    return top


def description_of(data: bytes, inputs: Inputs) -> str:
    """The description of a script in KFP: the first paragraph of its docstring, and its arguments."""
    own = (ast.get_docstring(ast.parse(data)) or "").strip().split("\n\n")[0]
    return f"{own}\n\nArgs:\n{inputs.doc}" if inputs.doc else own


def call_of(source: ScriptSource, name: str) -> Any:
    """A function of the script's inputs that runs it here, in its own folder, with this Python."""

    def call(**values: Any) -> None:
        import subprocess

        source.script.make_folders(values)
        for given, kind in source.inputs.types.items():
            if values.get(given) is not None:
                values[given] = encoded(kind, values[given], f"{name}: the input {given}")
        command = source.script.command(str(source.root), source.inputs.line.words(values))
        done = subprocess.run(command, cwd=source.root, check=False)
        if done.returncode:
            raise StepFailedError(f"{name} failed with exit code {done.returncode}", "see its output above")

    call.__name__ = name
    call.__signature__ = inspect.Signature(source.inputs.parameters)  # type: ignore[attr-defined]
    return call
