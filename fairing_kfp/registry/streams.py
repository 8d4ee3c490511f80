"""Bytes that arrive, never more than expected and only those that were asked for; and bytes that leave in parts."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import BinaryIO, cast

import urllib3

from fairing_kfp.errors import DigestError, RegistryError
from fairing_kfp.registry.failures import answering
from fairing_kfp.registry.retry import TransientError

_CHUNK = 1 << 18


def read_bounded(response: urllib3.BaseHTTPResponse, limit: int, registry: str) -> bytes:
    """The body of an answer, whose connection is then free.

    Raises:
        RegistryError: it is longer than the limit.
        TransientError: it breaks off.
    """
    with answering(registry):
        data = bytearray()
        # Asked for one byte more than it may have; fewer may come at a time.
        while len(data) <= limit and (chunk := response.read(limit + 1 - len(data))):
            data += chunk
    if len(data) > limit:
        response.close()
        raise RegistryError(f"the answer of {registry} is longer than {limit} bytes", "this is no answer to trust")
    response.release_conn()
    return bytes(data)


def begin_of(response: urllib3.BaseHTTPResponse, registry: str, limit: int = 1 << 16) -> bytes:
    """The beginning of the body of an answer that is not wanted."""
    with answering(registry):
        data = response.read(limit)
    response.close() if len(data) == limit else response.release_conn()
    return data


class Verified(io.RawIOBase):
    """A blob as it arrives, which ends in an error unless it has the digest and the size that were asked for.

    The error comes with the last read, so what was passed on by then must not have been made final.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse, digest: str, size: int, registry: str) -> None:
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
        """Up to so many bytes.

        Raises:
            DigestError: these are not the bytes that were asked for.
            TransientError: the connection broke.
        """
        with answering(self._registry):
            # One byte more than there may be, so that a stream without an end is noticed.
            data = self._response.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._actual.update(data)
        self._left -= len(data)
        if not data and self._left > 0 and size:
            raise TransientError(f"the blob {self._digest} from {self._registry} breaks off", "try again")
        if self._left < 0 or (not self._left and f"sha256:{self._actual.hexdigest()}" != self._digest):
            self._response.close()
            raise DigestError(
                f"the blob {self._digest} from {self._registry} has other bytes than its digest says",
                "try again; if it stays so, the registry or a proxy before it is broken",
            )
        return data

    def close(self) -> None:
        """Frees the connection, which is kept only when it was read to its end."""
        if self._left == 0:
            self._response.release_conn()
        else:
            self._response.close()
        super().close()


class Parts:
    """A blob that is sent in parts, each of which may have to be sent twice.

    It is read on from where the last part ended, and opened again only to go back.
    """

    def __init__(self, open_blob: Callable[[], BinaryIO]) -> None:
        self._open = open_blob
        self._file: BinaryIO | None = None
        self._position = 0

    def part(self, start: int, length: int) -> BinaryIO:
        """The bytes from a position on, as a file."""
        if self._file is None or self._position > start:
            self.close()
            self._file, self._position = self._open(), 0
        while self._position < start:
            self.read(min(start - self._position, _CHUNK))
        return cast(BinaryIO, _Part(self, length))

    def read(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            TransientError: there are none, though there should be.
        """
        data = self._file.read(size) if self._file else b""
        if not data:
            raise TransientError("a blob is shorter than it should be", "try again")
        self._position += len(data)
        return data

    def close(self) -> None:
        """Closes the blob."""
        if self._file:
            self._file.close()
            self._file = None


class _Part(io.RawIOBase):
    def __init__(self, parts: Parts, length: int) -> None:
        super().__init__()
        self._parts = parts
        self._left = length

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            return b""
        data = self._parts.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data
