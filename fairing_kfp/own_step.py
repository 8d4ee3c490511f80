"""Steps of our own, which run in our own image on behalf of a component: what stands for that image in a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairing_kfp.source import PLACEHOLDER

OWN_IMAGE = f"{PLACEHOLDER}fairing-kfp"
"""The image name that stands in the pipeline for our own image until it is compiled."""

TRAIN = ("python3", "-m", "fairing_kfp.train")
"""What starts a train step."""

SERVE = ("python3", "-m", "fairing_kfp.serving")
"""What starts a serve step."""

ORDER = "--order"
"""What a step of ours is told to do: JSON."""


def order_of(container: Mapping[str, Any]) -> str | None:
    """What a container of a compiled pipeline is told to do, if it is a train step of ours."""
    arguments = list(container.get("args", ()))
    if tuple(container.get("command", ())) != TRAIN or ORDER not in arguments:
        return None
    return str(arguments[arguments.index(ORDER) + 1])


def image_of(container: Mapping[str, Any]) -> str:
    """The image that a container of a compiled pipeline runs code of: its own, or the one that its job runs."""
    from fairing_kfp.train.order import Order

    order = order_of(container)
    return Order.parse(order).image if order is not None else str(container.get("image", ""))
