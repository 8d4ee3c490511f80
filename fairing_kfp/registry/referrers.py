"""The artifacts that refer to an image (distribution-spec, listing referrers and pushing manifests with subject).

Registries without the referrers API, such as Docker's registry 2.8, list them in an index with the tag
`sha256-<hex>`, which clients update (distribution-spec, referrers tag schema).
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

from fairing_kfp.errors import NotFoundError, RegistryError
from fairing_kfp.image.artifact import EMPTY, Artifact, Referrer
from fairing_kfp.image.descriptor import OCI_INDEX, Descriptor, digest_of, dump, load, malformed
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.registry.repository import MAX_MANIFEST, Repository
from fairing_kfp.registry.streams import read_bounded
from fairing_kfp.registry.url import Url

_NO_API = (400, 404, 405, 501)  # of registries that do not know the path; the specification has them answer 404
_MAX_PAGES = 50


def fallback_tag(digest: str) -> str:
    """The tag of the index that lists the referrers of an image, in registries without the referrers API."""
    return digest.replace(":", "-")


class Referrers:
    """The referrers in one repository. Thread-safe.

    Args:
        repository: the repository, with permission to push if artifacts are attached.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._updating = threading.Lock()

    def of(self, digest: str) -> list[Referrer]:
        """The artifacts of an image, by the API or by the tag.

        Raises:
            RegistryError: the list cannot be read.
            ImageError: it is malformed.
        """
        found = self._by_api(digest)
        if found is not None:
            return found
        try:
            return _parse(self._repository.manifest(fallback_tag(digest)).document)
        except NotFoundError:
            return []

    def attach(self, subject: Descriptor, artifacts: Sequence[Artifact]) -> list[Manifest]:
        """Pushes artifacts, and lists them under their image if the registry does not do so itself.

        Args:
            subject: the image, which the repository has.
            artifacts: the artifacts.

        Returns:
            Their manifests.

        Raises:
            RegistryError: the registry rejects them.
        """
        manifests = [artifact.manifest(subject) for artifact in artifacts]
        for data in (EMPTY, *(artifact.data for artifact in artifacts)):
            self._repository.put_blob(digest_of(data), len(data), partial(io.BytesIO, data))
        processed = [self._repository.put_manifest(one, one.digest) for one in manifests]
        missing = [one for one, subjects in zip(manifests, processed, strict=True) if subjects != subject.digest]
        if missing:
            self._add_to_tag(subject.digest, missing)
        return manifests

    def _add_to_tag(self, digest: str, manifests: Sequence[Manifest]) -> None:
        tag = fallback_tag(digest)
        with self._updating:
            try:
                listed = _parse(self._repository.manifest(tag).document)
            except NotFoundError:
                listed = []
            new = {one.digest: Referrer.of(one) for one in manifests}
            kept = [one for one in listed if one.descriptor.digest not in new]
            entries = [one.document() for one in (*kept, *new.values())]
            index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
            self._repository.put_manifest(Manifest(dump(index)), tag)

    def _by_api(self, digest: str) -> list[Referrer] | None:
        """The referrers by the API; None if the registry does not have it."""
        found: list[Referrer] = []
        page: str | Url = f"referrers/{digest}"
        for _ in range(_MAX_PAGES):
            try:
                data, following = self._page(page)
            except RegistryError as error:
                if error.status in _NO_API and not found:
                    return None
                raise
            document = load(data, "list of referrers")
            if "manifests" not in document and not found:  # a page that every path gets, such as a proxy's
                return None
            found += _parse(document)
            if following is None:
                return found
            page = following
        raise malformed(f"its list of referrers has more than {_MAX_PAGES} pages")

    def _page(self, page: str | Url) -> tuple[bytes, Url | None]:
        repository = self._repository
        what = f"the referrers in {repository.name}"

        def attempt() -> tuple[bytes, Url | None]:
            response = repository.get(page, what, OCI_INDEX)
            data = read_bounded(response, MAX_MANIFEST, repository.registry)
            link = response.headers.get("Link")
            if 'rel="next"' not in link or not link.startswith("<"):
                return data, None
            here = page if isinstance(page, Url) else f"/v2/{repository.name}/{page}"
            return data, repository.client.resolve(repository.registry, here, link[1:].partition(">")[0])

        return repository.client.retry(attempt, f"{repository.registry}: {what}")


def _parse(document: Any) -> list[Referrer]:
    listed = document.get("manifests")
    if not isinstance(listed, list):
        raise malformed("the list of its referrers is not an index")
    return [Referrer.parse(one) for one in listed]
