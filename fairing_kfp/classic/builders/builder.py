"""The interface of builders."""

from __future__ import annotations

from typing import Any, Protocol


class BuilderInterface(Protocol):
    """Makes an image and stores it."""

    def build(self) -> str:
        """Makes and stores the image.

        Returns:
            The image by digest.
        """
        ...

    def generate_pod_spec(self, image: str | None = None) -> Any:
        """The specification of a pod with the image, for a deployer.

        Args:
            image: the image; by default the builder's.
        """
        ...
