"""A script as a step: a child process that is started as its author starts it, and whose exit code is the step's."""

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
"""The kind of an output whose folder is there when the script starts."""


@dataclass(frozen=True)
class Script:
    """A script or module among the files of a step.

    Attributes:
        target: the script's place below the folder of the files; or the name of a module.
        is_module: whether it is a module, run as by `python -m`.
        line: its arguments.
        outputs: for each output its name and how messages call it, and its kind: a parameter's KFP type, or `FOLDER`.
    """

    target: str
    is_module: bool = False
    line: CommandLine = field(default_factory=CommandLine)
    outputs: tuple[tuple[str, str, str], ...] = ()

    def __call__(self, **values: Any) -> None:
        """Runs the script; ends the step where the script fails."""
        try:
            words = self.line.words(values)
            self.make_folders(values)
        except (ValueError, OSError) as error:
            _leave(1, f"{self.target} was not started: {error}")
        files = os.path.join(rebuild.CODE, "files")
        folder = working_folder(files)
        try:
            code = _run(self.command(folder, words), folder, _environment())
        except OSError as error:
            _leave(1, f"{self.target} cannot be started: {error}")
        finally:
            if folder != files:
                shutil.rmtree(folder, ignore_errors=True)
        if code < 0:
            name = signal.Signals(-code).name
            why = ", often because the step ran out of memory" if -code == signal.SIGKILL else ""
            _leave(128 - code, f"{self.target} was ended by {name} (signal {-code}){why}")
        if code:
            _leave(code, f"{self.target} ended with exit code {code}")
        for name, argument, kind in self.outputs:
            problem = _output_problem(values[name], kind)
            if problem:
                _leave(1, f"{self.target} ended well, but {problem} what its argument {argument} names")

    def make_folders(self, values: Mapping[str, Any]) -> None:
        """Makes the folders of the outputs that the script expects to be there."""
        for name, _, kind in self.outputs:
            if kind == FOLDER and values.get(name) is not None:
                os.makedirs(_path(values[name]), exist_ok=True)

    def command(self, folder: str, words: list[str]) -> list[str]:
        """The command that runs the script, whose files lie in a folder."""
        target = ["-m", self.target] if self.is_module else [os.path.join(folder, self.target)]
        return [sys.executable, "-u", *target, *words]


def _environment() -> dict[str, str]:
    """The step's environment, but for what would take a script's own folder from its path."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}


def _leave(code: int, why: str) -> NoReturn:
    sys.stdout.flush()
    print(f"fairing-kfp: {why}", file=sys.stderr, flush=True)
    raise SystemExit(code)


def _path(value: Any) -> str:
    return str(value.path if hasattr(value, "path") else value)


def _output_problem(value: Any, kind: str) -> str:
    """What is wrong with an output; a number's file is left as KFP reads it, without white space."""
    path = _path(value)
    if not os.path.exists(path) or (kind == FOLDER and os.path.isdir(path) and not os.listdir(path)):
        return "did not write"
    if kind in _NUMBERS:
        with open(path, encoding="utf-8") as file:
            text = file.read().strip()
        try:
            _NUMBERS[kind](text)
        except ValueError:
            return f"wrote {text[:80]!r}, which is no {_NUMBERS[kind].__name__}, to"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return ""


def _run(command: list[str], folder: str, env: dict[str, str]) -> int:
    """Runs a command, hands on the signals that ask to end, and gives its exit code (-n after signal n)."""
    process = None
    asked: list[int] = []

    def hand_on(number: int, frame: types.FrameType | None) -> None:
        asked.append(number)
        if process is not None:
            process.send_signal(number)

    with _handling(hand_on):
        # in a session of its own, so that Ctrl-C reaches it once: from here
        process = subprocess.Popen(command, cwd=folder, env=env, start_new_session=True, preexec_fn=_die_with_parent)
        for number in asked:
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
    """Lets Linux end the script when the step is killed outright (prctl(2), PR_SET_PDEATHSIG)."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import ctypes

        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
