"""A user's own Dockerfile where a base image would be named: `dockerfile:PATH`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.errors import ConfigError
from fairing_kfp.image.reference import Reference

if TYPE_CHECKING:
    from fairing_kfp.image.image import Image

_SCHEME = "dockerfile:"


@dataclass(frozen=True)
class Dockerfile:
    """A Dockerfile; its folder is what it may copy from.

    Attributes:
        path: the file, absolute.
    """

    path: Path

    def __str__(self) -> str:
        """As it is written in settings."""
        return f"{_SCHEME}{self.path}"


def parse_base(text: str, folder: Path) -> Reference | Dockerfile:
    """Reads the name of a base image, or the place of a Dockerfile.

    Args:
        text: `python:3.12-slim`, or `dockerfile:PATH`.
        folder: where a relative path begins.

    Raises:
        ConfigError: there is no such Dockerfile.
        ReferenceError: the name is malformed.
    """
    if not text.startswith(_SCHEME):
        return Reference.parse(text)
    path = (folder / text.removeprefix(_SCHEME)).absolute()
    if not path.is_file():
        raise ConfigError(f"there is no Dockerfile {path}", "give its path as dockerfile:PATH")
    return Dockerfile(path)


def anchored(text: str, folder: Path) -> str:
    """The same base, with a Dockerfile's path made absolute; its folder is where the text was written."""
    path = text.removeprefix(_SCHEME)
    return f"{_SCHEME}{(folder / path).absolute()}" if path != text else text


def in_registry(image: Image) -> Reference:
    """The base of an image whose builder has no engine that could build a Dockerfile.

    Raises:
        ConfigError: the base is a Dockerfile.
    """
    if isinstance(image.base, Dockerfile):
        raise ConfigError(
            f"the base of {image.name} is a Dockerfile, {image.base.path}, which has to be built by an engine",
            'use builder = "docker" (or "podman") for it, or name an image that has been built',
        )
    return image.base
