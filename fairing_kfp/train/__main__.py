"""The program of a train step, in our own image: `python3 -m fairing_kfp.train --executor_input … --order …`."""

from __future__ import annotations

import argparse
import json
import os
import sys

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.errors import FairingError
from fairing_kfp.train.order import Order
from fairing_kfp.train.step import train


def main(arguments: list[str]) -> int:
    """Runs the step; gives its exit code."""
    parser = argparse.ArgumentParser(prog="fairing_kfp.train", description="Runs a component's code as a job.")
    parser.add_argument("--executor_input", required=True, help="KFP's ExecutorInput as JSON")
    parser.add_argument("--order", required=True, help="what to run, as JSON")
    given = parser.parse_args(arguments)
    try:
        train(
            Order.parse(given.order),
            json.loads(given.executor_input),
            Cluster(),
            say=lambda text: _write(f"fairing-kfp: {text}"),
            show=_write,
        )
    except FairingError as error:
        notes = getattr(error, "__notes__", [])  # such as what is left behind
        sys.stderr.write("\n".join([f"fairing-kfp: {error}", *notes]) + "\n")
        return 1
    return 0


def _write(line: str) -> None:
    """Writes a line to the step's log, whole: several threads do."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    # Threads that still listen may be about to write; Python's own end would abort the process then.
    os._exit(code)
