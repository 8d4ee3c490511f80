"""Images, plans and errors as JSON, to be sent between this machine and the Job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from fairing_kfp import errors
from fairing_kfp.builders.builder import Plan, PlannedLayer
from fairing_kfp.image.image import AnyImage, Image, combine
from fairing_kfp.image.layer import Layer
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference

Opener = Callable[[str, int], BinaryIO]
"""Opens a layer by its digest and size."""

_SAME = ("name", "declared_python", "user", "working_folder", "tag")
_LAYER = ("name", "diff_id", "digest", "size", "compression")


def image_to_json(image: AnyImage) -> dict[str, Any]:
    """An image without the bytes of its layers.

    Args:
        image: its base is a reference, not a Dockerfile.
    """
    return {"images": [_one_to_json(one) for one in image.images]}


def image_from_json(document: Mapping[str, Any], open_layer: Opener) -> AnyImage:
    """The image of a document.

    Args:
        document: the result of `image_to_json`.
        open_layer: opens layers when they are pushed.
    """
    return combine([_one_from_json(one, open_layer) for one in document["images"]])


def plan_from_json(document: Mapping[str, Any]) -> Plan:
    """The plan of a document made by `dataclasses.asdict`."""
    return Plan(**{**document, "layers": tuple(PlannedLayer(**layer) for layer in document["layers"])})


def error_to_json(error: errors.FairingError) -> dict[str, Any]:
    """An error with its class, message, remedy and further attributes."""
    return {"class": type(error).__name__, "attributes": vars(error)}


def error_from_json(document: Mapping[str, Any]) -> errors.FairingError:
    """The error of a document. A registry's error says that it happened in the cluster."""
    kind: type[errors.FairingError] = getattr(errors, document["class"])
    attributes = dict(document["attributes"])
    if issubclass(kind, errors.RegistryError):
        attributes["message"] = f"in the cluster, {attributes['message']}"
    if issubclass(kind, errors.UnauthorizedError):
        attributes["remedy"] = (
            "name a Secret of type kubernetes.io/dockerconfigjson with a login for it in cluster_secret "
            "(--cluster-secret), and check the name of the image"
        )
    error = kind.__new__(kind)
    errors.FairingError.__init__(error, attributes["message"], attributes["remedy"])
    vars(error).update(attributes)
    return error


def _one_to_json(image: Image) -> dict[str, Any]:
    return {
        **{name: getattr(image, name) for name in _SAME},
        "base": str(image.base),
        "platform": str(image.platform),
        "python_version": _listed(image.python_version),
        "env": dict(image.env),
        "labels": dict(image.labels),
        "command": _listed(image.command),
        "layers": [{name: getattr(layer, name) for name in _LAYER} for layer in image.layers],
    }


def _one_from_json(document: Mapping[str, Any], open_layer: Opener) -> Image:
    python, command = document["python_version"], document["command"]
    return Image(
        **{name: document[name] for name in _SAME},
        base=Reference.parse(document["base"]),
        platform=Platform.parse(document["platform"]),
        python_version=None if python is None else (python[0], python[1]),
        env=document["env"],
        labels=document["labels"],
        command=None if command is None else tuple(command),
        layers=tuple(_layer(one, open_layer) for one in document["layers"]),
    )


def _listed(values: Sequence[object] | None) -> list[object] | None:
    return None if values is None else list(values)


def _layer(document: Mapping[str, Any], open_layer: Opener) -> Layer:
    digest, size = document["digest"], document["size"]
    return Layer(**document, open=lambda: open_layer(digest, size))
