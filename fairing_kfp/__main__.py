"""The program `fairing-kfp`; `python -m fairing_kfp` runs it without a script on PATH."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

_OBJECTS = 200_000  # some 20 MB
_DESCRIPTORS = "/dev/fd"


def main() -> None:
    """Runs the command line in a process of its own."""
    run_program(_command_line)


def _command_line() -> None:
    from fairing_kfp.cli import main  # once the garbage collector is set

    main()


def run_program(program: Callable[[], object]) -> None:
    """Runs a program that is all of this process.

    The garbage collector waits for many more objects: imports and compilations make many, and little garbage. In the
    end the objects are not freed one by one, see `_end`.
    """
    codes: list[int] = []
    # Handlers of before, such as a coverage tool's, would be called after `_end`. Windows has no list of descriptors.
    if not atexit._ncallbacks() and Path(_DESCRIPTORS).is_dir():
        atexit.register(_end, codes, _open_for_writing())
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
    try:
        program()
    except SystemExit as end:
        codes.append(end.code if isinstance(end.code, int) else int(end.code is not None))
        raise
    codes.append(0)


def _end(codes: list[int], inherited: set[int]) -> None:
    """Ends the process with an exit code, once Python has waited for its threads and called all other exit handlers.

    Python would search all objects for garbage and free them, which takes a tenth of a `compile`. It does so after an
    error, and if anything that was opened is still open for writing: a file that a pipeline's code did not close is
    written by that.
    """
    if not codes or _open_for_writing() - inherited:
        return
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):  # which Python reports in its own way
        return
    os._exit(codes[0])


def _open_for_writing() -> set[int]:
    """The descriptors of files, pipes and sockets that can be written."""
    import fcntl

    found = set()
    for entry in os.scandir(_DESCRIPTORS):
        with contextlib.suppress(OSError):  # that of the scan itself may be closed
            if fcntl.fcntl(int(entry.name), fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
                found.add(int(entry.name))
    return found


if __name__ == "__main__":
    main()
