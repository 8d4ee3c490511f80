"""Runs a step as a process that sees no more of the author's environment than a container would."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from fairing_kfp.local.stop import Stop

_AUTHORS = {"CONDA_DEFAULT_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV"}
_KERNELS = {"CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "GIT_PAGER", "MPLBACKEND", "PAGER"}  # as ipykernel sets them
_PREFIXES = ("COLAB_", "DEBUGPY_", "FAIRING_KFP_", "IPYTHON", "JPY_", "JUPYTER", "PYDEVD_", "PYTHON", "VSCODE_")


def environment(command: list[str], env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process: this process's, without variables about the author's Python and notebook.

    Args:
        command: its program's folder goes first in PATH.
        env: variables that override inherited ones.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_PREFIXES) and name not in _AUTHORS | _KERNELS
    }
    path = f"{Path(command[0]).parent}{os.pathsep}{inherited.get('PATH', os.defpath)}"
    return {**inherited, "PATH": path, "PYTHONNOUSERSITE": "1", **env}


def start_process(command: list[str], env: Mapping[str, str], folder: str) -> subprocess.Popen[str]:
    """Starts a command without input, in a session of its own, whose standard output includes its standard error.

    Args:
        command: command to run.
        env: environment variables, added to `environment`.
        folder: working directory.
    """
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        cwd=folder,
        env=environment(command, env),
        start_new_session=True,
    )


def signal_all(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Sends a signal to a started process and to all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def run_process(command: list[str], env: Mapping[str, str], log_line: Callable[[str], None], stop: Stop) -> int:
    """Runs a command in an empty folder, and returns its exit code, 128 + n after signal n.

    Args:
        command: command to run.
        env: environment variables of the image and the task.
        log_line: called with each line of output.
        stop: ends the process.

    Raises:
        StoppedError: the run was interrupted.
    """
    with tempfile.TemporaryDirectory(prefix="fairing-step-") as folder:
        process = start_process(command, env, folder)
        try:
            with stop.ends(lambda: signal_all(process, signal.SIGKILL)):
                for line in process.stdout or ():
                    log_line(line.rstrip("\n"))
                code = process.wait()
        except BaseException:
            signal_all(process, signal.SIGKILL)
            process.wait()
            raise
    if code < 0:
        log_line(f"killed by {signal.Signals(-code).name}")
        return 128 - code
    return code
