"""Scripts and their files."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from fairing_kfp.classic.constants import constants
from fairing_kfp.classic.work.deprecation import refuse
from fairing_kfp.classic.work.files import REQUIREMENTS, Files, relative_to_prefix
from fairing_kfp.classic.work.task import Collect, no_result
from fairing_kfp.errors import ConfigError

if TYPE_CHECKING:
    from fairing_kfp.component.interface import Component

_PYTHON = ("python", "python3")
_LAUNCHER = "fairing_kfp_launch.py"
_LAUNCH = """import os
import sys

words = {words!r}
if words[0] in {python!r}:
    words[0] = sys.executable
os.execvp(words[0], words)
"""


class BasePreProcessor:
    """A script and its files.

    Args:
        input_files: files, folders and globs, absolute or relative to the current folder. A `requirements.txt` is
            installed.
        command: command that runs the script; by default `["python"]`. Without an executable, it is the whole command.
        executable: the script; by default the only Python file of `input_files`.
        path_prefix: folder of the files in Fairing's image. The code runs in a folder with these files.
        output_map: places in the image by file: absolute, or below `path_prefix`.
    """

    returns: ClassVar[bool] = False
    """Whether the code returns something."""

    def __init__(
        self,
        input_files: Collection[str] | None = None,
        command: Sequence[str] | None = None,
        executable: str | None = None,
        path_prefix: str = constants.DEFAULT_DEST_PREFIX,
        output_map: Mapping[str, str] | None = None,
    ) -> None:
        self.executable = os.path.normpath(executable) if executable is not None else None
        self.input_files = {os.path.normpath(file) for file in input_files or ()}
        if self.executable is not None:
            self.input_files.add(self.executable)
        self.output_map = {os.path.normpath(source): place for source, place in (output_map or {}).items()}
        self.path_prefix = path_prefix
        self.command = list(command or ["python"])
        self.set_default_executable()

    def set_default_executable(self) -> str | None:
        """Sets the executable to the only input file, or to the only Python file, if it is not set.

        Returns:
            The executable; None if it is still not set.
        """
        if self.executable is None and len(self.command) == 1:
            scripts = [one for one in self.input_files if one.endswith(".py") and Path(one).name != "__init__.py"]
            found = list(self.input_files) if len(self.input_files) == 1 else scripts
            self.executable = found[0] if len(found) == 1 else None
        return self.executable

    def preprocess(self) -> set[str]:
        """The input files."""
        return self.input_files

    def get_command(self) -> list[str]:
        """The command, with the executable's path in Fairing's image."""
        words = list(self.command)
        return [*words, str(Path(self.path_prefix, self.executable))] if self.executable else words

    def is_requirements_txt_file_present(self) -> bool:
        """Whether there is a `requirements.txt`, which is installed."""
        return any(Path(one).name == REQUIREMENTS for one in (*self.input_files, *self.output_map))

    def context_map(self) -> dict[str, str]:
        """Refused, since images are not made from a build context any more."""
        refuse(
            "context_map()",
            "images are not made from a build context",
            "list the files of an image with fairing_kfp.explain, or `fairing-kfp explain FILE`",
        )

    def context_tar_gz(self, output_file: str | None = None) -> tuple[str, str]:
        """Refused, since images are not made from a build context any more."""
        refuse(
            f"context_tar_gz({output_file or ''})",
            "images are not made from a build context",
            'write the image to a folder: builder="layout:FOLDER"',
        )

    def fairing_runtime_files(self) -> dict[str, str]:
        """The files of Fairing in the image: none, since a layer of the image has what a step needs."""
        return {}

    def component(self, options: Mapping[str, Any], *, logged: bool = False) -> Component[..., Any]:
        """The KFP component of the code.

        Args:
            options: options of its image; see `fairing_kfp.ImageOptions`.
            logged: whether the result of a function is written into the log.

        Raises:
            ConfigError: the script is unknown, or a file does not exist.
            ComponentError: the script is not valid Python.
        """
        from fairing_kfp.classic.work.code import ClassicScript
        from fairing_kfp.classic.work.component import script_component
        from fairing_kfp.preprocess.arguments.argument import ScriptArguments
        from fairing_kfp.preprocess.arguments.inputs import inputs_of

        here = Path.cwd()
        script = Path(os.path.normpath(here / self.executable)) if self.executable else None
        if script is not None and not script.is_file():
            raise ConfigError(f"the script {script} does not exist", f"give its path relative to {here}")
        root = here if script is None or script.is_relative_to(here) else script.parent
        files = self.files(root)
        if script is not None and len(self.command) == 1 and self.command[0] in _PYTHON and script.suffix == ".py":
            name, place, data = script.stem, script.relative_to(root).as_posix(), script.read_bytes()
        else:
            words = self._words(script.relative_to(root).as_posix() if script else None)
            name = Path(words[1] if words[0] in _PYTHON and len(words) > 1 else words[0]).stem
            place, data = _LAUNCHER, _LAUNCH.format(words=words, python=_PYTHON).encode()
        source = ClassicScript(root, root, place, data, inputs_of(ScriptArguments(), {}, place), include=files.include)
        return script_component(source, name, {**options, **image_options(files, options)})

    @property
    def collect(self) -> Collect:
        """Makes the result of a job."""
        return no_result

    def files(self, root: Path | None) -> Files:
        """The files of the image; see `Files.of`.

        Raises:
            ConfigError: a file does not exist.
        """
        executable = {self.executable} if root is not None else set()
        return Files.of(sorted(self.input_files - executable), self.output_map, self.path_prefix, root)

    def served_files(self) -> Files:
        """The files of a server's image, the script included.

        Raises:
            ConfigError: a file does not exist.
        """
        return Files.of(sorted(self.input_files), self.output_map, self.path_prefix, None)

    def served(self, serving_class: str) -> Any:
        """What to serve: the name of a class, which is also the name of its module among the files.

        Args:
            serving_class: name of the class.
        """
        return serving_class

    def _words(self, executable: str | None) -> list[str]:
        """The command, with paths relative to the working folder.

        Raises:
            ConfigError: it is only an interpreter.
        """
        words = [relative_to_prefix(word, self.path_prefix) for word in self.command]
        words += [executable] if executable else []
        if len(words) == 1 and words[0] in _PYTHON:
            raise ConfigError(
                f"no script to run: {', '.join(sorted(self.input_files)) or 'input_files is empty'}",
                'name it: set_preprocessor("python", executable="train.py")',
            )
        return words


def image_options(files: Files, options: Mapping[str, Any], packages: Sequence[str] = ()) -> dict[str, Any]:
    """The options of an image with files.

    Args:
        files: the files.
        options: options that the builder sets.
        packages: requirements, if there is no file of them.
    """
    made: dict[str, Any] = {"env": {**(options.get("env") or {}), "FAIRING_RUNTIME": "1"}}
    if files.others:
        made["files"] = dict(files.others)
    if packages or files.requirements is not None:
        made["packages"] = str(files.requirements) if files.requirements is not None else list(packages)
    return made


def reset_tar_mtime(tarinfo: tarfile.TarInfo) -> tarfile.TarInfo:
    """Sets the time of a file in a tar archive to 0."""
    tarinfo.mtime = 0
    return tarinfo
