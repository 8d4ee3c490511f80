"""Runs a step as a container of the local Docker Engine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from typing import Any

from fairing_kfp.errors import StepFailedError
from fairing_kfp.local.stop import Stop


def docker_client() -> Any:
    """A client of the Docker Engine.

    Raises:
        UnavailableError: the docker package is not installed, or no engine answers.
    """
    from fairing_kfp.builders.engine.engine import connect

    return connect("the docker runner").client


def run_container(
    image: str,
    command: list[str],
    env: Mapping[str, str],
    folders: Mapping[str, str],
    options: dict[str, Any],
    log_line: Callable[[str], None],
    stop: Stop,
) -> int:
    """Runs a command in a container as the current user, and returns its exit code.

    The container is removed only after its exit code was read. One that disappears before has failed.

    Args:
        image: image by digest; pulled if the engine does not have it.
        command: command to run.
        env: environment variables.
        folders: paths in the container, by the folder that is mounted there.
        options: extra arguments of docker's `containers.create`.
        log_line: called with each line of output.
        stop: ends the container.

    Raises:
        UnavailableError: the docker package is not installed, or no engine answers.
        StepFailedError: the image cannot be pulled.
        StoppedError: the run was interrupted.
    """
    from docker.errors import NotFound

    client = docker_client()
    pulled_image(client, image)
    container = create_container(client, image, command, env, folders, options)
    try:
        stop.check()
        container.start()
        with stop.ends(lambda: _kill(container)):
            rest = b""
            for chunk in container.logs(stream=True, follow=True):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    log_line(line.decode(errors="replace").rstrip("\r"))
            if rest:
                log_line(rest.decode(errors="replace"))
            return int(container.wait()["StatusCode"])
    except NotFound as error:
        log_line(f"the container disappeared: {error.explanation}")
        return 1
    finally:
        with contextlib.suppress(NotFound):
            container.remove(force=True)
        client.close()


def pulled_image(client: Any, image: str) -> Any:
    """An image of the engine, which is pulled if the engine does not have it.

    Raises:
        StepFailedError: it cannot be pulled.
    """
    from docker.errors import APIError, ImageNotFound

    try:
        return client.images.get(image)
    except ImageNotFound:
        try:
            return client.images.pull(image)
        except APIError as error:
            raise StepFailedError(
                f"Docker cannot pull {image}: {error.explanation or error}",
                "let the engine reach the registry (insecure-registries in its daemon.json for plain HTTP)",
            ) from error


def create_container(
    client: Any,
    image: str,
    command: list[str],
    env: Mapping[str, str],
    folders: Mapping[str, str],
    options: Mapping[str, Any],
) -> Any:
    """Creates a container of the current user from an image of the engine. Arguments: as for `run_container`."""
    return client.containers.create(
        image,
        command,
        environment=dict(env),
        user=f"{os.getuid()}:{os.getgid()}",
        volumes={folder: {"bind": path, "mode": "rw"} for folder, path in folders.items()},
        **options,
    )


def _kill(container: Any) -> None:
    """Ends a container, unless it ended or disappeared."""
    from docker.errors import APIError

    with contextlib.suppress(APIError):
        container.kill()
