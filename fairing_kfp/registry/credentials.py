"""Who we are to a registry: the values, and the seam for whoever knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Credentials:
    """A user name and password, or an identity token (an OAuth2 refresh token) in the password's place."""

    username: str
    password: str = field(repr=False)
    identity_token: str = field(default="", repr=False)


class CredentialStore(Protocol):
    """Knows who we are to registries."""

    def for_repository(self, registry: str, repository: str) -> Credentials | None:
        """The credentials for a repository of a registry (`host` or `host:port`), or None to stay anonymous."""
        ...


class Anonymous:
    """Nobody, everywhere."""

    def for_repository(self, registry: str, repository: str) -> Credentials | None:
        """None."""
        return None


class Given:
    """Credentials given in code.

    Args:
        known: by registry, as in `{"registry.example.com": Credentials("me", password)}`.
    """

    def __init__(self, known: Mapping[str, Credentials]) -> None:
        self._known = dict(known)

    def for_repository(self, registry: str, repository: str) -> Credentials | None:
        """Those of the registry."""
        return self._known.get(registry)
