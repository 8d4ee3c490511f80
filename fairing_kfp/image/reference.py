"""Names of images, as `docker pull` and Kubernetes read them.

Grammar: https://github.com/distribution/reference/blob/main/reference.go, of which only sha256 digests are taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TypeGuard

from fairing_kfp.errors import ReferenceError

DOCKER_HUB = "docker.io"
LONGEST_TAG = 128
_LONGEST_REPOSITORY = 255

_DOMAIN_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = re.compile(rf"(?:{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}")


def is_digest(text: object) -> TypeGuard[str]:
    """Whether this is a sha256 digest as manifests write it: `sha256:` and 64 lower-case hexadecimal digits."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Whether registries take this as a tag."""
    return len(text) <= LONGEST_TAG and _TAG.fullmatch(text) is not None


@dataclass(frozen=True)
class Reference:
    """An image name in full: `registry/repository`, then a tag, a digest, or both, or neither (which means `latest`).

    Attributes:
        registry: host, and port if any. Docker Hub is `docker.io`, its official images lie under `library/`.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    def __post_init__(self) -> None:
        """Refuses what a registry would refuse.

        Raises:
            ReferenceError: a part is malformed.
        """
        if not _REGISTRY.fullmatch(self.registry):
            raise self._malformed(f"{self.registry!r} is not a host name")
        if not _REPOSITORY.fullmatch(self.repository):
            lower = self.repository.lower()
            cause = "upper-case letters" if _REPOSITORY.fullmatch(lower) else f"{self.repository!r}"
            raise self._malformed(f"its path may not hold {cause}")
        if len(self.repository) > _LONGEST_REPOSITORY:
            raise self._malformed(f"its path is longer than {_LONGEST_REPOSITORY} characters")
        if self.tag is not None and not is_tag(self.tag):
            raise self._malformed(f"{self.tag!r} is not a tag")
        if self.digest is not None and not is_digest(self.digest):
            raise self._malformed(f"{self.digest!r} is not a sha256 digest")

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Reads a name the way Docker does: `python:3.12-slim` is `docker.io/library/python:3.12-slim`.

        Raises:
            ReferenceError: the name is malformed.
        """
        rest, at, digest = text.partition("@")
        first, slash, path = rest.partition("/")
        # Only these can be hosts; anything else is the first folder of a Docker Hub repository.
        if slash and (set(first) & set(".:[") or first == "localhost" or first != first.lower()):
            registry = DOCKER_HUB if first == "index.docker.io" else first
        else:
            registry, path = DOCKER_HUB, rest
        repository, colon, tag = path.partition(":")
        if registry == DOCKER_HUB and "/" not in repository:
            repository = f"library/{repository}"
        try:
            return cls(registry, repository, tag if colon else None, digest if at else None)
        except ReferenceError as error:
            raise ReferenceError(f"the image name {text!r} is malformed: {error.message}", error.remedy) from None

    @property
    def name(self) -> str:
        """The name without tag and digest."""
        return f"{self.registry}/{self.repository}"

    @property
    def wanted(self) -> str:
        """What a registry is asked for: the digest, or else the tag, or else `latest`."""
        return self.digest or self.tag or "latest"

    def with_digest(self, digest: str) -> Reference:
        """The same repository at a digest; without the tag, which could only contradict it."""
        return replace(self, tag=None, digest=digest)

    def with_tag(self, tag: str) -> Reference:
        """The same repository at a tag."""
        return replace(self, tag=tag, digest=None)

    def __str__(self) -> str:
        """The full name, which `docker pull` and Kubernetes accept as it stands."""
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def _malformed(self, cause: str) -> ReferenceError:
        return ReferenceError(cause, "write it as registry.example.com/project/name:tag, the path in lower case")
