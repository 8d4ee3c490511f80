"""Base images: from the cache where their digest is known, else from their registry, verified either way."""

from __future__ import annotations

from collections.abc import Callable

from fairing_kfp.build.cache import Cache
from fairing_kfp.build.once import Once
from fairing_kfp.errors import ImageError
from fairing_kfp.image.base import Base, preflight
from fairing_kfp.image.dockerfile import in_registry
from fairing_kfp.image.image import Image
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference, is_digest
from fairing_kfp.registry.repository import Repository

_TAGGED = "base"


class Bases:
    """The base images of one process, each resolved once.

    Args:
        cache: keeps manifests and configs, so that a base given by digest costs no request.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._known: Once[Base] = Once()
        self._roots: Once[Manifest] = Once()

    def of(self, image: Image, repository: Repository) -> Base:
        """The base of an image, if it can bear the image.

        Args:
            image: what is to be made.
            repository: where its base is.

        Raises:
            ImageError: the base is malformed, has no such platform, or has another Python.
            RegistryError: it cannot be read.
        """
        wanted = in_registry(image)
        base = self._known.get((wanted, image.platform), lambda: self._resolve(wanted, image.platform, repository))
        preflight(base, image)
        return base

    def _resolve(self, reference: Reference, platform: Platform, repository: Repository) -> Base:
        try:
            # Once for all platforms: a tag that moves meanwhile must not give them different bases.
            root = self._roots.get(reference, lambda: self._root(reference, repository))
            manifest, platforms = root, root.platforms
            if root.is_index:
                manifest = self._by_digest(root.select(reference, platform).digest, repository)
            config = self._bytes(manifest.config.digest, lambda: repository.blob(manifest.config.digest))
            base = Base(reference.with_digest(root.digest), manifest, config, platforms)
            # What is malformed shows when it is read; better here, where its name is known.
            _ = base.document, base.layers
        except ImageError as error:
            if type(error) is not ImageError:
                raise
            raise ImageError(f"the base image {reference} cannot be used: {error.message}", error.remedy) from error
        return base

    def _root(self, reference: Reference, repository: Repository) -> Manifest:
        if reference.digest:
            return self._by_digest(reference.digest, repository)
        # HEAD is not counted against Docker Hub's limit of pulls, and most often the tag has not moved.
        key = str(reference)
        known = self._cache.record(_TAGGED, key)
        path = self._cache.blob(known) if is_digest(known) else None
        if path and repository.head(reference.wanted) == known:
            return Manifest(path.read_bytes())
        manifest = repository.manifest(reference.wanted)
        self._cache.put_blob(manifest.data)
        self._cache.put_record(_TAGGED, key, manifest.digest)
        return manifest

    def _by_digest(self, digest: str, repository: Repository) -> Manifest:
        return Manifest(self._bytes(digest, lambda: repository.manifest(digest).data))

    def _bytes(self, digest: str, fetch: Callable[[], bytes]) -> bytes:
        if path := self._cache.blob(digest):
            return path.read_bytes()
        data = fetch()
        self._cache.put_blob(data)
        return data
