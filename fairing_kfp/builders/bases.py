"""Base images: manifests and configs from the cache or the registry, verified by digest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fairing_kfp.builders.single_flight import SingleFlight
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError, ImageError, NotFoundError, RegistryError, StoppedError
from fairing_kfp.image.base import Base, check_fits
from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.image.image import AnyImage, Image
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference, is_digest
from fairing_kfp.registry.auth import pull
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.quote import mask
from fairing_kfp.registry.repository import Repository

_BY_TAG = "base"  # kind of the records: reference with a tag → digest


class Bases:
    """The base images of one builder; each is resolved once.

    Args:
        cache: stores manifests and configs, so that a base given by digest needs no request.
        client: client of the bases' registries.
    """

    def __init__(self, cache: Cache, client: RegistryClient) -> None:
        self._cache = cache
        self._client = client
        self._resolved: SingleFlight[Base] = SingleFlight()
        self._roots: SingleFlight[Manifest] = SingleFlight()

    def repository(self, image: AnyImage) -> Repository:
        """The repository of an image's base, with permission to pull.

        Raises:
            ConfigError: the base is a Dockerfile.
        """
        base = registry_base(image)
        return Repository(self._client, base.registry, base.repository, frozenset({pull(base.repository)}))

    def of(self, image: Image, repository: Repository) -> Base:
        """The base of an image, after a check that the image fits.

        Args:
            image: the image to be made.
            repository: the base's repository.

        Raises:
            ImageError: the base is malformed, does not support the platform, or has another Python.
            RegistryError: the base cannot be read.
        """
        reference = registry_base(image)
        key = (reference, image.platform)
        try:
            base = self._resolved.get(key, lambda: self._resolve(reference, image.platform, repository))
        except RegistryError as error:
            if isinstance(error, StoppedError):
                raise
            # Several components may have the base; each error names its own.
            raise error.about(f"cannot read the base image {reference} of {image.name}") from error
        check_fits(base, image)
        return base

    def remembered(self, image: Image) -> Base:
        """The base of an image as its tag was last resolved, without a request. The tag may have moved since.

        Raises:
            FairingError: it is not in the cache, cannot be used, or the image does not fit.
        """
        reference = registry_base(image)
        known = self._cache.record(_BY_TAG, str(reference))
        digest = reference.digest or (known if is_digest(known) else "")
        base = self._read(reference, image.platform, lambda: self._by_digest(digest, None), None)
        check_fits(base, image)
        return base

    def digest(self, reference: Reference) -> str:
        """The digest of a base image's manifest or index.

        Raises:
            ImageError: it is malformed.
            RegistryError: it cannot be read.
        """
        access = frozenset({pull(reference.repository)})
        repository = Repository(self._client, reference.registry, reference.repository, access)
        try:
            return self._roots.get(reference, lambda: self._root(reference, repository)).digest
        except RegistryError as error:
            if isinstance(error, StoppedError):
                raise
            raise error.about(f"cannot read the base image {reference}") from error

    def _resolve(self, reference: Reference, platform: Platform, repository: Repository) -> Base:
        # Once for all platforms: if the tag moves meanwhile, they still get the same base.
        root = partial(self._roots.get, reference, lambda: self._root(reference, repository))
        return self._read(reference, platform, root, repository)

    def _read(
        self, reference: Reference, platform: Platform, find: Callable[[], Manifest], repository: Repository | None
    ) -> Base:
        """Reads a base.

        Args:
            reference: the base.
            platform: the platform.
            find: returns its manifest or index.
            repository: the base's repository; None to read only the cache.
        """
        try:
            root = find()
            manifest, platforms = root, root.platforms
            if root.is_index:
                manifest = self._by_digest(root.select(reference, platform).digest, repository)
            digest = manifest.config.digest
            config = self._cached(digest, partial(repository.blob, digest) if repository else None)
            base = Base(reference.with_digest(root.digest), manifest, config, platforms)
            # Properties raise for a malformed document; here the error can name the base.
            _ = base.document, base.layers
        except ImageError as error:
            if type(error) is not ImageError:
                raise
            cause = mask(error.message)  # a registry may return what was sent to it
            raise ImageError(f"the base image {reference} cannot be used: {cause}", error.remedy) from error
        return base

    def _root(self, reference: Reference, repository: Repository) -> Manifest:
        if reference.digest:
            return self._by_digest(reference.digest, repository)
        # HEAD does not count against Docker Hub's pull limit, and a tag rarely moves.
        key = str(reference)
        known = self._cache.record(_BY_TAG, key)
        path = self._cache.blob(known) if is_digest(known) else None
        if path and repository.head(reference.wanted) == known:
            return Manifest(path.read_bytes())
        manifest = repository.manifest(reference.wanted)
        self._cache.put_blob(manifest.data)
        self._cache.put_record(_BY_TAG, key, manifest.digest)
        return manifest

    def _by_digest(self, digest: str, repository: Repository | None) -> Manifest:
        return Manifest(self._cached(digest, (lambda: repository.manifest(digest).data) if repository else None))

    def _cached(self, digest: str, fetch: Callable[[], bytes] | None) -> bytes:
        if is_digest(digest) and (path := self._cache.blob(digest)):
            return path.read_bytes()
        if fetch is None:
            raise NotFoundError(f"{digest} is not in the cache", "read it from its registry")
        data = fetch()
        self._cache.put_blob(data)
        return data


def registry_base(image: AnyImage) -> Reference:
    """The reference of an image's base, for builders that cannot build a Dockerfile.

    Raises:
        ConfigError: the base is a Dockerfile.
    """
    base = image.images[0].base
    if isinstance(base, Dockerfile):
        raise ConfigError(
            f"the base of {image.name} is a Dockerfile, {base.path}, which only a container engine can build",
            'set builder = "docker" (or "podman"), or use an image that is built already',
        )
    return base
