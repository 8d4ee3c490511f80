"""Runs a script as a step: a child process with the command line of the author, whose exit code is that of the step."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from . import rebuild
from .command_line import CommandLine
from .working_folder import working_folder

_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_NUMBERS: dict[str, Callable[[str], Any]] = {"NUMBER_INTEGER": int, "NUMBER_DOUBLE": float}

FOLDER = "FOLDER"
"""The kind of an output whose folder is created before the script starts."""


@dataclass(frozen=True)
class Script:
    """A script or module in the files of a step.

    Attributes:
        target: the path of the script, relative to the folder of the files, or the name of a module.
        is_module: whether the target is a module, run as by `python -m`.
        line: the command line.
        outputs: for each output its name, its name in messages, and its kind: the KFP type of a parameter, or `FOLDER`.
    """

    target: str
    is_module: bool = False
    line: CommandLine = field(default_factory=CommandLine)
    outputs: tuple[tuple[str, str, str], ...] = ()

    def __call__(self, **values: Any) -> None:
        """Runs the script with the values of the step's inputs and outputs.

        Raises:
            SystemExit: the script fails, or does not write an output.
        """
        try:
            words = self.line.words(values)
            self.make_folders(values)
        except (ValueError, OSError) as error:
            _exit(1, f"{self.target} was not started: {error}")
        files = os.path.join(rebuild.CODE, "files")
        folder = working_folder(files)
        try:
            code = _run(self.command(folder, words), folder, _environment())
        except OSError as error:
            _exit(1, f"{self.target} cannot be started: {error}")
        finally:
            if folder != files:
                shutil.rmtree(folder, ignore_errors=True)
        if code < 0:
            name = signal.Signals(-code).name
            why = ", often because the step ran out of memory" if -code == signal.SIGKILL else ""
            _exit(128 - code, f"{self.target} was terminated by {name} (signal {-code}){why}")
        if code:
            _exit(code, f"{self.target} ended with exit code {code}")
        for name, argument, kind in self.outputs:
            problem = _output_problem(values[name], kind)
            if problem:
                _exit(1, f"{self.target} succeeded, but {problem} the path in its argument {argument}")

    def make_folders(self, values: Mapping[str, Any]) -> None:
        """Creates the folders of the outputs of the kind `FOLDER`."""
        for name, _, kind in self.outputs:
            if kind == FOLDER and values.get(name) is not None:
                os.makedirs(_path(values[name]), exist_ok=True)

    def command(self, folder: str, words: list[str]) -> list[str]:
        """The command that runs the script; `folder` contains its files."""
        target = ["-m", self.target] if self.is_module else [os.path.join(folder, self.target)]
        return [sys.executable, "-u", *target, *words]


def _environment() -> dict[str, str]:
    """The step's environment without PYTHONSAFEPATH, which would remove the script's folder from `sys.path`."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}


def _exit(code: int, why: str) -> NoReturn:
    sys.stdout.flush()
    print(f"fairing-kfp: {why}", file=sys.stderr, flush=True)
    raise SystemExit(code)


def _path(value: Any) -> str:
    return str(value.path if hasattr(value, "path") else value)


def _output_problem(value: Any, kind: str) -> str:
    """The error of an output, empty if it is valid; removes white space from the file of a number, as KFP requires."""
    path = _path(value)
    if not os.path.exists(path) or (kind == FOLDER and os.path.isdir(path) and not os.listdir(path)):
        return "did not write to"
    if kind in _NUMBERS:
        with open(path, encoding="utf-8") as file:
            text = file.read().strip()
        try:
            _NUMBERS[kind](text)
        except ValueError:
            return f"wrote {text[:80]!r}, which is not of type {_NUMBERS[kind].__name__}, to"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return ""


def _run(command: list[str], folder: str, env: dict[str, str]) -> int:
    """Runs a command, and forwards termination signals to it; returns its exit code, or -n after signal n."""
    process = None
    received: list[int] = []

    def forward(number: int, frame: types.FrameType | None) -> None:
        received.append(number)
        if process is not None:
            process.send_signal(number)

    with _handling(forward):
        # in a new session, so that Ctrl-C reaches it only once, through this process
        process = subprocess.Popen(command, cwd=folder, env=env, start_new_session=True, preexec_fn=_die_with_parent)
        for number in received:
            process.send_signal(number)
        return process.wait()


@contextlib.contextmanager
def _handling(handler: Callable[[int, types.FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _FORWARDED}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _die_with_parent() -> None:
    """Makes Linux kill the script if the step's process is killed (prctl(2), PR_SET_PDEATHSIG)."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import ctypes

        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
