"""Image recipes: images ready to be published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from fairing_kfp.frozen import dataclass
from fairing_kfp.image.image import AnyImage
from fairing_kfp.preprocess.bundle import Bundle

if TYPE_CHECKING:
    from fairing_kfp.dependencies.lock import Lock


@dataclass(frozen=True)
class ImageRecipe:
    """The image of a component, or our own image, ready to be published.

    Attributes:
        name: the component's name.
        bundle: the component's code; empty for our own image.
        image: the image, for one platform or several; its lowest layers change least often.
        packages_by_layer: the packages in each layer, as `name==version`, by the layer's digest.
        builder: the component's builder; None for the project's.
        secrets: environment variables that Kubernetes sets from Secrets.
        locks: the locks of the packages in layers, by the layers' digests; also those of a predictor's server.
    """

    name: str
    bundle: Bundle
    image: AnyImage
    packages_by_layer: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    builder: str | None = None
    secrets: tuple[str, ...] = ()
    locks: Mapping[str, Lock] = field(default_factory=dict, hash=False, repr=False)

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages on any platform, sorted."""
        return tuple(sorted({pin for pins in self.packages_by_layer.values() for pin in pins}))
