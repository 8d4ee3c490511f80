"""What the layers of an image contain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fairing_kfp.image.layer import File

OWN_LAYERS = ("runtime", "server", "server packages", "fairing-kfp")
"""Names of layers whose packages come from a release of fairing-kfp, and not from a project's lock."""


@dataclass(frozen=True, order=True)
class Package:
    """A Python distribution in a layer.

    Attributes:
        name: its canonical name.
        version: its version.
        hashes: digests of the files that its lock accepts, as `sha256:<hex>`; one of them is installed.
        licenses: its license as an SPDX expression, or names of licenses; empty if its metadata does not tell.
    """

    name: str
    version: str
    hashes: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerContents:
    """The contents of a layer.

    Attributes:
        digest: the layer's digest.
        name: the layer's name; one of `OWN_LAYERS` if a release of fairing-kfp decides what is in it.
        packages: its packages.
        files: its files that belong to no package.
    """

    digest: str
    name: str
    packages: tuple[Package, ...] = ()
    files: tuple[File, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class ImageContents:
    """The contents of an image above its base.

    Attributes:
        name: the component's name.
        layers: its distinct layers on all platforms, lowest first.
    """

    name: str
    layers: tuple[LayerContents, ...]

    def packages(self) -> Iterator[tuple[Package, LayerContents]]:
        """The packages with their layers."""
        for layer in self.layers:
            for package in layer.packages:
                yield package, layer
