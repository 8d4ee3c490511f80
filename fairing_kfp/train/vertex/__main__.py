"""The program of a step on Vertex AI: `python3 -m fairing_kfp.train.vertex --executor_input … --order …`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import sys
from types import FrameType

from fairing_kfp.cluster.owner import Owner
from fairing_kfp.errors import ConfigError, FairingError
from fairing_kfp.train.vertex.order import VertexOrder


def main(arguments: list[str]) -> int:
    """Runs the step; gives its exit code."""
    parser = argparse.ArgumentParser(
        prog="fairing_kfp.train.vertex", description="Runs a component's code on Vertex AI."
    )
    parser.add_argument("--executor_input", required=True, help="KFP's ExecutorInput as JSON")
    parser.add_argument("--order", required=True, help="what to run, as JSON")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    try:
        order = VertexOrder.parse(given.order)
        _check_packages()
        from fairing_kfp.train.vertex.step import train

        train(
            order,
            json.loads(given.executor_input),
            _owner(order, given.executor_input),
            say=lambda text: print(f"fairing-kfp: {text}", flush=True),  # noqa: T201 - the step's log
        )
    except FairingError as error:
        print(f"fairing-kfp: {error}", file=sys.stderr, flush=True)  # noqa: T201
        return 1
    return 0


def _owner(order: VertexOrder, executor_input: str) -> Owner:
    from fairing_kfp.cluster.client import Cluster

    text = f"{order.text()}{executor_input}"
    return Owner.of_step(Cluster(), text) if os.environ.get("KFP_POD_NAME") else Owner.of_order(text)


def _check_packages() -> None:
    try:
        found = importlib.util.find_spec("google.cloud.aiplatform_v1") and importlib.util.find_spec(
            "google.cloud.storage"
        )
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise ConfigError(
            "Google's clients are not here",
            "name an own_image that was published with --extra vertex, or none, so that it is made along; "
            "outside of it install fairing-kfp[vertex]",
        )


def _leave(number: int, frame: FrameType | None) -> None:
    """Leaves all blocks, which cancel the job and clean up; once is enough."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
