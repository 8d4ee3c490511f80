"""A file of logins: Docker's `config.json`, Podman's `auth.json`, a `kubernetes.io/dockerconfigjson` secret.

Formats: https://docs.docker.com/reference/cli/docker/login/, and for keys that name a repository
https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md; of several keys the longest holds.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from fairing_kfp.errors import UnauthorizedError
from fairing_kfp.image.reference import DOCKER_HUB
from fairing_kfp.registry.credentials import Credentials
from fairing_kfp.registry.helper import ask

_DOCKER_HUB_KEY = "https://index.docker.io/v1/"  # what `docker login` files Docker Hub under
_DOCKER_HUB_HOSTS = (DOCKER_HUB, "index.docker.io", "registry-1.docker.io")


class AuthFile:
    """One file, read when a registry asks who we are, as somebody may log in meanwhile.

    Args:
        path: the file; or the folder of a mounted secret.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def for_repository(self, registry: str, repository: str = "") -> Credentials | None:
        """What the file, or the helper that it names for the registry, holds.

        Raises:
            UnauthorizedError: the file cannot be read, or its helper fails.
        """
        config = self._read()
        keys = _keys(registry, repository)
        helpers = _table(config, "credHelpers")
        helper = next((helpers[key] for key in keys if key in helpers), config.get("credsStore"))
        if helper and (found := ask(str(helper), _DOCKER_HUB_KEY if registry == DOCKER_HUB else registry)):
            return found
        entries = _table(config, "auths")
        hosts = {_host(key): entry for key, entry in entries.items()}
        known = {**{key.removesuffix("/"): entry for key, entry in entries.items()}, **entries}
        entry = next((known[key] for key in keys if key in known), None) or hosts.get(_named(registry))
        return _stored(entry) if isinstance(entry, dict) else None

    def _read(self) -> dict[str, Any]:
        path = self._path / ".dockerconfigjson" if self._path.is_dir() else self._path
        try:
            config = json.loads(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            # The text of the file is no part of the error: it holds secrets.
            cause = getattr(error, "strerror", None) or "it is not JSON"
            raise UnauthorizedError(f"the credentials in {path} cannot be read: {cause}", "mend or remove it") from None
        return config if isinstance(config, dict) else {}


def _table(config: dict[str, Any], name: str) -> dict[str, Any]:
    table = config.get(name)
    return table if isinstance(table, dict) else {}


def _keys(registry: str, repository: str) -> list[str]:
    """The names that a repository may be filed under, the closest first."""
    hosts = _DOCKER_HUB_HOSTS if registry == DOCKER_HUB else (registry,)
    parts = repository.split("/") if repository else []
    closest = [f"{host}/{'/'.join(parts[:end])}" for end in range(len(parts), 0, -1) for host in hosts]
    return [*closest, *([_DOCKER_HUB_KEY] if registry == DOCKER_HUB else []), *hosts]


def _host(key: str) -> str:
    """The registry that a key names, if it names one whole: as a URL, or with the version of an API."""
    _, found, rest = key.partition("://")
    host, _, path = (rest if found else key).partition("/")
    return _named(host) if found or path.strip("/") in ("", "v1", "v2") else ""


def _named(host: str) -> str:
    return DOCKER_HUB if host in _DOCKER_HUB_HOSTS else host


def _stored(entry: dict[str, Any]) -> Credentials | None:
    if token := entry.get("identitytoken"):
        return Credentials("", "", str(token))
    if "username" in entry and "password" in entry:
        return Credentials(str(entry["username"]), str(entry["password"]))
    try:
        username, colon, password = base64.b64decode(entry.get("auth") or "").decode().partition(":")
    except (ValueError, TypeError):
        return None
    return Credentials(username, password.rstrip("\0")) if colon else None
