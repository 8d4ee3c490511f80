"""Platforms: the operating system and processor architecture of an image."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fairing_kfp.errors import PlatformError
from fairing_kfp.frozen import dataclass

_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}
_PART = re.compile(r"[A-Za-z0-9._+-]{0,100}")
_IMPLIED = {"amd64": "v1", "arm64": "v8", "arm": "v7"}


def is_platform_part(value: object) -> bool:
    """Whether a value of a registry can be an operating system, an architecture, a variant or a version."""
    return isinstance(value, str) and _PART.fullmatch(value) is not None


@dataclass(frozen=True)
class Platform:
    """A platform (image-spec, image-index.md).

    Attributes:
        os: such as `linux`.
        architecture: Go's name of it, such as `amd64`; other spellings are normalized.
        variant: such as `v7`; empty if the architecture implies it (`arm64/v8`), so that equal platforms compare equal.
    """

    os: str
    architecture: str
    variant: str = ""

    def __post_init__(self) -> None:
        """Normalizes the architecture and the variant."""
        architecture = _ARCHITECTURES.get(self.architecture, self.architecture)
        object.__setattr__(self, "architecture", architecture)
        if _IMPLIED.get(architecture) == self.variant:
            object.__setattr__(self, "variant", "")

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Parses `linux/amd64` or `linux/arm/v7`.

        Raises:
            PlatformError: the text is malformed.
        """
        parts = text.strip().lower().split("/")
        if not 2 <= len(parts) <= 3 or not all(part.isalnum() or part == "x86_64" for part in parts):
            raise PlatformError(f"the platform {text!r} is malformed", "write it as linux/amd64 or linux/arm64")
        return cls(*parts)

    def matches(self, offered: Platform) -> bool:
        """Whether an image for the offered platform runs on this one; without a variant, any variant matches."""
        same = (self.os, self.architecture) == (offered.os, offered.architecture)
        return same and self.variant in ("", offered.variant)

    def choose(self, offered: Iterable[Platform]) -> Platform | None:
        """The equal one of the offered platforms, or else the first that matches."""
        matching = [platform for platform in offered if self.matches(platform)]
        return self if self in matching else next(iter(matching), None)

    def __str__(self) -> str:
        """`os/architecture`, or `os/architecture/variant`."""
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))
