"""Starts the processes of a node by torchrun, which lies among the step's packages or in its image."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from . import environment, packed

_RUN = "torch.distributed.run"


def main(root: str, argv: list[str]) -> int:
    """Runs torchrun; gives the exit code of the process that failed first, or 0.

    Args:
        root: the folder that holds `runtime`, `code` and `dependencies`.
        argv: the command line: the step's program, `--torchrun`, torchrun's options, a program and its arguments.
    """
    environment.prepare(root)
    try:
        run = importlib.import_module(_RUN)
    except ImportError as error:
        name = packed.description(root)["name"]
        print(
            f"fairing-kfp: the step {name!r} is to be started by torchrun, and torch cannot be imported: {error}.\n"
            f"  → name torch in packages=[…] of the component, give it a base_image that has it, or run it with "
            f"framework=None.",
            file=sys.stderr,
        )
        return 1
    try:
        run.main(argv[2:])
    except Exception as error:  # torch's own; of another there is more to see
        failed = getattr(error, "get_first_failure", None)
        if failed is None:
            raise
        return _told(*failed())
    return 0


def _told(rank: int, failure: Any) -> int:
    """Says which process failed, and gives its exit code as a shell does."""
    code = int(failure.exitcode)
    print(f"fairing-kfp: process {rank} of torchrun ended with exit code {code}", file=sys.stderr, flush=True)
    return 128 - code if code < 0 else code or 1
