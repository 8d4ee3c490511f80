"""Defaults of recipes: base image, platforms and compression."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast, get_args

from fairing_kfp.errors import ConfigError
from fairing_kfp.image.dockerfile import Dockerfile, parse_base
from fairing_kfp.image.layer import Compression
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference
from fairing_kfp.settings import Settings

USER = "65532:65532"
"""User and group of images of ours: those of distroless; numbers, since Kubernetes' `runAsNonRoot` rejects names."""

DEFAULT_PLATFORM = "linux/amd64"
"""The platform of images if neither the component nor the settings name one."""


def chosen_base(
    settings: Settings, python: tuple[int, int], folder: Path, name: str | None = None
) -> Reference | Dockerfile:
    """The base of an image: by default, the official Python image.

    Args:
        settings: the project's settings.
        python: the Python version, major and minor.
        folder: the folder that a relative path of a Dockerfile starts from.
        name: a base that overrides that of the settings.

    Raises:
        ConfigError: the Dockerfile does not exist.
        InvalidReferenceError: the base is not a reference.
    """
    base = parse_base(name or settings.base_image or f"python:{python[0]}.{python[1]}-slim", folder)
    if isinstance(base, Dockerfile) and not base.path.is_file():
        raise ConfigError(f"the Dockerfile {base.path} does not exist", "write its path as dockerfile:PATH")
    return base


def chosen_platforms(settings: Settings, names: Sequence[str] = ()) -> tuple[Platform, ...]:
    """The distinct platforms of an image.

    Args:
        settings: the project's settings.
        names: platforms that override those of the settings.

    Raises:
        PlatformError: a platform is malformed.
    """
    return tuple(dict.fromkeys(map(Platform.parse, names or settings.platforms or (DEFAULT_PLATFORM,))))


def chosen_compression(settings: Settings) -> Compression:
    """The compression of layers of packages.

    Raises:
        ConfigError: the settings name an unknown compression.
    """
    if settings.compression not in get_args(Compression):
        raise ConfigError(f"unknown compression {settings.compression!r}", "use gzip or zstd")
    return cast(Compression, settings.compression)
