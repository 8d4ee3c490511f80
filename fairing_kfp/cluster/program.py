"""What the programs of steps in our own image share: lines of their log, and their exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

from fairing_kfp.errors import FairingError


def log(message: str) -> None:
    """Writes a message of ours to the step's log."""
    log_line(f"fairing-kfp: {message}")


def log_line(line: str) -> None:
    """Writes a line of the step's log, with its newline at once, since several threads write."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run_program(step: Callable[[], None]) -> int:
    """Runs a step. Errors of ours are written without a traceback, with their notes.

    Returns:
        The exit code: 0, or 1 if the step failed.
    """
    try:
        step()
    except FairingError as error:
        notes = getattr(error, "__notes__", [])  # such as objects that could not be deleted
        sys.stderr.write("\n".join([f"fairing-kfp: {error}", *notes]) + "\n")
        sys.stderr.flush()
        return 1
    return 0
