"""Pushes of blobs: mounted from another repository, or sent in an upload session (distribution-spec, push)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import BinaryIO, Literal
from urllib.parse import urlencode, urljoin

from fairing_kfp.errors import NotFoundError, RegistryError, TransientError
from fairing_kfp.frozen import dataclass
from fairing_kfp.registry.client import Body, RegistryClient
from fairing_kfp.registry.response import Response
from fairing_kfp.registry.sockets import ReadTimeoutError
from fairing_kfp.registry.streams import BlobChunks, drain
from fairing_kfp.registry.token import Access
from fairing_kfp.registry.url import Url

CHUNK_SIZES = (64 << 20, 8 << 20, 1 << 20, 256 << 10)  # common limits of proxies are 100 MB and 1 MiB

_STORING_SPEED = 10 << 20  # bytes per second
_NO_MOUNT = (400, 401, 403, 404, 405)
_MAX_DIGITS = 19  # of a decimal number of 63 bits

Outcome = Literal["mounted", "sent"]
"""How a blob was added to a repository: by reference to the registry's copy, or by an upload."""


@dataclass(frozen=True)
class Uploads:
    """The uploads to a repository; its attributes are those of `Repository`."""

    client: RegistryClient
    registry: str
    name: str
    access: Access

    def put_blob(self, digest: str, size: int, open_blob: Callable[[], BinaryIO], mount_from: str = "") -> Outcome:
        """Pushes a blob, or mounts it if the registry has it.

        The request to mount a blob from the same repository replaces a HEAD request: the response says that the blob
        exists, or opens an upload session.

        Args:
            digest: the blob's digest.
            size: the blob's size in bytes.
            open_blob: opens the blob at its start.
            mount_from: a repository of the same registry that has the blob; by default this one.
        """
        while True:
            max_chunk = self.client.chunk_sizes.get(self.registry, size)
            try:
                attempt = partial(self._put_blob, digest, size, open_blob, mount_from, max_chunk)
                return self.client.retry(attempt, f"{self.registry}: the upload of {digest} to {self.name}")
            except RegistryError as error:
                smaller = next((chunk for chunk in CHUNK_SIZES if chunk < min(size, max_chunk)), None)
                if error.status != 413 or smaller is None:
                    raise
                self.client.chunk_sizes[self.registry] = smaller

    def _put_blob(
        self, digest: str, size: int, open_blob: Callable[[], BinaryIO], mount_from: str, max_chunk: int
    ) -> Outcome:
        """One attempt, with requests of at most `max_chunk` bytes."""
        session = self._open_session(digest, mount_from or self.name)
        if session is None:
            return "mounted"
        url, min_chunk = session
        what = f"the upload of {digest} to {self.name}"
        if size <= max_chunk:
            return self._commit(what, url, digest, size, size, open_blob if size else b"")
        with contextlib.closing(BlobChunks(open_blob)) as chunks:
            chunk_size = max(max_chunk, min_chunk)
            for start in range(0, size, chunk_size):
                length = min(chunk_size, size - start)
                content_range = f"{start}-{start + length - 1}"
                body = partial(chunks.chunk, start, length)
                response = self._send(what, "PATCH", url, length, body, {"Content-Range": content_range})
                if location := response.headers.get("Location"):
                    url = self.client.resolve(self.registry, url, location)
        return self._commit(what, url, digest, size, 0, b"")

    def _commit(self, what: str, url: Url, digest: str, size: int, rest: int, body: Body) -> Outcome:
        """Sends the rest of a blob, and waits until the registry has stored it."""
        try:
            self._send(what, "PUT", url.with_query(digest=digest), rest, body)
        except TransientError as error:
            # It has all bytes, and may need longer than a request to hash or copy them.
            late = isinstance(error.__cause__, ReadTimeoutError)
            if not late or not self.client.poll(partial(self.has_blob, digest), size / _STORING_SPEED):
                raise
        return "sent"

    def has_blob(self, digest: str) -> bool:
        """Whether the repository has a blob."""
        what = f"the blob {self.name}@{digest}"
        request = partial(self._request, "HEAD", f"blobs/{digest}", {200}, what)
        try:
            self.client.retry(request, f"{self.registry}: {what}").release()
        except NotFoundError:
            return False
        return True

    def _send(
        self, what: str, method: str, url: Url, size: int, body: Body, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Sends data to an upload session."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size), **(headers or {})}
        response = self._request(method, url, {201, 202, 204, 404, 416}, what, headers, body)
        drain(response, self.registry)
        # A session may be lost between two requests, for example if the registry restarts.
        if response.status in (404, 416) or (method == "PUT" and response.status == 202):
            raise TransientError(f"{self.registry} lost {what}", "try again", status=response.status)
        return response

    def check_push(self) -> None:
        """Checks that a push is permitted: opens an upload session and cancels it.

        Raises:
            UnauthorizedError: the credentials do not permit a push.
            MissingRepositoryError: the repository does not exist.
            RegistryError: the registry rejects uploads.
        """

        def attempt() -> None:
            response = self._start_upload()
            drain(response, self.registry)
            if location := response.headers.get("Location"):
                url = self._resolve(location)
                # Some registries do not support cancelling; their sessions expire.
                cancelled = self._request("DELETE", url, {200, 202, 204, 400, 404, 405}, f"the upload to {self.name}")
                drain(cancelled, self.registry)

        self.client.retry(attempt, f"{self.registry}: the repository {self.name}")

    def _open_session(self, digest: str, source: str) -> tuple[Url, int] | None:
        """Mounts a blob, or opens an upload session.

        Returns:
            The session's URL and the minimum chunk size in bytes (distribution-spec, pushing a blob in chunks); None
            if the blob was mounted.
        """
        response = self._mount(digest, source) or self._start_upload()
        drain(response, self.registry)
        if response.status == 201:
            return None
        location = response.headers.get("Location")
        if not location:
            raise RegistryError(
                f"{self.registry} opened an upload to {self.name} without a Location header",
                "check the registry, or the proxy in front of it",
            )
        header = response.headers.get("OCI-Chunk-Min-Length")
        min_chunk = int(header) if header.isdecimal() and len(header) < _MAX_DIGITS else 0
        return self._resolve(location), min_chunk

    def _mount(self, digest: str, source: str) -> Response | None:
        """The response to a request to mount a blob; None if the registry does not mount from that repository."""
        query = urlencode({"mount": digest, "from": source})
        if (self.registry, source, self.name) in self.client.refused_mounts:
            return None
        try:
            return self._request("POST", f"blobs/uploads/?{query}", {201, 202}, f"the repository {self.name}")
        except RegistryError as error:
            # Some reject a mount instead of opening a session: Artifactory, Harbor across projects, and registries
            # with other logins for the source. A mount may also fail in the registry's storage.
            if error.status is None or (error.status not in _NO_MOUNT and error.status < 500):
                raise
            if source != self.name and error.status in (401, 403, 405):
                self.client.refused_mounts.add((self.registry, source, self.name))
            return None

    def _start_upload(self) -> Response:
        """Opens an upload session.

        Raises:
            MissingRepositoryError: the repository does not exist.
        """
        try:
            return self._request("POST", "blobs/uploads/", {202}, f"the repository {self.name}")
        except NotFoundError as error:
            from fairing_kfp.registry.missing import missing_repository  # on first use

            raise missing_repository(self.registry, self.name, error) from error

    def _resolve(self, location: str) -> Url:
        """The URL of an upload session."""
        return self.client.resolve(self.registry, f"/v2/{self.name}/blobs/uploads/", location)

    def _request(
        self,
        method: str,
        path: str | Url,
        expected: set[int],
        what: str,
        headers: Mapping[str, str] | None = None,
        body: Body = None,
    ) -> Response:
        path = path if isinstance(path, Url) else urljoin(f"/v2/{self.name}/", path)
        return self.client.request(
            method,
            self.registry,
            path,
            access=self.access,
            expected=expected,
            what=what,
            headers=headers,
            body=body,
            repository=self.name,
        )
