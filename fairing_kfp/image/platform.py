"""The operating system and processor that an image is for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fairing_kfp.errors import PlatformError

_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}
_IMPLIED = {"amd64": "v1", "arm64": "v8", "arm": "v7"}


@dataclass(frozen=True)
class Platform:
    """An operating system, an architecture in Go's words, and sometimes a variant (image-spec, image-index.md).

    A variant that the architecture implies (`arm64/v8`) is left out, so that equal platforms compare equal.
    """

    os: str
    architecture: str
    variant: str = ""

    def __post_init__(self) -> None:
        """Brings the architecture's other names and implied variants to one spelling."""
        architecture = _ARCHITECTURES.get(self.architecture, self.architecture)
        object.__setattr__(self, "architecture", architecture)
        if _IMPLIED.get(architecture) == self.variant:
            object.__setattr__(self, "variant", "")

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Reads `linux/amd64` or `linux/arm/v7`.

        Raises:
            PlatformError: it has another form.
        """
        parts = text.strip().lower().split("/")
        if not 2 <= len(parts) <= 3 or not all(part.isalnum() or part == "x86_64" for part in parts):
            raise PlatformError(f"the platform {text!r} is malformed", "write it as linux/amd64 or linux/arm64")
        return cls(*parts)

    def matches(self, offered: Platform) -> bool:
        """Whether an image for the offered platform is one for this; no variant here takes any variant there."""
        same = (self.os, self.architecture) == (offered.os, offered.architecture)
        return same and self.variant in ("", offered.variant)

    def choose(self, offered: Iterable[Platform]) -> Platform | None:
        """The equal one of those on offer, or else the first that matches."""
        matching = [platform for platform in offered if self.matches(platform)]
        return self if self in matching else next(iter(matching), None)

    def __str__(self) -> str:
        """`os/architecture`, and `/variant` if there is one."""
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))
