"""An image as a recipe: nothing is read, resolved or sent until a builder is given it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.image.layer import Layer
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference


@dataclass(frozen=True)
class Image:
    """A base image, and what is put upon it.

    Attributes:
        name: the component's name; for people, and for tags.
        base: the image that the layers are put upon, or the Dockerfile of one.
        layers: in their order, the lowest first.
        platform: which of the base's platforms.
        python_version: the author's Python, major and minor, which the base must have too.
        declared_python: what the user says the base's Python is, for a base that does not say so itself.
        env: environment variables, added to the base's.
        labels: of its config, added to the base's.
        user: whom it runs as unless it is started as another, such as `65532`; None for the base's user.
        command: what it starts unless it is told something else; None for the base's own.
        tag: its tag in registries, in which `{name}` and `{digest}` are filled in; None for the builder's choice.
    """

    name: str
    base: Reference | Dockerfile
    layers: tuple[Layer, ...]
    platform: Platform
    python_version: tuple[int, int]
    declared_python: str | None = None
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    user: str | None = None
    command: tuple[str, ...] | None = None
    tag: str | None = None

    @property
    def images(self) -> tuple[Image, ...]:
        """Itself: so that an image for one platform is read as one for several is."""
        return (self,)
