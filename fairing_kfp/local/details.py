"""What ran in a local run, for its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairing_kfp.frozen import dataclass


@dataclass(frozen=True)
class ImageDetails:
    """An image that steps ran from.

    Attributes:
        component: name of the component.
        reference: the image.
        layers: name, digest and size in bytes of each layer above the base image, lowest first.
        packages: packages, as `name==version`.
    """

    component: str
    reference: str
    layers: tuple[tuple[str, str, int], ...]
    packages: tuple[str, ...]


@dataclass(frozen=True)
class RunDetails:
    """What ran, for the report of a run.

    Attributes:
        pipeline: name of the pipeline.
        document: the compiled pipeline (PipelineSpec).
        arguments: values of its parameters.
        runner: the runner.
        images: images of its components.
        began: when it began, as a Unix time.
        seconds: duration, in seconds.
    """

    pipeline: str
    document: Mapping[str, Any]
    arguments: Mapping[str, Any]
    runner: str
    images: tuple[ImageDetails, ...]
    began: float
    seconds: float
