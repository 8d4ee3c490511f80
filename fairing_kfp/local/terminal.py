"""Runs a step with the terminal of this process, so that a debugger can be used in it."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from fairing_kfp.errors import ConfigError
from fairing_kfp.local.container import create_container, docker_client, pulled_image
from fairing_kfp.local.process import environment

_CHUNK = 1 << 16
_PATH = "PYTHONPATH"


def check_terminal() -> None:
    """Checks that a step can have the terminal of this process.

    Raises:
        ConfigError: standard input or output is not a terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("a debugger needs a terminal, and there is none", "run the command in a terminal, not a pipe")


def run_process_in_terminal(command: list[str], env: Mapping[str, str]) -> int:
    """Runs a command in an empty folder, with this process's input and output; gives its exit code.

    Ctrl-C goes to the command alone.

    Args:
        command: command to run.
        env: environment variables of the image and the task.
    """
    with tempfile.TemporaryDirectory(prefix="fairing-step-") as folder, _interrupts_ignored():
        process = subprocess.Popen(command, cwd=folder, env=environment(command, env))
        try:
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
    return code if code >= 0 else 128 - code


def run_container_in_terminal(
    image: str,
    command: list[str],
    env: Mapping[str, str],
    folders: Mapping[str, str],
    options: Mapping[str, Any],
) -> int:
    """Runs a command in a container with this process's input and output; gives its exit code.

    Arguments: as for `run_container`. `PYTHONPATH` of the variables comes before that of the image.

    Raises:
        UnavailableError: the docker package is not installed, or no engine answers.
        StepFailedError: the image cannot be pulled.
    """
    from docker.errors import NotFound

    client = docker_client()
    try:
        own = pulled_image(client, image).attrs["Config"].get("Env") or []
        paths = [env[_PATH]] if _PATH in env else []
        paths += [variable.partition("=")[2] for variable in own if variable.startswith(f"{_PATH}=")]
        env = {**env, _PATH: ":".join(paths)} if paths else env
        terminal = {"tty": True, "stdin_open": True}
        container = create_container(client, image, command, env, folders, {**options, **terminal})
        try:
            attached = container.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
            container.start()
            size = shutil.get_terminal_size()
            container.resize(height=size.lines, width=size.columns)
            with contextlib.closing(attached):
                _forward(getattr(attached, "_sock", attached))
            return int(container.wait()["StatusCode"])
        finally:
            with contextlib.suppress(NotFound):
                container.remove(force=True)
    finally:
        client.close()


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Has this process ignore Ctrl-C, which its child does not inherit."""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _forward(connection: Any) -> None:
    """Connects a container's terminal with this process's until the container ends."""
    import termios
    import tty

    sys.stdout.flush()
    given, shown = sys.stdin.fileno(), sys.stdout.fileno()
    before, sources = termios.tcgetattr(given), [connection, given]
    tty.setraw(given)
    try:
        while True:
            ready, _, _ = select.select(sources, [], [])
            if connection in ready:
                data = connection.recv(_CHUNK)
                if not data:
                    return
                os.write(shown, data)
            if given in ready:
                typed = os.read(given, _CHUNK)
                if typed:
                    connection.sendall(typed)
                else:
                    sources.remove(given)
    finally:
        termios.tcsetattr(given, termios.TCSADRAIN, before)
