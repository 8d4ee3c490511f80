"""Steps of our own, which run in our own image on behalf of a component: what stands for that image in a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fairing_kfp.source import PLACEHOLDER

if TYPE_CHECKING:
    from fairing_kfp.train.order import Order
    from fairing_kfp.train.vertex.order import VertexOrder

OWN_IMAGE = f"{PLACEHOLDER}own/fairing-kfp"
"""The image name that stands in the pipeline for our own image until it is compiled; no component has a slash."""

VERTEX_IMAGE = f"{PLACEHOLDER}vertex/fairing-kfp"
"""Likewise, for the one that holds Google's clients too."""

OWN_IMAGES = {OWN_IMAGE: "", VERTEX_IMAGE: "vertex"}
"""All of them, each with the packages that it holds beside those of every one: see `own_image`."""

TRAIN = ("python3", "-m", "fairing_kfp.train")
"""What starts a train step."""

VERTEX = ("python3", "-m", "fairing_kfp.train.vertex")
"""What starts one that trains on Vertex AI."""

SERVE = ("python3", "-m", "fairing_kfp.serving")
"""What starts a serve step."""

ORDER = "--order"
"""What a step of ours is told to do: JSON."""


def order_of(container: Mapping[str, Any]) -> Order | VertexOrder | None:
    """What a container of a compiled pipeline is told to do, if it is a train step of ours."""
    command, arguments = tuple(container.get("command", ())), list(container.get("args", ()))
    if command not in (TRAIN, VERTEX) or ORDER not in arguments:
        return None
    text = str(arguments[arguments.index(ORDER) + 1])
    if command == VERTEX:
        from fairing_kfp.train.vertex.order import VertexOrder

        return VertexOrder.parse(text)
    from fairing_kfp.train.order import Order

    return Order.parse(text)


def image_of(container: Mapping[str, Any]) -> str:
    """The image that a container of a compiled pipeline runs code of: its own, or the one that its job runs."""
    order = order_of(container)
    return order.image if order is not None else str(container.get("image", ""))
