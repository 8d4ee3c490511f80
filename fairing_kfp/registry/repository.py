"""A repository of a registry: pulls and pushes of manifests and blobs (distribution-spec, endpoints)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import BinaryIO, cast

from fairing_kfp.errors import DigestError, NotFoundError, RegistryError
from fairing_kfp.frozen import dataclass
from fairing_kfp.image.descriptor import INDEXES, MANIFESTS, digest_of
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.image.reference import is_digest
from fairing_kfp.registry.quote import quote
from fairing_kfp.registry.response import Response
from fairing_kfp.registry.streams import VerifiedBlob, drain, read_bounded
from fairing_kfp.registry.upload import Uploads
from fairing_kfp.registry.url import Url

MAX_MANIFEST = 4 << 20  # the size that registries must accept (distribution-spec, push)
MAX_CONFIG = 4 << 20

_ACCEPTED = ", ".join(sorted(MANIFESTS | INDEXES))


@dataclass(frozen=True)
class Repository(Uploads):
    """A repository of a registry.

    Attributes:
        client: the client that sends the requests.
        registry: `host` or `host:port`.
        name: the repository's path.
        access: the scopes of the series of requests.
    """

    def head(self, reference: str) -> str | None:
        """The digest of a manifest, or None if it does not exist or the registry does not report its digest.

        Args:
            reference: a tag or digest.
        """
        try:
            response = self._retry(
                "HEAD", f"manifests/{reference}", {200}, self._image(reference), {"Accept": _ACCEPTED}
            )
        except NotFoundError:
            return None
        response.release()
        digest = response.headers.get("Docker-Content-Digest")
        return digest if is_digest(digest) else reference if is_digest(reference) else None

    def manifest(self, reference: str) -> Manifest:
        """Pulls a manifest or index.

        Args:
            reference: a tag or digest.

        Raises:
            NotFoundError: the manifest does not exist.
            DigestError: its digest is not the requested one, or not the one that the registry reports.
        """

        def attempt() -> Manifest:
            headers = {"Accept": _ACCEPTED}
            response = self._request("GET", f"manifests/{reference}", {200}, self._image(reference), headers)
            manifest = Manifest(read_bounded(response, MAX_MANIFEST, self.registry))
            expected = reference if is_digest(reference) else response.headers.get("Docker-Content-Digest")
            if expected and expected != manifest.digest:
                raise self._digest_error(f"manifest {reference}", manifest.digest)
            return manifest

        return self.client.retry(attempt, f"{self.registry}: {self._image(reference)}")

    def blob(self, digest: str) -> bytes:
        """Pulls a small blob, such as a config.

        Raises:
            NotFoundError: the blob does not exist.
            DigestError: it has another digest.
        """

        def attempt() -> bytes:
            response = self._request("GET", f"blobs/{digest}", {200}, f"the blob {self.name}@{digest}")
            data = read_bounded(response, MAX_CONFIG, self.registry)
            if digest_of(data) != digest:
                raise self._digest_error(f"blob {digest}", digest_of(data))
            return data

        return self.client.retry(attempt, f"{self.registry}: the blob {self.name}@{digest}")

    def open_blob(self, digest: str, size: int) -> BinaryIO:
        """Opens a blob of any size for reading. It is verified by the last read.

        Broken connections are not retried: only the reader can start over.
        """
        response = self._request("GET", f"blobs/{digest}", {200}, f"the blob {self.name}@{digest}")
        return cast(BinaryIO, VerifiedBlob(response, digest, size, self.registry))

    def put_manifest(self, manifest: Manifest, tag: str) -> str:
        """Pushes a manifest.

        Args:
            manifest: the manifest.
            tag: its tag, or its digest.

        Returns:
            The digest of the image under which the registry lists the manifest; empty if it is attached to none, or
            the registry has no referrers API.

        Raises:
            DigestError: the registry reports another digest.
            MissingRepositoryError: the repository does not exist.
            RegistryError: the registry rejects the manifest, for example because a blob is missing.
        """
        if len(manifest.data) > MAX_MANIFEST:
            raise RegistryError(
                f"the manifest of {self.name}:{tag} is longer than {MAX_MANIFEST} bytes",
                "use a base image with fewer layers",
            )
        headers = {"Content-Type": manifest.media_type}
        try:
            response = self._retry("PUT", f"manifests/{tag}", {200, 201, 202}, self._image(tag), headers, manifest.data)
        except NotFoundError as error:
            if error.code != "NAME_UNKNOWN":
                raise
            from fairing_kfp.registry.missing import missing_repository  # on first use

            raise missing_repository(self.registry, self.name, error) from error
        drain(response, self.registry)
        reported = response.headers.get("Docker-Content-Digest")
        if reported and reported != manifest.digest:
            raise self._digest_error(f"manifest {manifest.digest}", reported)
        return response.headers.get("OCI-Subject")

    def get(self, path: str | Url, what: str, accept: str) -> Response:
        """Sends one GET request, which is not retried.

        Args:
            path: the path below the repository, or a URL that the registry returned.
            what: the requested object, for error messages.
            accept: the accepted media type.

        Returns:
            The response, with an unread body.

        Raises:
            RegistryError: there is no response, or its status is not 200.
        """
        return self._request("GET", path, {200}, what, {"Accept": accept})

    def _retry(
        self,
        method: str,
        path: str | Url,
        expected: set[int],
        what: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        request = partial(self._request, method, path, expected, what, headers, body)
        return self.client.retry(request, f"{self.registry}: {what}")

    def _image(self, reference: str) -> str:
        return f"the image {self.name}{'@' if is_digest(reference) else ':'}{reference}"

    def _digest_error(self, what: str, actual: str) -> DigestError:
        return DigestError(
            f"the {what} of {self.name} in {self.registry} has the digest {quote(actual)}",
            "try again; if the error persists, the registry or a proxy in front of it is broken",
        )
