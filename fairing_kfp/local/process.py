"""A step as a process of this machine that sees nothing of the author's environment but what its image would hold."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

_AUTHORS = ("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "UV_PROJECT_ENVIRONMENT")


def environment(command: list[str], env: Mapping[str, str]) -> dict[str, str]:
    """The variables of a process: those given, above those of this machine that are not about the author's Python."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "FAIRING_KFP_")) and name not in _AUTHORS
    }
    path = f"{Path(command[0]).parent}{os.pathsep}{inherited.get('PATH', os.defpath)}"
    return {**inherited, "PATH": path, "PYTHONNOUSERSITE": "1", **env}


def run_process(command: list[str], env: Mapping[str, str], show: Callable[[str], None]) -> int:
    """Runs a command in an empty folder; gives its exit code, 128 + n after a signal.

    Args:
        command: what to run.
        env: variables of the image and the task, above those of this machine.
        show: is given each line of output.
    """
    with tempfile.TemporaryDirectory(prefix="fairing-step-") as folder:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            cwd=folder,
            env=environment(command, env),
        )
        try:
            for line in process.stdout or ():
                show(line.rstrip("\n"))
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
    if code < 0:
        show(f"ended by {signal.Signals(-code).name}")
        return 128 - code
    return code
