"""Response bodies of bounded size and verified digest, and request bodies in chunks."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import BinaryIO, cast

from fairing_kfp.errors import DigestError, RegistryError, TransientError
from fairing_kfp.registry.errors import connection_errors
from fairing_kfp.registry.response import Response

_READ_SIZE = 1 << 18


def read_bounded(response: Response, limit: int, registry: str) -> bytes:
    """Reads a response body, and releases the connection.

    Raises:
        RegistryError: the body is longer than the limit.
        TransientError: the connection broke.
    """
    with connection_errors(registry):
        data = bytearray()
        # One byte more than allowed is requested; a read may return fewer.
        while len(data) <= limit and (chunk := response.read(limit + 1 - len(data))):
            data += chunk
    if len(data) > limit:
        response.close()
        raise RegistryError(
            f"the response of {registry} is longer than {limit} bytes",
            "check the registry, or the proxy in front of it",
        )
    response.release()
    return bytes(data)


def drain(response: Response, registry: str, limit: int = 1 << 16) -> bytes:
    """Discards a response, and returns the start of its body."""
    with connection_errors(registry):
        data = response.read(limit)
    response.close() if len(data) == limit else response.release()
    return data


class VerifiedBlob(io.RawIOBase):
    """A stream of a blob that verifies the blob's size and digest.

    The last read raises the error, so data must not be committed before it.
    """

    def __init__(self, response: Response, digest: str, size: int, registry: str) -> None:
        super().__init__()
        self._response = response
        self._digest = digest
        self._left = size
        self._registry = registry
        self._actual = hashlib.sha256()

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Reads up to `size` bytes, or all.

        Raises:
            DigestError: the blob has another size or digest.
            TransientError: the connection broke.
        """
        with connection_errors(self._registry):
            # One byte more than expected, so that a longer stream is detected.
            data = self._response.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._actual.update(data)
        self._left -= len(data)
        if not data and self._left > 0 and size:
            raise TransientError(f"the blob {self._digest} from {self._registry} is incomplete", "try again")
        if self._left < 0 or (not self._left and f"sha256:{self._actual.hexdigest()}" != self._digest):
            self._response.close()
            raise DigestError(
                f"the blob {self._digest} from {self._registry} does not match its digest",
                "try again; if the error persists, the registry or a proxy in front of it is broken",
            )
        return data

    def close(self) -> None:
        """Releases the connection, which is reused only if the blob was read completely."""
        if self._left == 0:
            self._response.release()
        else:
            self._response.close()
        super().close()


class BlobChunks:
    """A blob that is sent in chunks, each of which may have to be sent twice.

    The blob is opened once, and again only to repeat a chunk.

    Args:
        open_blob: opens the blob at its start.
    """

    def __init__(self, open_blob: Callable[[], BinaryIO]) -> None:
        self._open = open_blob
        self._file: BinaryIO | None = None
        self._position = 0

    def chunk(self, start: int, length: int) -> BinaryIO:
        """A chunk as a file.

        Args:
            start: the first byte.
            length: the number of bytes.
        """
        if self._file is None or self._position > start:
            self.close()
            self._file, self._position = self._open(), 0
        while self._position < start:
            self.read(min(start - self._position, _READ_SIZE))
        return cast(BinaryIO, _Chunk(self, length))

    def read(self, size: int) -> bytes:
        """Reads up to `size` further bytes.

        Raises:
            TransientError: the blob has ended.
        """
        data = self._file.read(size) if self._file else b""
        if not data:
            raise TransientError("a blob is shorter than expected", "try again")
        self._position += len(data)
        return data

    def close(self) -> None:
        """Closes the blob."""
        if self._file:
            self._file.close()
            self._file = None


class _Chunk(io.RawIOBase):
    def __init__(self, blob: BlobChunks, length: int) -> None:
        super().__init__()
        self._blob = blob
        self._left = length

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            return b""
        data = self._blob.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data
