"""Base images given by name, or as a Dockerfile to be built: `dockerfile:PATH`."""

from __future__ import annotations

from pathlib import Path

from fairing_kfp.frozen import dataclass
from fairing_kfp.image.reference import Reference


@dataclass(frozen=True)
class Dockerfile:
    """A Dockerfile that builds a base image; its folder is the build context.

    Attributes:
        path: its absolute path.
    """

    path: Path

    def __str__(self) -> str:
        """`dockerfile:PATH`, as in settings."""
        from fairing_kfp.settings import DOCKERFILE  # on first use

        return f"{DOCKERFILE}{self.path}"


def parse_base(text: str, folder: Path) -> Reference | Dockerfile:
    """Parses the setting `base_image`.

    Args:
        text: a reference such as `python:3.12-slim`, or `dockerfile:PATH`.
        folder: the folder that a relative path starts from.

    Raises:
        InvalidReferenceError: the reference is malformed.
    """
    from fairing_kfp.settings import DOCKERFILE  # on first use

    if not text.startswith(DOCKERFILE):
        return Reference.parse(text)
    return Dockerfile((folder / text.removeprefix(DOCKERFILE)).absolute())
