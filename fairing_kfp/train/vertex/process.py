"""The process of a step on Vertex AI: Google's clients, the owner of its job, and the signal that ends it."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fairing_kfp.cluster.owner import Owner
from fairing_kfp.errors import ConfigError


def check_packages() -> None:
    """Checks that Google's clients are installed.

    Raises:
        ConfigError: they are not.
    """
    try:
        found = importlib.util.find_spec("google.cloud.aiplatform_v1") and importlib.util.find_spec(
            "google.cloud.storage"
        )
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise ConfigError(
            "Google's clients are not installed",
            "publish own_image with --extra vertex, or leave own_image out, so that it is published with the pipeline; "
            "outside of the image, install fairing-kfp[vertex]",
        )


def owner_of_step(text: str) -> Owner:
    """The owner of this step's job.

    Args:
        text: spec and inputs of the step, which identify it outside KFP.

    Raises:
        ClusterError: the step's pod cannot be read.
    """
    from fairing_kfp.cluster.client import Cluster

    return Owner.of_step(Cluster(), text) if os.environ.get("KFP_POD_NAME") else Owner.outside_kfp(text)


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Exits through all context managers on SIGTERM, which cancel the job and clean up; further signals are ignored."""
    previous = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _exit(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)
