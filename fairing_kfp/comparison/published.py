"""Published images, read from their registries."""

from __future__ import annotations

from functools import partial
from typing import BinaryIO

from fairing_kfp.cache.store import Cache
from fairing_kfp.comparison.image import ComparedImage, PlatformImage, platform_image
from fairing_kfp.image.base import Base
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.image.reference import Reference
from fairing_kfp.registry.auth import pull
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository


class PublishedImages:
    """Reads manifests and configs, from the cache or the registry, and layers when they are needed.

    Args:
        client: the client of the registries.
        cache: stores manifests and configs; layers that it contains are read from there.
    """

    def __init__(self, client: RegistryClient, cache: Cache) -> None:
        self._client = client
        self._cache = cache

    def read(self, reference: Reference) -> ComparedImage:
        """Reads an image by digest.

        Raises:
            RegistryError: its manifest or a config cannot be read.
            ImageError: it is malformed.
        """
        access = frozenset({pull(reference.repository)})
        repository = Repository(self._client, reference.registry, reference.repository, access)
        root = self._manifest(reference.wanted, repository)
        if not root.is_index:
            return ComparedImage(root.digest, dict([self._platform(reference, root, repository)]))
        entries = [entry for entry in root.entries if entry.platform]
        manifests = [self._manifest(entry.digest, repository) for entry in entries]
        return ComparedImage(root.digest, dict(self._platform(reference, one, repository) for one in manifests))

    def _platform(self, reference: Reference, manifest: Manifest, repository: Repository) -> tuple[str, PlatformImage]:
        digest = manifest.config.digest
        parsed = Base(reference, manifest, self._cached(digest) or repository.blob(digest))
        image = platform_image(parsed, partial(self._open, repository))
        self._cache.put_blob(parsed.config)
        return str(parsed.platform), image

    def _manifest(self, wanted: str, repository: Repository) -> Manifest:
        data = self._cached(wanted)
        if data is not None:
            return Manifest(data)
        manifest = repository.manifest(wanted)
        self._cache.put_blob(manifest.data)
        return manifest

    def _cached(self, digest: str) -> bytes | None:
        path = self._cache.blob(digest)
        return path.read_bytes() if path else None

    def _open(self, repository: Repository, digest: str, size: int) -> BinaryIO:
        path = self._cache.blob(digest)
        return path.open("rb") if path else repository.open_blob(digest, size)
