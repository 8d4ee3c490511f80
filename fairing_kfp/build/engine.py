"""The Docker Engine API, which Podman speaks as well, through the docker package."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import IO, Any, Literal

from fairing_kfp.build.progress import Progress, Transfer
from fairing_kfp.errors import ConfigError, ImageError
from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference

_PATIENCE = 1800  # seconds; an engine answers a load when it has unpacked it all
_PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64})")
_SHOWN_LINES = 20
_OUTCOMES: dict[str, Literal["pulled", "sent", "mounted"]] = {
    "Pull complete": "pulled",
    "Pushed": "sent",
    "Layer already exists": "mounted",
    "Mounted from": "mounted",
}


def connect(wanted_by: str, url: str | None = None, name: str = "Docker") -> Engine:
    """An engine that answers.

    Args:
        wanted_by: what needs it, for messages.
        url: its socket; by default what Docker's own variables and settings say.
        name: what the engine is called in messages.

    Raises:
        ConfigError: the docker package is not installed, or no engine answers.
    """
    try:
        import docker
        from docker.errors import DockerException
    except ImportError as error:
        raise ConfigError(
            f"{wanted_by} needs the docker package", "pip install 'fairing-kfp[docker]', or do without Docker"
        ) from error
    try:
        made = docker.DockerClient(base_url=url, timeout=_PATIENCE) if url else docker.from_env(timeout=_PATIENCE)
        made.ping()
    except DockerException as error:
        remedy = f"start its service at {url}" if url else "start it or set DOCKER_HOST"
        raise ConfigError(f"{wanted_by}: no {name} Engine answers: {error}", f"{remedy}, or do without it") from error
    return Engine(made, name)


class Engine:
    """An engine's images.

    Args:
        client: docker's client, which threads may share.
        name: what the engine is called in messages.
    """

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name
        self._api = client.api

    def inspect(self, name: str) -> dict[str, Any] | None:
        """What the engine tells of the image of this name or id; None if it has none."""
        from docker.errors import NotFound

        with self._clear(f"tell of {name}"):
            try:
                found: dict[str, Any] = self._api.inspect_image(name)
            except NotFound:
                return None
            return found

    def pull(self, reference: Reference, platform: Platform, progress: Progress) -> None:
        """Fetches an image of a registry.

        Raises:
            ImageError: the registry refuses, or has no such image for the platform.
        """
        with self._clear(f"pull {reference} for {platform}"):
            options = {"tag": reference.wanted, "platform": str(platform)}
            self._follow(self._api.pull(reference.name, stream=True, decode=True, **options), "base", progress)

    def build(self, dockerfile: Dockerfile, platform: Platform, progress: Progress) -> str:
        """Builds a Dockerfile in its folder, of which `.dockerignore` leaves things out; gives the image's id.

        Raises:
            ImageError: it cannot be built; the error holds the end of what was said.
        """
        step = Transfer("Dockerfile", str(dockerfile), 0)
        progress(step)
        said: list[str] = []
        with self._clear(f"build {dockerfile.path}", said):
            options = {"dockerfile": dockerfile.path.name, "platform": str(platform)}
            events = self._api.build(path=str(dockerfile.path.parent), rm=True, forcerm=True, decode=True, **options)
            ids = [event["aux"]["ID"] for event in self._checked(events, said) if "ID" in event.get("aux", {})]
            if not ids:
                raise ImageError(f"{self.name} built {dockerfile.path} and names no image", "build it by hand to see")
        progress(Transfer(step.name, step.digest, 0, state="built"))
        return str(ids[-1])

    def load(self, archive: Iterable[bytes], name: str) -> None:
        """Takes in an archive as `fairing_kfp.build.archive` makes them.

        Raises:
            ImageError: the engine refuses it.
        """
        with self._clear(f"load the image {name}"):
            list(self._checked(self._api.load_image(archive)))

    def save(self, name: str, file: IO[bytes]) -> None:
        """Writes an image as such an archive."""
        with self._clear(f"save the image {name}"):
            for part in self._api.get_image(name):
                file.write(part)

    def tag(self, image_id: str, reference: Reference) -> None:
        """Gives an image a name."""
        with self._clear(f"name an image {reference}"):
            self._api.tag(image_id, reference.name, reference.tag, force=True)

    def push(self, reference: Reference, progress: Progress) -> str:
        """Sends a tagged image to its registry, with Docker's own credentials; gives the digest it has there.

        Raises:
            ImageError: the registry refuses it.
        """
        with self._clear(f"push {reference}"):
            events = self._api.push(reference.name, tag=reference.tag, stream=True, decode=True)
            said = self._follow(events, "layer", progress)
        digests = _PUSHED.findall("\n".join(said))
        if not digests:
            raise ImageError(f"{self.name} pushed {reference} and names no digest", "push it by hand to see why")
        return str(digests[-1])

    def close(self) -> None:
        """Ends the connections to it."""
        self.client.close()

    def _follow(self, events: Iterable[dict[str, Any]], name: str, progress: Progress) -> list[str]:
        """Tells of the layers that an engine moves; gives its lines."""
        said: list[str] = []
        sizes: dict[str, int] = {}
        for event in self._checked(events):
            status, layer = str(event.get("status") or ""), str(event.get("id") or "")
            said.append(status)
            moved = event.get("progressDetail") or {}
            outcome = next((state for word, state in _OUTCOMES.items() if status.startswith(word)), None)
            if outcome:
                size = sizes.get(layer, 0)
                progress(Transfer(name, layer, size, size, outcome))
            elif moved.get("total") and status in ("Downloading", "Pushing"):
                # What is pushed grows beyond what was announced, as it is the tar archive that is counted.
                sizes[layer] = max(int(moved["total"]), int(moved["current"]))
                progress(Transfer(name, layer, sizes[layer], int(moved["current"])))
        return said

    def _checked(self, events: Iterable[dict[str, Any]], said: list[str] | None = None) -> Iterator[dict[str, Any]]:
        """The events up to an error, which is raised."""
        for event in events:
            if said is not None and event.get("stream"):
                said.append(str(event["stream"]))
            if "error" in event:
                raise _Refused(str(event["error"]))
            yield event

    @contextlib.contextmanager
    def _clear(self, what: str, said: list[str] | None = None) -> Iterator[None]:
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        try:
            yield
        except (DockerException, RequestException, _Refused) as error:
            cause = str(getattr(error, "explanation", None) or error).strip()
            lines = "".join(said or []).strip().splitlines()[-_SHOWN_LINES:]
            shown = "".join(f"\n  {line}" for line in lines)
            raise ImageError(
                f"{self.name} cannot {what}: {cause}{shown}",
                f"see that {self.name} itself can do it: its logins, its insecure-registries, its disk",
            ) from error


class _Refused(Exception):  # noqa: N818 - an answer among others, for _clear
    """An engine's stream told of an error."""
