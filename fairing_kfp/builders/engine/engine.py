"""A client of the Docker Engine API, which Podman supports as well. It uses the docker package."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import IO, Any, Literal

from fairing_kfp.builders.progress import Progress, Transfer
from fairing_kfp.errors import ImageError, UnavailableError
from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference

_TIMEOUT = 1800  # seconds; an engine answers a load after it has unpacked the image
_PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64})")
_SHOWN_LINES = 20
_OUTCOMES: dict[str, Literal["pulled", "sent", "mounted"]] = {
    "Pull complete": "pulled",
    "Pushed": "sent",
    "Layer already exists": "mounted",
    "Mounted from": "mounted",
}


def connect(user: str, url: str | None = None, name: str = "Docker") -> Engine:
    """Connects to an engine.

    Args:
        user: the part of fairing-kfp that needs it, for messages.
        url: URL of its socket; by default `$DOCKER_HOST`, or Docker's default socket.
        name: the engine's name, for messages.

    Raises:
        UnavailableError: the docker package is not installed, or the engine does not answer.
    """
    try:
        import docker
        from docker.errors import DockerException
    except ImportError as error:
        raise UnavailableError(
            f"{user} needs the docker package", "pip install 'fairing-kfp[docker]', or do not use Docker"
        ) from error
    try:
        made = docker.DockerClient(base_url=url, timeout=_TIMEOUT) if url else docker.from_env(timeout=_TIMEOUT)
        made.ping()
    except DockerException as error:
        remedy = f"start its service at {url}" if url else "start it or set DOCKER_HOST"
        raise UnavailableError(f"{user}: {name} Engine does not answer: {error}", remedy) from error
    return Engine(made, name)


class Engine:
    """The images of an engine. Thread-safe.

    Args:
        client: a `docker.DockerClient`.
        name: the engine's name, for messages.
    """

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name
        self._api = client.api

    def inspect(self, name: str) -> dict[str, Any] | None:
        """Returns the output of `docker inspect` for an image; None if the engine does not have it.

        Args:
            name: a reference or id.

        Raises:
            ImageError: the engine rejects the request.
        """
        from docker.errors import NotFound

        with self._errors(f"inspect {name}"):
            try:
                found: dict[str, Any] = self._api.inspect_image(name)
            except NotFound:
                return None
            return found

    def pull(self, reference: Reference, platform: Platform, progress: Progress) -> None:
        """Pulls an image.

        Raises:
            ImageError: the registry denies it, or has no such image for the platform.
        """
        with self._errors(f"pull {reference} for {platform}"):
            options = {"tag": reference.wanted, "platform": str(platform)}
            self._follow(self._api.pull(reference.name, stream=True, decode=True, **options), "base", progress)

    def build(self, dockerfile: Dockerfile, platform: Platform, progress: Progress) -> str:
        """Builds a Dockerfile, with its folder as the context; returns the image's id.

        Raises:
            ImageError: the build fails; the error contains the end of its output.
        """
        step = Transfer("Dockerfile", str(dockerfile), 0)
        progress(step)
        output: list[str] = []
        with self._errors(f"build {dockerfile.path}", output):
            options = {"dockerfile": dockerfile.path.name, "platform": str(platform)}
            events = self._api.build(path=str(dockerfile.path.parent), rm=True, forcerm=True, decode=True, **options)
            ids = [event["aux"]["ID"] for event in self._checked(events, output) if "ID" in event.get("aux", {})]
            if not ids:
                raise ImageError(
                    f"{self.name} built {dockerfile.path} but returned no image id", "run `docker build` to see why"
                )
        progress(Transfer(step.name, step.digest, 0, state="built"))
        return str(ids[-1])

    def load(self, archive: Iterable[bytes], name: str) -> None:
        """Loads an archive, as `docker load`.

        Args:
            archive: the archive.
            name: the image's name, for messages.

        Raises:
            ImageError: the engine rejects it.
        """
        with self._errors(f"load the image {name}"):
            list(self._checked(self._api.load_image(archive)))

    def save(self, name: str, file: IO[bytes]) -> None:
        """Writes an image to a file as an archive, as `docker save`.

        Raises:
            ImageError: the engine cannot save it.
        """
        with self._errors(f"save the image {name}"):
            for part in self._api.get_image(name):
                file.write(part)

    def tag(self, image_id: str, reference: Reference) -> None:
        """Tags an image.

        Raises:
            ImageError: the engine rejects the tag.
        """
        with self._errors(f"tag an image {reference}"):
            self._api.tag(image_id, reference.name, reference.tag, force=True)

    def push(self, reference: Reference, progress: Progress) -> str:
        """Pushes a tagged image with the engine's own credentials; returns its digest in the registry.

        Raises:
            ImageError: the registry rejects it.
        """
        with self._errors(f"push {reference}"):
            events = self._api.push(reference.name, tag=reference.tag, stream=True, decode=True)
            output = self._follow(events, "layer", progress)
        digests = _PUSHED.findall("\n".join(output))
        if not digests:
            raise ImageError(f"{self.name} pushed {reference} but returned no digest", "run `docker push` to see why")
        return str(digests[-1])

    def close(self) -> None:
        """Closes its connections."""
        self.client.close()

    def _follow(self, events: Iterable[dict[str, Any]], name: str, progress: Progress) -> list[str]:
        """Reports the layers that an engine moves; returns the status lines."""
        output: list[str] = []
        sizes: dict[str, int] = {}
        for event in self._checked(events):
            status, layer = str(event.get("status") or ""), str(event.get("id") or "")
            output.append(status)
            moved = event.get("progressDetail") or {}
            outcome = next((state for word, state in _OUTCOMES.items() if status.startswith(word)), None)
            if outcome:
                size = sizes.get(layer, 0)
                progress(Transfer(name, layer, size, size, outcome))
            elif moved.get("total") and status in ("Downloading", "Pushing"):
                # Docker counts bytes of the tar archive, which is longer than the announced size.
                sizes[layer] = max(int(moved["total"]), int(moved["current"]))
                progress(Transfer(name, layer, sizes[layer], int(moved["current"])))
        return output

    def _checked(self, events: Iterable[dict[str, Any]], output: list[str] | None = None) -> Iterator[dict[str, Any]]:
        """Yields the events, and raises the first error."""
        for event in events:
            if output is not None and event.get("stream"):
                output.append(str(event["stream"]))
            if "error" in event:
                raise _StreamError(str(event["error"]))
            yield event

    @contextlib.contextmanager
    def _errors(self, action: str, output: list[str] | None = None) -> Iterator[None]:
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        try:
            yield
        except (DockerException, RequestException, _StreamError) as error:
            cause = str(getattr(error, "explanation", None) or error).strip()
            lines = "".join(output or []).strip().splitlines()[-_SHOWN_LINES:]
            shown = "".join(f"\n  {line}" for line in lines)
            raise ImageError(
                f"{self.name} cannot {action}: {cause}{shown}",
                f"check that {self.name} itself can do it: its credentials, insecure registries and disk",
            ) from error


class _StreamError(Exception):
    """An error in an engine's stream of events."""
