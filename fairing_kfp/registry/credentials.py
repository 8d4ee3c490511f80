"""Who we are to a registry: what `docker login` has stored, and the seam for anything else.

Format: https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fairing_kfp.errors import UnauthorizedError
from fairing_kfp.image.reference import DOCKER_HUB

_DOCKER_HUB_KEY = "https://index.docker.io/v1/"  # what `docker login` files Docker Hub under
_TOKEN_USER = "<token>"  # noqa: S105 - how a helper marks an identity token
_HELPER_SECONDS = 30


@dataclass(frozen=True)
class Credentials:
    """A user name and password, or an identity token (an OAuth2 refresh token) in the password's place."""

    username: str
    password: str = field(repr=False)
    identity_token: str = field(default="", repr=False)


class CredentialStore(Protocol):
    """Knows who we are to registries."""

    def for_registry(self, registry: str) -> Credentials | None:
        """The credentials for a registry (`host` or `host:port`), or None to stay anonymous."""
        ...


class Anonymous:
    """Nobody, everywhere."""

    def for_registry(self, registry: str) -> Credentials | None:
        """None."""
        return None


class DockerConfig:
    """`$DOCKER_CONFIG/config.json`, or `~/.docker/config.json`; read when a registry first asks who we are.

    Args:
        path: another file of that form.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    def for_registry(self, registry: str) -> Credentials | None:
        """What the file, or the helper that it names for the registry, holds.

        Raises:
            UnauthorizedError: the file cannot be read, or its helper fails.
        """
        config = self._read()
        keys = _keys(registry)
        helpers = config.get("credHelpers") or {}
        helper = next((helpers[key] for key in keys if key in helpers), config.get("credsStore"))
        if helper and (found := _ask(str(helper), keys[0])):
            return found
        entries = config.get("auths") or {}
        entry = next((entries[key] for key in keys if key in entries), None)
        return _stored(entry) if entry else None

    def _read(self) -> dict[str, Any]:
        folder = os.environ.get("DOCKER_CONFIG")
        path = self._path or (Path(folder) if folder else Path.home() / ".docker") / "config.json"
        try:
            config = json.loads(path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise UnauthorizedError(f"the credentials in {path} cannot be read: {error}", "mend or remove it") from None
        return config if isinstance(config, dict) else {}


def _keys(registry: str) -> list[str]:
    """The names that a registry may be filed under, the usual one first."""
    if registry == DOCKER_HUB:
        return [_DOCKER_HUB_KEY, "index.docker.io", registry]
    return [registry, *(f"{scheme}://{registry}{path}" for scheme in ("https", "http") for path in ("", "/", "/v2/"))]


def _ask(helper: str, key: str) -> Credentials | None:
    """Asks `docker-credential-<helper>`, which knows the registry by the key."""
    program = f"docker-credential-{helper}"
    try:
        answer = subprocess.run(
            [program, "get"], input=key.encode(), capture_output=True, timeout=_HELPER_SECONDS, check=False
        )
        if answer.returncode:
            if b"not found" in answer.stdout.lower():
                return None
            raise UnauthorizedError(
                f"{program} gives no credentials for {key}: it ended with {answer.returncode}", f"run it: {program} get"
            )
        found = json.loads(answer.stdout)
        username, secret = found["Username"], found["Secret"]
    except FileNotFoundError:
        raise UnauthorizedError(
            f"the Docker configuration names {program}, which is not on PATH", "install it, or log in again"
        ) from None
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as error:
        raise UnauthorizedError(
            f"{program} gives no credentials for {key}: {type(error).__name__}", f"run it: {program} get"
        ) from None
    return Credentials("", "", secret) if username == _TOKEN_USER else Credentials(username, secret)


def _stored(entry: dict[str, Any]) -> Credentials | None:
    if token := entry.get("identitytoken"):
        return Credentials("", "", str(token))
    if "username" in entry and "password" in entry:
        return Credentials(str(entry["username"]), str(entry["password"]))
    try:
        username, colon, password = base64.b64decode(entry.get("auth") or "").decode().partition(":")
    except ValueError:
        return None
    return Credentials(username, password.rstrip("\0")) if colon else None
