"""Opens pdb at the exception that ends a step.

A copy of this file is `sitecustomize.py` on the path of the step's Python, which may be older than that of the package.
"""

from __future__ import annotations

import sys
import traceback
from types import TracebackType
from typing import Any

_print = traceback.print_exception


def _print_and_open(*arguments: Any, **options: Any) -> None:
    """Prints an exception; if the step's runtime prints it, the step ends with it."""
    _print(*arguments, **options)
    if sys._getframe(1).f_globals.get("__name__", "").startswith("fairing_runtime"):
        _open(*arguments[:3])


def _print_uncaught(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    """Prints an exception that ends the process."""
    _print(kind, error, frames)
    _open(kind, error, frames)


def _open(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    """Opens pdb, unless the user left it by `q`."""
    if frames is None or not isinstance(error, Exception) or kind.__name__ == "BdbQuit" or not sys.stdin.isatty():
        return
    import pdb

    sys.stderr.flush()
    sys.stdout.write("pdb is at this exception: w prints where, p NAME a value, q ends the step\n")
    sys.stdout.flush()
    pdb.post_mortem(frames)


vars(traceback)["print_exception"] = _print_and_open
sys.excepthook = _print_uncaught
