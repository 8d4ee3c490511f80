"""Credentials stored by `docker login`, `podman login` and Kubernetes.

Formats: https://docs.docker.com/reference/cli/docker/login/ for Docker's `config.json` and its credential helpers, and
https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md for Podman's `auth.json`, whose keys may
include a repository. Secrets of type `kubernetes.io/dockerconfigjson` contain the same JSON.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fairing_kfp.errors import UnauthorizedError
from fairing_kfp.image.reference import DOCKER_HUB
from fairing_kfp.registry.credentials import Credentials

_DOCKER_HUB_KEY = "https://index.docker.io/v1/"  # the key under which `docker login` stores Docker Hub
_DOCKER_HUB_HOSTS = (DOCKER_HUB, "index.docker.io", "registry-1.docker.io")
_TOKEN_USER = "<token>"  # noqa: S105 - the user name that marks an identity token
_HELPER_TIMEOUT = 30
_REMEMBER = 10.0  # seconds


class DefaultCredentials:
    """The credentials of the current user. The first file with an entry for the repository is used.

    In order: `$REGISTRY_AUTH_FILE`, `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`,
    `$XDG_RUNTIME_DIR/containers/auth.json`, and `~/.config/containers/auth.json`. A mounted secret of type
    `kubernetes.io/dockerconfigjson` is found if either of the first two variables names its file or folder.
    """

    def __init__(self) -> None:
        self._helpers = HelperAnswers()

    def for_repository(self, registry: str, repository: str = "") -> Credentials | None:
        """The credentials for a repository, or None for anonymous access.

        Raises:
            UnauthorizedError: a file cannot be read, or its credential helper fails.
        """
        for path in _paths():
            if found := DockerConfig(path, self._helpers).for_repository(registry, repository):
                return found
        return None


class DockerConfig:
    """A file of credentials. It is read for each registry, because a login may change it meanwhile.

    Args:
        path: the file, or the folder of a mounted secret.
        helpers: remembers what credential helpers answer.
    """

    def __init__(self, path: Path, helpers: HelperAnswers | None = None) -> None:
        self._path = path
        self._helpers = helpers or HelperAnswers()

    def for_repository(self, registry: str, repository: str = "") -> Credentials | None:
        """The credentials for a repository, from the registry's credential helper or from the file.

        Raises:
            UnauthorizedError: the file cannot be read, or its credential helper fails.
        """
        config = self._read()
        keys = _keys(registry, repository)
        helpers = _table(config, "credHelpers")
        helper = next((helpers[key] for key in keys if key in helpers), config.get("credsStore"))
        if helper and (
            found := self._helpers.get(str(helper), _DOCKER_HUB_KEY if registry == DOCKER_HUB else registry)
        ):
            return found
        entries = _table(config, "auths")
        by_host = {_host(key): entry for key, entry in entries.items()}
        by_key = {**{key.removesuffix("/"): entry for key, entry in entries.items()}, **entries}
        entry = next((by_key[key] for key in keys if key in by_key), None) or by_host.get(_canonical(registry))
        return _parse(entry) if isinstance(entry, dict) else None

    def _read(self) -> dict[str, Any]:
        path = self._path / ".dockerconfigjson" if self._path.is_dir() else self._path
        try:
            config = json.loads(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            # The error does not quote the file, which contains secrets.
            cause = getattr(error, "strerror", None) or "invalid JSON"
            raise UnauthorizedError(
                f"cannot read the credentials in {path}: {cause}", "fix or remove the file"
            ) from None
        return config if isinstance(config, dict) else {}


class HelperAnswers:
    """What credential helpers answer, for a few seconds: they may need one, and are asked for each repository."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], tuple[float, Credentials | None]] = {}

    def get(self, helper: str, key: str) -> Credentials | None:
        """The answer of a helper, as of `_ask`."""
        asked, answer = self._answers.get((helper, key), (-_REMEMBER, None))
        if time.monotonic() - asked >= _REMEMBER:
            answer = _ask(helper, key)
            self._answers[helper, key] = (time.monotonic(), answer)
        return answer


def config_folder() -> Path:
    """The user's configuration folder: `$XDG_CONFIG_HOME` or `~/.config`."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or _home() / ".config")


def _home() -> Path:
    """The home folder. A pod may run as a user without one: then the root folder."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def _paths() -> Iterator[Path]:
    if path := os.environ.get("REGISTRY_AUTH_FILE"):
        yield Path(path)
    docker = Path(os.environ.get("DOCKER_CONFIG") or _home() / ".docker")
    yield docker / "config.json"
    yield docker / ".dockerconfigjson"
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers/auth.json"
    yield config_folder() / "containers/auth.json"


def _table(config: dict[str, Any], name: str) -> dict[str, Any]:
    table = config.get(name)
    return table if isinstance(table, dict) else {}


def _keys(registry: str, repository: str) -> list[str]:
    """The keys that match a repository, the most specific first."""
    hosts = _DOCKER_HUB_HOSTS if registry == DOCKER_HUB else (registry,)
    parts = repository.split("/") if repository else []
    paths = [f"{host}/{'/'.join(parts[:end])}" for end in range(len(parts), 0, -1) for host in hosts]
    return [*paths, *([_DOCKER_HUB_KEY] if registry == DOCKER_HUB else []), *hosts]


def _host(key: str) -> str:
    """The registry of a key without a repository: a URL, or a host with or without an API version; otherwise empty."""
    _, scheme, rest = key.partition("://")
    host, _, path = (rest if scheme else key).partition("/")
    return _canonical(host) if scheme or path.strip("/") in ("", "v1", "v2") else ""


def _canonical(host: str) -> str:
    return DOCKER_HUB if host in _DOCKER_HUB_HOSTS else host


def _parse(entry: dict[str, Any]) -> Credentials | None:
    if token := entry.get("identitytoken"):
        return Credentials("", "", str(token))
    if "username" in entry and "password" in entry:
        return Credentials(str(entry["username"]), str(entry["password"]))
    import base64  # on first use

    try:
        username, colon, password = base64.b64decode(entry.get("auth") or "").decode().partition(":")
    except (ValueError, TypeError):
        return None
    return Credentials(username, password.rstrip("\0")) if colon else None


def _ask(helper: str, key: str) -> Credentials | None:
    """Asks a credential helper for the credentials of a registry.

    Protocol: https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol. Errors do not quote the
    helper's output, which may contain secrets.

    Args:
        helper: the helper's name, without `docker-credential-`.
        key: the registry's key.

    Raises:
        UnauthorizedError: the helper is not installed, fails, or returns malformed output.
    """
    import subprocess  # on first use: few users have a helper

    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, "get"], input=key.encode(), capture_output=True, timeout=_HELPER_TIMEOUT, check=False
        )
        if done.returncode:
            if b"not found" in done.stdout.lower():
                return None
            raise _helper_error(program, key, f"exit code {done.returncode}")
        found = json.loads(done.stdout)
        username, secret = found["Username"], found["Secret"]
        if not isinstance(username, str) or not isinstance(secret, str):
            raise TypeError
    except FileNotFoundError:
        raise UnauthorizedError(
            f"the Docker configuration refers to {program}, which is not on PATH", f"install {program}, or log in again"
        ) from None
    except subprocess.TimeoutExpired:
        raise _helper_error(program, key, f"no output within {_HELPER_TIMEOUT} s") from None
    except OSError as error:
        raise _helper_error(program, key, str(error.strerror or type(error).__name__)) from None
    except (ValueError, KeyError, TypeError):
        raise _helper_error(program, key, "malformed output") from None
    return Credentials("", "", secret) if username == _TOKEN_USER else Credentials(username, secret)


def _helper_error(program: str, key: str, cause: str) -> UnauthorizedError:
    return UnauthorizedError(
        f"{program} returned no credentials for {key}: {cause}", f"check the output of: echo {key} | {program} get"
    )
