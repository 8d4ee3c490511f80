"""The verbs of one repository: manifests and blobs, read, mounted and sent (distribution-spec, endpoints)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Literal, cast
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import urllib3

from fairing_kfp.errors import DigestError, NotFoundError, RegistryError
from fairing_kfp.image.descriptor import INDEXES, MANIFESTS, digest_of
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.image.reference import is_digest
from fairing_kfp.registry.auth import Access
from fairing_kfp.registry.client import Body, RegistryClient
from fairing_kfp.registry.retry import TransientError
from fairing_kfp.registry.streams import Parts, Verified, begin_of, read_bounded

LARGEST_MANIFEST = 4 << 20  # what registries must take, and the most that they should (distribution-spec, push)
LARGEST_CONFIG = 4 << 20
CHUNKS = (64 << 20, 8 << 20, 1 << 20, 256 << 10)  # the usual limits of proxies are 100 MB and 1 MiB

_LONGEST_NUMBER = 19  # decimal digits of what fits into 63 bits
_ACCEPTED = ", ".join(sorted(MANIFESTS | INDEXES))

Outcome = Literal["mounted", "sent"]
"""How a blob came to be in a repository: it only had to be named, or its bytes were sent."""


@dataclass(frozen=True)
class Repository:
    """A repository of a registry, and what it may be asked for.

    Attributes:
        client: how it is reached.
        registry: `host` or `host:port`.
        name: the path of the repository.
        access: the scopes of the series of requests that these belong to.
    """

    client: RegistryClient
    registry: str
    name: str
    access: Access

    def head(self, wanted: str) -> str | None:
        """The digest of the manifest of this tag or digest; None if there is none, or the registry does not tell."""
        try:
            response = self._retrying("HEAD", f"manifests/{wanted}", {200}, self._image(wanted), {"Accept": _ACCEPTED})
        except NotFoundError:
            return None
        response.release_conn()
        digest = response.headers.get("Docker-Content-Digest")
        return digest if is_digest(digest) else wanted if is_digest(wanted) else None

    def manifest(self, wanted: str) -> Manifest:
        """The manifest or index of this tag or digest.

        Raises:
            NotFoundError: there is none.
            DigestError: it does not have the digest asked for, or the one that the registry says it has.
        """

        def unit() -> Manifest:
            headers = {"Accept": _ACCEPTED}
            response = self._request("GET", f"manifests/{wanted}", {200}, self._image(wanted), headers)
            manifest = Manifest(read_bounded(response, LARGEST_MANIFEST, self.registry))
            said = wanted if is_digest(wanted) else response.headers.get("Docker-Content-Digest")
            if said and said != manifest.digest:
                raise self._wrong(f"manifest {wanted}", manifest.digest)
            return manifest

        return self.client.retrying(unit)

    def blob(self, digest: str) -> bytes:
        """A small blob, such as a config.

        Raises:
            NotFoundError: there is none.
            DigestError: it has another digest.
        """

        def unit() -> bytes:
            response = self._request("GET", f"blobs/{digest}", {200}, f"the blob {self.name}@{digest}")
            data = read_bounded(response, LARGEST_CONFIG, self.registry)
            if digest_of(data) != digest:
                raise self._wrong(f"blob {digest}", digest_of(data))
            return data

        return self.client.retrying(unit)

    def open_blob(self, digest: str, size: int) -> BinaryIO:
        """A blob of any size as it arrives, verified by its last read; not retried, as its reader must begin anew."""
        response = self._request("GET", f"blobs/{digest}", {200}, f"the blob {self.name}@{digest}")
        return cast(BinaryIO, Verified(response, digest, size, self.registry))

    def has_blob(self, digest: str) -> bool:
        """Whether the blob is here."""
        try:
            self._retrying("HEAD", f"blobs/{digest}", {200}, f"the blob {self.name}@{digest}").release_conn()
        except NotFoundError:
            return False
        return True

    def put_blob(self, digest: str, size: int, open_blob: Callable[[], BinaryIO], mount_from: str = "") -> Outcome:
        """Brings a blob here, by its name if the registry has it already.

        Asking for a mount from this very repository instead of looking first saves a request: the answer is either
        that the blob is here, or a session to send it in.

        Args:
            digest: the blob's.
            size: the blob's.
            open_blob: gives its bytes, from the beginning each time.
            mount_from: a repository of the same registry that has it; by default this one.
        """
        while True:
            most = self.client.chunks.get(self.registry, size)
            try:
                return self.client.retrying(partial(self._put_blob, digest, size, open_blob, mount_from, most))
            except RegistryError as error:
                smaller = next((chunk for chunk in CHUNKS if chunk < min(size, most)), None)
                if error.status != 413 or smaller is None:
                    raise
                self.client.chunks[self.registry] = smaller

    def _put_blob(
        self, digest: str, size: int, open_blob: Callable[[], BinaryIO], mount_from: str, most: int
    ) -> Outcome:
        """One attempt, in requests of at most so many bytes."""
        session = self._begin(digest, mount_from or self.name)
        if session is None:
            return "mounted"
        url, least = session
        what = f"the upload of {digest} to {self.name}"
        if size <= most:
            self._send(what, "PUT", _with_query(url, digest=digest), size, open_blob if size else b"")
            return "sent"
        with contextlib.closing(Parts(open_blob)) as parts:
            chunk = max(most, least)
            for start in range(0, size, chunk):
                length = min(chunk, size - start)
                place = f"{start}-{start + length - 1}"
                body = partial(parts.part, start, length)
                answer = self._send(what, "PATCH", url, length, body, {"Content-Range": place})
                url = urljoin(url, answer.headers.get("Location") or url)
        self._send(what, "PUT", _with_query(url, digest=digest), 0, b"")
        return "sent"

    def _send(
        self, what: str, method: str, url: str, size: int, body: Body, headers: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Sends bytes to an upload session."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size), **(headers or {})}
        response = self._request(method, url, {201, 202, 204, 404, 416}, what, headers, body)
        begin_of(response, self.registry)
        # A session may die between two requests, as when the registry restarts, or have other bytes than we think.
        if response.status in (404, 416) or (method == "PUT" and response.status == 202):
            raise TransientError(f"{self.registry} lost {what}", "try again", status=response.status)
        return response

    def check_push(self) -> None:
        """Sees that a push would be taken: an upload is begun, and cancelled.

        Raises:
            UnauthorizedError: we may not push here.
            RegistryError: the registry refuses uploads.
        """

        def unit() -> None:
            response = self._request("POST", "blobs/uploads/", {202}, f"the repository {self.name}")
            begin_of(response, self.registry)
            if place := response.headers.get("Location"):
                url = urljoin(f"/v2/{self.name}/blobs/uploads/", place)
                # Some registries know no cancelling; sessions end by themselves.
                cancelled = self._request("DELETE", url, {200, 202, 204, 400, 404, 405}, f"the upload to {self.name}")
                begin_of(cancelled, self.registry)

        self.client.retrying(unit)

    def put_manifest(self, manifest: Manifest, tag: str) -> None:
        """Puts a manifest under a tag, and so under its digest as well, in one request.

        Raises:
            DigestError: the registry files it under another digest.
            RegistryError: it is refused, for example because a blob that it names is not here.
        """
        if len(manifest.data) > LARGEST_MANIFEST:
            raise RegistryError(
                f"the manifest of {self.name}:{tag} is longer than {LARGEST_MANIFEST} bytes",
                "use a base of fewer layers",
            )
        headers = {"Content-Type": manifest.media_type}
        response = self._retrying("PUT", f"manifests/{tag}", {200, 201, 202}, self._image(tag), headers, manifest.data)
        begin_of(response, self.registry)
        said = response.headers.get("Docker-Content-Digest")
        if said and said != manifest.digest:
            raise self._wrong(f"manifest {manifest.digest}", said)

    def _begin(self, digest: str, source: str) -> tuple[str, int] | None:
        """Opens an upload session; None when the blob was mounted.

        Returns:
            Its URL, and how many bytes a chunk has at least (distribution-spec, pushing a blob in chunks).
        """
        what = f"the repository {self.name}"
        query = urlencode({"mount": digest, "from": source})
        try:
            response = self._request("POST", f"blobs/uploads/?{query}", {201, 202}, what)
        except RegistryError as error:
            # Some refuse a mount instead of offering a session: Artifactory, and Harbor from a foreign project.
            if error.status not in (400, 401, 403, 404, 405):
                raise
            response = self._request("POST", "blobs/uploads/", {202}, what)
        begin_of(response, self.registry)
        if response.status == 201:
            return None
        location = response.headers.get("Location")
        if not location:
            raise RegistryError(f"{self.registry} opens an upload to {self.name} without saying where", "it is broken")
        least = response.headers.get("OCI-Chunk-Min-Length", "")
        at_least = int(least) if least.isdecimal() and len(least) < _LONGEST_NUMBER else 0
        return urljoin(f"/v2/{self.name}/blobs/uploads/", location), at_least

    def _retrying(
        self,
        method: str,
        path: str,
        expected: set[int],
        what: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> urllib3.BaseHTTPResponse:
        return self.client.retrying(lambda: self._request(method, path, expected, what, headers, body))

    def _request(
        self,
        method: str,
        path: str,
        expected: set[int],
        what: str,
        headers: Mapping[str, str] | None = None,
        body: Body = None,
    ) -> urllib3.BaseHTTPResponse:
        path = urljoin(f"/v2/{self.name}/", path)
        return self.client.request(
            method, self.registry, path, access=self.access, expected=expected, what=what, headers=headers, body=body
        )

    def _image(self, wanted: str) -> str:
        return f"the image {self.name}{'@' if is_digest(wanted) else ':'}{wanted}"

    def _wrong(self, what: str, actual: str) -> DigestError:
        return DigestError(
            f"{self.registry} gives the {what} of {self.name} the digest {actual}",
            "try again; if it stays so, the registry or a proxy before it is broken",
        )


def _with_query(url: str, **query: str) -> str:
    """A URL with more in its query; what stands there already is the registry's and stays as it is."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(query))))))
