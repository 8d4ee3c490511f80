"""Base images, and the check that a component's image fits its base."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import Any

from fairing_kfp.errors import PythonVersionError
from fairing_kfp.frozen import dataclass
from fairing_kfp.image.descriptor import Descriptor, load, malformed
from fairing_kfp.image.image import Image
from fairing_kfp.image.manifest import Manifest, unsupported_platform
from fairing_kfp.image.platform import Platform, is_platform_part
from fairing_kfp.image.reference import Reference

_PYTHON_VARIABLE = "PYTHON_VERSION"  # set by Docker's official images, and by most images based on them


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_text_table(value: Any) -> bool:
    return _is_table(value) and all(map(_is_text, value.values()))


_PLATFORM = {
    **dict.fromkeys(("os", "architecture", "variant", "os.version"), is_platform_part),
    "os.features": _is_list,
}
_SETTINGS = {
    **dict.fromkeys(("Env", "Entrypoint", "Cmd", "OnBuild", "Shell"), _is_list),
    **dict.fromkeys(("User", "WorkingDir", "StopSignal"), _is_text),
    **dict.fromkeys(("ExposedPorts", "Volumes"), _is_table),
    "Labels": _is_text_table,
}
"""The types of fields that engines read (image-spec, config.md); with others, a step would fail when it starts."""


@dataclass(frozen=True)
class Base:
    """One platform of a base image.

    Attributes:
        reference: the base image by digest; the digest of the index if there is one.
        manifest: the platform's manifest.
        config: the bytes of its config.
        platforms: the platforms of the index; empty without an index.
    """

    reference: Reference
    manifest: Manifest
    config: bytes
    platforms: tuple[Platform, ...] = ()

    def as_oci(self) -> Base:
        """The base with OCI media types; the bytes of its layers and config stay the same."""
        return replace(self, manifest=self.manifest.as_oci())

    @property
    def layers(self) -> tuple[Descriptor, ...]:
        """Its layers, lowest first."""
        return self.manifest.entries

    @cached_property
    def document(self) -> dict[str, Any]:
        """The parsed config (image-spec, config.md); read-only.

        Raises:
            ImageError: the config is malformed, or contradicts the manifest.
        """
        document = load(self.config, "config")
        rootfs, settings = document.get("rootfs"), document.get("config") or {}
        diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
        if not isinstance(diff_ids, list) or len(diff_ids) != len(self.layers):
            raise malformed("its config and its manifest list different numbers of layers")
        if not all(isinstance(one, str) for one in diff_ids):
            raise malformed("the layers in its config cannot be read")
        if not isinstance(settings, dict):
            raise malformed("the settings in its config cannot be read")
        for place, fields in ((document, _PLATFORM), (settings, _SETTINGS)):
            for name, fits in fields.items():
                if place.get(name) is not None and not fits(place[name]):
                    raise malformed(f"{name} in its config has the wrong type")
        history = document.get("history") or []
        if not isinstance(history, list) or not all(isinstance(entry, dict) for entry in history):
            raise malformed("the history in its config cannot be read")
        return document

    @property
    def env(self) -> tuple[str, ...]:
        """Its environment variables, as `NAME=value`."""
        return tuple((self.document.get("config") or {}).get("Env") or [])

    @property
    def platform(self) -> Platform:
        """The platform in its config."""
        read = self.document.get
        return Platform(read("os") or "", read("architecture") or "", read("variant") or "")

    @property
    def python(self) -> tuple[int, int] | None:
        """Major and minor version of its Python; None if `PYTHON_VERSION` is not set."""
        for variable in reversed(self.env):
            name, _, value = variable.partition("=")
            if name == _PYTHON_VARIABLE:
                return _minor(value)
        return None


def check_fits(base: Base, image: Image) -> None:
    """Checks that an image fits its base, before anything is sent; otherwise the step would fail when it starts.

    Raises:
        PlatformError: the base is for another platform.
        PythonVersionError: the base's Python is unknown, or has another minor version than the author's. Pickles need
            the same one.
    """
    if not image.platform.matches(base.platform):
        raise unsupported_platform(image.base, image.platform, base.platforms or (base.platform,))
    if image.python_version is None:
        return

    declared = _minor(image.declared_python) if image.declared_python else None
    if image.declared_python and not declared:
        raise PythonVersionError(
            f"python_version={image.declared_python!r} of {image.name} is not a version",
            'write it as python_version="3.12"',
        )
    if base.python and declared and base.python != declared:
        raise PythonVersionError(
            f"python_version={image.declared_python!r} of {image.name} contradicts its base image {image.base}, "
            f"which has Python {_dotted(base.python)}",
            f"remove python_version: it is for base images that do not set {_PYTHON_VARIABLE}",
        )
    found, author = base.python or declared, image.python_version
    if found is None:
        raise PythonVersionError(
            f"the Python version of the base image {image.base} of {image.name} is unknown: "
            f"its config does not set {_PYTHON_VARIABLE}",
            f'if it has Python {_dotted(author)}, set python_version="{_dotted(author)}"; '
            "otherwise use another base image",
        )
    if found != author:
        raise PythonVersionError(
            f"the base image {image.base} of {image.name} has Python {_dotted(found)}, "
            f"but the code is packed by Python {_dotted(author)}",
            f"use a base image with Python {_dotted(author)}, such as python:{_dotted(author)}-slim, "
            f"or run this command under Python {_dotted(found)}",
        )


def _minor(version: str) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)(?!\d)", version)
    return (int(found[1]), int(found[2])) if found else None


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
