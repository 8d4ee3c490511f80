"""Credentials for registries, and the interface of their stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from fairing_kfp.frozen import dataclass


@dataclass(frozen=True)
class Credentials:
    """A user name and password, or an identity token (an OAuth2 refresh token) instead of both.

    Attributes:
        username: the user name.
        password: the password, or an access token that the registry accepts as one.
        identity_token: the refresh token to exchange for access tokens; empty if there is none.
    """

    username: str
    password: str = field(repr=False)
    identity_token: str = field(default="", repr=False)


class CredentialStore(Protocol):
    """Looks up credentials."""

    def for_repository(self, registry: str, repository: str) -> Credentials | None:
        """The credentials for a repository, or None for anonymous access.

        Args:
            registry: `host` or `host:port`.
            repository: the repository's path.
        """
        ...


class Anonymous:
    """Anonymous access to every registry."""

    def for_repository(self, registry: str, repository: str) -> Credentials | None:
        """None."""
        return None


class StaticCredentials:
    """Credentials given in code.

    Args:
        credentials: the credentials by registry, such as `{"registry.example.com": Credentials("me", password)}`.
    """

    def __init__(self, credentials: Mapping[str, Credentials]) -> None:
        self._credentials = dict(credentials)

    def for_repository(self, registry: str, repository: str) -> Credentials | None:
        """The credentials of the registry."""
        return self._credentials.get(registry)


Given = StaticCredentials
"""The former name of `StaticCredentials`."""
