"""A step as a container of this machine's Docker Engine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.errors import StepFailedError


def docker_client() -> Any:
    """A client of the Docker Engine.

    Raises:
        ConfigError: the docker package is not installed, or no engine answers.
    """
    from fairing_kfp.build.engine import connect

    return connect("the docker runner").client


def run_container(
    image: str,
    command: list[str],
    env: Mapping[str, str],
    folder: Path,
    options: dict[str, Any],
    show: Callable[[str], None],
) -> int:
    """Runs a command in a container, as this user, with a folder of this machine in its place; gives its exit code.

    The container is removed only after its exit code was read: one that vanishes is a failure, never a success.
    """
    from docker.errors import APIError, ImageNotFound, NotFound

    client = docker_client()
    try:
        client.images.get(image)
    except ImageNotFound:
        try:
            client.images.pull(image)
        except APIError as error:
            raise StepFailedError(
                f"Docker cannot pull {image}: {error.explanation or error}",
                "see that the engine may reach the registry (insecure-registries in its daemon.json for plain http)",
            ) from error
    container = client.containers.create(
        image,
        command,
        environment=dict(env),
        user=f"{os.getuid()}:{os.getgid()}",
        volumes={str(folder): {"bind": str(folder), "mode": "rw"}},
        **options,
    )
    try:
        container.start()
        rest = b""
        for part in container.logs(stream=True, follow=True):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                show(line.decode(errors="replace").rstrip("\r"))
        if rest:
            show(rest.decode(errors="replace"))
        return int(container.wait()["StatusCode"])
    except NotFound as error:
        show(f"the container vanished: {error.explanation}")
        return 1
    finally:
        with contextlib.suppress(NotFound):
            container.remove(force=True)
        client.close()
