"""Where `docker login`, `podman login` and Kubernetes leave credentials on a machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from fairing_kfp.registry.auth_file import AuthFile
from fairing_kfp.registry.credentials import Credentials
from fairing_kfp.registry.home import config_folder, home


class Logins:
    """The logins of whoever runs this; the first file that knows a repository holds.

    These are `$REGISTRY_AUTH_FILE`, `$DOCKER_CONFIG` or `~/.docker`, `$XDG_RUNTIME_DIR/containers/auth.json` and
    `~/.config/containers/auth.json`. A mounted `kubernetes.io/dockerconfigjson` secret is found when one of the first
    two names its file or its folder.
    """

    def for_repository(self, registry: str, repository: str = "") -> Credentials | None:
        """What the first of them that knows the repository holds.

        Raises:
            UnauthorizedError: a file cannot be read, or a helper that it names fails.
        """
        for path in _places():
            if found := AuthFile(path).for_repository(registry, repository):
                return found
        return None


def _places() -> Iterator[Path]:
    if named := os.environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    docker = Path(os.environ.get("DOCKER_CONFIG") or home() / ".docker")
    yield docker / "config.json"
    yield docker / ".dockerconfigjson"
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers/auth.json"
    yield config_folder() / "containers/auth.json"
