"""Processes of components' steps, forked from one that has imported them already: importing takes half a second."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["fairing_kfp.components.__main__", "fairing_kfp.builders.append"])


def run_forked(arguments: Sequence[str], env: Mapping[str, str], log: Path, seconds: float = 120) -> int:
    """Runs `python3 -m fairing_kfp.components` in a process of its own, and returns its exit code.

    Args:
        arguments: arguments of the program.
        env: all environment variables.
        log: file that gets what it writes to its standard output and error.
        seconds: time it may take.
    """
    process = _CONTEXT.Process(target=_program, args=([*arguments], dict(env), str(log)))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"the step did not end within {seconds} seconds: {log.read_text()}")
    return process.exitcode


def _program(arguments: list[str], env: dict[str, str], log: str) -> None:
    from fairing_kfp.components.__main__ import main

    os.environ.clear()
    os.environ.update(env)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(file, descriptor)
    code = main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # as the program ends, whatever its threads do
