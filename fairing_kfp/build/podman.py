"""Where Podman listens for those who speak Docker's language (podman-system-service(1))."""

from __future__ import annotations

import os
from pathlib import Path

from fairing_kfp.build.engine import Engine, connect
from fairing_kfp.errors import ConfigError


def connect_podman() -> Engine:
    """Podman's service: at `$CONTAINER_HOST`, or this user's, or the system's.

    Raises:
        ConfigError: the docker package is not installed, or the service does not run.
    """
    url = os.environ.get("CONTAINER_HOST")
    if not url:
        folders = [os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}", "/run"]
        sockets = [Path(folder, "podman", "podman.sock") for folder in folders]
        found = next((socket for socket in sockets if socket.is_socket()), None)
        if found is None:
            raise ConfigError(
                f"the podman builder finds no service of Podman at {' or '.join(map(str, sockets))}",
                "start it with `systemctl --user start podman.socket`, or set CONTAINER_HOST",
            )
        url = f"unix://{found}"
    return connect("the podman builder", url, "Podman")
