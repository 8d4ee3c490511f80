"""The program of a training step on Vertex AI: `python3 -m fairing_kfp.train.vertex --executor_input … --order …`."""

from __future__ import annotations

import argparse
import json
import sys

from fairing_kfp.cluster.program import log, run_program
from fairing_kfp.train.vertex.process import check_packages, exit_on_sigterm, owner_of_step
from fairing_kfp.train.vertex.spec import VertexJobSpec


def main(arguments: list[str]) -> int:
    """Runs the step, and returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="fairing_kfp.train.vertex", description="Runs a component's code on Vertex AI."
    )
    parser.add_argument("--executor_input", required=True, help="KFP's ExecutorInput (JSON)")
    parser.add_argument("--order", dest="spec", required=True, help="Job spec (JSON)")
    given = parser.parse_args(arguments)
    with exit_on_sigterm():
        return run_program(lambda: _run(given))


def _run(given: argparse.Namespace) -> None:
    spec = VertexJobSpec.parse(given.spec)
    check_packages()
    from fairing_kfp.train.vertex.step import train

    owner = owner_of_step(f"{spec.text()}{given.executor_input}")
    train(spec, json.loads(given.executor_input), owner, log=log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
