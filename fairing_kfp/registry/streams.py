"""Bytes that arrive: never more than expected, and only those that were asked for."""

from __future__ import annotations

import hashlib
import io

import urllib3

from fairing_kfp.errors import DigestError, RegistryError
from fairing_kfp.registry.retry import TransientError
from fairing_kfp.registry.transport import answering


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
            data = self._response.read(size if size >= 0 else None)
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
