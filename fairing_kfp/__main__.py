"""The program `fairing-kfp`; `python -m fairing_kfp` runs it without a script on PATH."""

from __future__ import annotations

import atexit
import gc

_OBJECTS = 200_000  # some 20 MB


def main() -> None:
    """Runs the command line in a process of its own."""
    collect_rarely()  # before click is imported
    from fairing_kfp.cli import main

    main()


def collect_rarely() -> None:
    """Has the garbage collector wait for many more objects, until the process ends.

    Imports and compilations make many objects, and little garbage. At its exit Python searches all of them for garbage
    once more, which the end of the process frees anyway.
    """
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


if __name__ == "__main__":
    main()
