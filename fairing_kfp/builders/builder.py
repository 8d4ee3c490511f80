"""The interface of builders: check, plan, publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from fairing_kfp.frozen import dataclass
from fairing_kfp.image.image import AnyImage

if TYPE_CHECKING:
    from fairing_kfp.builders.progress import Progress
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.registry.client import RegistryClient
    from fairing_kfp.settings import Settings

State = Literal["exists", "mount", "send", "write", "pull", "build"]
"""What publishing does with a layer: nothing, mount it from another repository, send it, or write it to disk.

With an engine, a base that the engine does not have is pulled or built.
"""


@dataclass(frozen=True)
class PlannedLayer:
    """A layer of a planned image.

    Attributes:
        name: the layer's name; `base` for the base's layers.
        digest: its digest.
        size: in bytes.
        state: what publishing does with it.
        platform: the platforms that need it, if the image is for several; empty if all do.
    """

    name: str
    digest: str
    size: int
    state: State
    platform: str = ""


@dataclass(frozen=True)
class Plan:
    """What publishing an image would do.

    Attributes:
        reference: the image by digest, as `publish` returns it.
        tag: its tag.
        base: the base image by digest.
        layers: lowest first.
        exists: whether the image exists already, so that nothing needs to be done.
        bytes_to_send: bytes of layers, configs and manifests to be sent.
        requests: number of requests to a registry, not counting those that resolve the base.
    """

    reference: str
    tag: str
    base: str
    layers: tuple[PlannedLayer, ...]
    exists: bool
    bytes_to_send: int
    requests: int


class Builder(Protocol):
    """Makes images and puts them somewhere. Thread-safe."""

    def check(self, image: AnyImage) -> None:
        """Checks that an image can be made, before any image of a pipeline is published.

        Raises:
            ImageError: the image does not fit its base.
            RegistryError: the base cannot be read.
        """
        ...

    def plan(self, image: AnyImage) -> Plan:
        """Plans what `publish` would do; sends nothing.

        Raises:
            ImageError: the image does not fit its base.
            RegistryError: the base, or the target repository, cannot be read.
        """
        ...

    def publish(self, image: AnyImage) -> str:
        """Makes an image; returns its reference by digest.

        Raises:
            ImageError: the image does not fit its base.
            RegistryError: the base cannot be read, or the image cannot be sent.
        """
        ...

    def close(self) -> None:
        """Releases threads, connections and temporary files."""
        ...


@dataclass(frozen=True)
class Connection:
    """Argument of the `connect` function of a builder's module.

    Attributes:
        settings: the project's settings.
        pipeline: the pipeline's name, for projects without a name.
        cache: cache on disk.
        progress: called with blobs as they move.
    """

    settings: Settings
    pipeline: str
    cache: Cache
    progress: Progress

    @property
    def repository(self) -> str:
        """The repository of the project's images; without a registry, one of `localhost`, which is never pulled from.

        Raises:
            ConfigError: the registry or project is malformed.
        """
        if self.settings.registry is None:
            return f"localhost/{self.settings.name(self.pipeline)}"
        return self.settings.repository(self.pipeline)

    def client(self) -> RegistryClient:
        """A new client of registries.

        Raises:
            ConfigError: a certificate cannot be read.
        """
        from fairing_kfp.registry.client import RegistryClient
        from fairing_kfp.registry.tls import Tls

        tls = Tls(self.settings.ca, self.settings.client_cert)
        return RegistryClient(insecure=self.settings.insecure, tls=tls, on_wait=getattr(self.progress, "log", None))
