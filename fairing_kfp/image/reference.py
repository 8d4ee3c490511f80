"""References to images, in the syntax of `docker pull` and Kubernetes.

Grammar: https://github.com/distribution/reference/blob/main/reference.go; of its digests, only sha256 is supported.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TypeGuard

from fairing_kfp.errors import InvalidReferenceError
from fairing_kfp.frozen import dataclass

DOCKER_HUB = "docker.io"
MAX_TAG = 128
_MAX_REPOSITORY = 255

_DOMAIN_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = re.compile(rf"(?:{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}")


def is_digest(text: object) -> TypeGuard[str]:
    """Whether this is a sha256 digest: `sha256:` and 64 lower-case hexadecimal digits."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Whether registries accept this as a tag."""
    return len(text) <= MAX_TAG and _TAG.fullmatch(text) is not None


@dataclass(frozen=True)
class Reference:
    """A fully qualified image reference; without tag and digest, it means the tag `latest`.

    Attributes:
        registry: `host` or `host:port`; `docker.io` for Docker Hub.
        repository: the path, such as `library/python`.
        tag: such as `3.12-slim`.
        digest: `sha256:` and 64 hexadecimal digits.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    def __post_init__(self) -> None:
        """Validates the parts.

        Raises:
            InvalidReferenceError: a part is malformed.
        """
        if not _REGISTRY.fullmatch(self.registry):
            raise self._malformed(f"{self.registry!r} is not a host name")
        port = self.registry.rpartition(":")[2]
        if port.isdecimal() and not 0 < int(port[:6]) < 65536:
            raise self._malformed(f"{self.registry!r} has no valid port")
        if not _REPOSITORY.fullmatch(self.repository):
            lower = self.repository.lower()
            cause = "upper-case letters" if _REPOSITORY.fullmatch(lower) else f"{self.repository!r}"
            raise self._malformed(f"its path must not contain {cause}")
        if len(self.repository) > _MAX_REPOSITORY:
            raise self._malformed(f"its path is longer than {_MAX_REPOSITORY} characters")
        if self.tag is not None and not is_tag(self.tag):
            raise self._malformed(f"{self.tag!r} is not a tag")
        if self.digest is not None and not is_digest(self.digest):
            raise self._malformed(f"{self.digest!r} is not a sha256 digest")

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Parses a reference as Docker does: `python:3.12-slim` is `docker.io/library/python:3.12-slim`.

        Raises:
            InvalidReferenceError: the reference is malformed.
        """
        rest, at, digest = text.partition("@")
        first, slash, path = rest.partition("/")
        # A host has a dot, a port or a capital, or is localhost; otherwise this is a namespace of Docker Hub.
        if slash and (set(first) & set(".:[") or first == "localhost" or first != first.lower()):
            registry = DOCKER_HUB if first == "index.docker.io" else first
        else:
            registry, path = DOCKER_HUB, rest
        repository, colon, tag = path.partition(":")
        if registry == DOCKER_HUB and "/" not in repository:
            repository = f"library/{repository}"
        try:
            return cls(registry, repository, tag if colon else None, digest if at else None)
        except InvalidReferenceError as error:
            raise InvalidReferenceError(
                f"the image name {text!r} is malformed: {error.message}", error.remedy
            ) from None

    @property
    def name(self) -> str:
        """`registry/repository`."""
        return f"{self.registry}/{self.repository}"

    @property
    def wanted(self) -> str:
        """The digest, or else the tag, or else `latest`: the last part of a manifest's URL."""
        return self.digest or self.tag or "latest"

    def with_digest(self, digest: str) -> Reference:
        """The repository at a digest, without the tag, which might contradict it."""
        return replace(self, tag=None, digest=digest)

    def with_tag(self, tag: str) -> Reference:
        """The repository at a tag, without the digest."""
        return replace(self, tag=tag, digest=None)

    def __str__(self) -> str:
        """The full reference, as `docker pull` and Kubernetes accept it."""
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def _malformed(self, cause: str) -> InvalidReferenceError:
        return InvalidReferenceError(cause, "write it as registry.example.com/project/name:tag, the path in lower case")
