"""A base image as a registry gave it, and whether a component can stand upon it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from fairing_kfp.errors import PythonVersionError
from fairing_kfp.image.descriptor import Descriptor, load, malformed
from fairing_kfp.image.image import Image
from fairing_kfp.image.manifest import Manifest, no_such_platform
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference

_PYTHON_VARIABLE = "PYTHON_VERSION"  # set by Docker's official images, and by most that are made from them


@dataclass(frozen=True)
class Base:
    """One platform of a base image.

    Attributes:
        reference: its name, by the digest that the name stood for: of the index if there is one.
        manifest: the manifest of the platform.
        config: the bytes of its config.
        platforms: those that the index lists, or none when there is no index.
    """

    reference: Reference
    manifest: Manifest
    config: bytes
    platforms: tuple[Platform, ...] = ()

    def as_oci(self) -> Base:
        """The same base with OCI's media types throughout; its layers and its config are the same bytes."""
        return replace(self, manifest=self.manifest.as_oci())

    @property
    def layers(self) -> tuple[Descriptor, ...]:
        """Its layers, the lowest first."""
        return self.manifest.entries

    @cached_property
    def document(self) -> dict[str, Any]:
        """The config (image-spec, config.md), to be read only.

        Raises:
            ImageError: it contradicts the manifest.
        """
        document = load(self.config, "config")
        rootfs, settings = document.get("rootfs"), document.get("config") or {}
        diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
        if not isinstance(diff_ids, list) or len(diff_ids) != len(self.layers):
            raise malformed("its config and its manifest do not list the same number of layers")
        if not isinstance(settings, dict) or not isinstance(settings.get("Env") or [], list):
            raise malformed("its config holds no settings that can be read")
        history = document.get("history") or []
        if not isinstance(history, list) or not all(isinstance(entry, dict) for entry in history):
            raise malformed("its config holds no history that can be read")
        return document

    @property
    def env(self) -> tuple[str, ...]:
        """Its environment, as `NAME=value`."""
        return tuple(map(str, (self.document.get("config") or {}).get("Env") or []))

    @property
    def platform(self) -> Platform:
        """What its config says it is for."""
        read = self.document.get
        return Platform(str(read("os", "")), str(read("architecture", "")), str(read("variant") or ""))

    @property
    def python(self) -> tuple[int, int] | None:
        """The minor version of its Python, if it tells."""
        for variable in reversed(self.env):
            name, _, value = variable.partition("=")
            if name == _PYTHON_VARIABLE:
                return _minor(value)
        return None


def preflight(base: Base, image: Image) -> None:
    """Finds out before anything is sent what would else show when the step starts.

    Raises:
        PlatformError: the base is for another platform.
        PythonVersionError: its Python is unknown, or is not the author's: pickles need the same minor version.
    """
    if not image.platform.matches(base.platform):
        raise no_such_platform(image.base, image.platform, base.platforms or (base.platform,))

    declared = _minor(image.declared_python) if image.declared_python else None
    if image.declared_python and not declared:
        raise PythonVersionError(
            f"python_version={image.declared_python!r} of {image.name} is not a version",
            'write it as python_version="3.12"',
        )
    if base.python and declared and base.python != declared:
        raise PythonVersionError(
            f"python_version={image.declared_python!r} of {image.name} contradicts its base image {image.base}, "
            f"which holds Python {_dotted(base.python)}",
            "leave python_version out: it is for base images that do not tell",
        )
    found, author = base.python or declared, image.python_version
    if found is None:
        raise PythonVersionError(
            f"the base image {image.base} of {image.name} does not tell which Python it holds "
            f"(its config sets no {_PYTHON_VARIABLE})",
            f'if it holds Python {_dotted(author)}, say so with python_version="{_dotted(author)}"; '
            "otherwise use a base image that does",
        )
    if found != author:
        raise PythonVersionError(
            f"the base image {image.base} of {image.name} holds Python {_dotted(found)}, "
            f"but the code is packed by Python {_dotted(author)}",
            f"use a base image with Python {_dotted(author)}, such as python:{_dotted(author)}-slim, "
            f"or run this command under Python {_dotted(found)}",
        )


def _minor(version: str) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)(?!\d)", version)
    return (int(found[1]), int(found[2])) if found else None


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
