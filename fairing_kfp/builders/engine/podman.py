"""Podman, through its Docker-compatible API (podman-system-service(1))."""

from __future__ import annotations

import os
from pathlib import Path

from fairing_kfp.builders.builder import Connection
from fairing_kfp.builders.engine import engine
from fairing_kfp.builders.engine.builder import EngineBuilder, engine_builder
from fairing_kfp.builders.engine.engine import Engine
from fairing_kfp.errors import UnavailableError


def connect(connection: Connection, argument: str) -> EngineBuilder:
    """The builder `podman`.

    Raises:
        UnavailableError: the docker package is not installed, or no service is running.
    """
    return engine_builder(connection, connect_podman())


def connect_podman() -> Engine:
    """Connects to the service at `$CONTAINER_HOST`, or else to the user's, or the system's.

    Raises:
        UnavailableError: the docker package is not installed, or no service is running.
    """
    url = os.environ.get("CONTAINER_HOST")
    if not url:
        folders = [os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}", "/run"]
        sockets = [Path(folder, "podman", "podman.sock") for folder in folders]
        found = next((socket for socket in sockets if socket.is_socket()), None)
        if found is None:
            raise UnavailableError(
                f"the podman builder: no Podman service at {' or '.join(map(str, sockets))}",
                "start it with `systemctl --user start podman.socket`, or set CONTAINER_HOST",
            )
        url = f"unix://{found}"
    return engine.connect("the podman builder", url, "Podman")
