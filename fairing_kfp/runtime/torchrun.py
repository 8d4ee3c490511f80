"""Starts the processes of a node by torchrun, from the step's packages or its image."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from . import environment, packed

_RUN = "torch.distributed.run"


def main(root: str, argv: list[str]) -> int:
    """Runs torchrun.

    Args:
        root: the folder that contains `runtime`, `code` and `dependencies`.
        argv: the command line: the step's program, `--torchrun`, torchrun's options, a program and its arguments.

    Returns:
        The exit code of the process that failed first; 0 if none failed.
    """
    environment.prepare(root)
    try:
        run = importlib.import_module(_RUN)
    except ImportError as error:
        name = packed.description(root)["name"]
        print(
            f"fairing-kfp: the step {name!r} needs torchrun, but torch cannot be imported: {error}.\n"
            f"  → name torch in packages=[…] of the component, use a base_image that has it, or run it with "
            f"framework=None.",
            file=sys.stderr,
        )
        return 1
    try:
        run.main(argv[2:])
    except Exception as error:  # torchrun's ChildFailedError; other errors are raised
        failed = getattr(error, "get_first_failure", None)
        if failed is None:
            raise
        return _report(*failed())
    return 0


def _report(rank: int, failure: Any) -> int:
    """Prints the process that failed; returns its exit code, or 128 + n after signal n."""
    code = int(failure.exitcode)
    print(f"fairing-kfp: process {rank} of torchrun ended with exit code {code}", file=sys.stderr, flush=True)
    return 128 - code if code < 0 else code or 1
