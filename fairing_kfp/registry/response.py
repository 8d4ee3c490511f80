"""Responses of HTTP/1.1 (RFC 9112), read strictly: what violates the protocol is an error, not guessed at.

A truncated `Location` would send a blob elsewhere, and with an ambiguous length half a body would look complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import BinaryIO

_MAX_LINE = 1 << 16  # bytes
_MAX_HEAD = 1 << 18  # bytes; with interim responses, and the sizes of chunks between two parts of a body
_MAX_FIELDS = 100
_MAX_DIGITS = 18  # of a length, which then fits into 63 bits
_CONTINUE = 100
_WITHOUT_BODY = (204, 304)


class ProtocolError(Exception):
    """A peer violates HTTP, or closes the connection before the end of a response."""


class Headers:
    """Header fields; names are compared without case."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in fields:
            self._values.setdefault(name.lower(), []).append(value)

    def all(self, name: str) -> list[str]:
        """The values of all fields with a name."""
        return self._values.get(name.lower(), [])

    def get(self, name: str, default: str = "") -> str:
        """The value of a field, joined with commas if there are several."""
        return ", ".join(self.all(name)) or default


class Response:
    """A response, whose body is read on demand.

    Args:
        method: the method of the request.
        stream: the connection's stream, at the start of the response.
        on_end: called once, with whether the connection can be used for another request.

    Attributes:
        status: the status.
        headers: the header fields.

    Raises:
        ProtocolError: the response is malformed or incomplete.
    """

    def __init__(self, method: str, stream: BinaryIO, on_end: Callable[[bool], None] = lambda reusable: None) -> None:
        self._lines = _Lines(stream)
        self._stream = stream
        self._on_end: Callable[[bool], None] | None = on_end
        version, self.status = _status(self._lines)
        self.headers = _fields(self._lines)
        options = self.headers.get("Connection").lower()
        self._persistent = "close" not in options and (version == b"HTTP/1.1" or "keep-alive" in options)
        self._chunked = False
        self._left: int | None = 0  # bytes of the body, or of its current chunk; None until the connection is closed
        if method == "HEAD" or self.status in _WITHOUT_BODY:
            self._ended = True
        elif coding := self.headers.get("Transfer-Encoding"):
            if coding.lower() != "chunked":
                raise ProtocolError("the response has an unknown transfer encoding")
            self._chunked, self._ended = True, False
            self._persistent &= not self.headers.all("Content-Length")  # of different meaning for another reader
        else:
            self._left = _length(self.headers.all("Content-Length"))
            self._ended = self._left == 0
        self._first_chunk = True

    def read(self, size: int) -> bytes:
        """Reads `size` bytes of the body; fewer only at its end.

        Raises:
            ProtocolError: the body is malformed or incomplete.
            OSError: the connection broke.
        """
        parts = []
        while size > 0 and not self._ended:
            if self._chunked and not self._left:
                self._next_chunk()
                continue
            data = self._stream.read(size if self._left is None else min(size, self._left))
            if not data and self._left is not None:
                raise ProtocolError(f"the response is incomplete: {self._left} bytes are missing")
            self._ended = not data
            parts.append(data)
            size -= len(data)
            if self._left is not None:
                self._left -= len(data)
                self._ended = not self._left and not self._chunked
        return b"".join(parts) if len(parts) != 1 else parts[0]

    def release(self) -> None:
        """Ends the response; the connection is used again if the body was read completely."""
        self._end(self._ended and self._left == 0 and self._persistent)

    def close(self) -> None:
        """Ends the response, and closes the connection."""
        self._end(False)

    def _end(self, reusable: bool) -> None:
        if on_end := self._on_end:
            self._on_end = None
            on_end(reusable)

    def _next_chunk(self) -> None:
        if not self._first_chunk and self._lines.next():
            raise ProtocolError("a chunk of the response is longer than its size")
        self._first_chunk = False
        digits = self._lines.next().partition(b";")[0].strip()
        if not 0 < len(digits) < _MAX_DIGITS or digits.strip(b"0123456789abcdefABCDEF"):
            raise ProtocolError("a chunk of the response has no size")
        self._left = int(digits, 16)
        if self._left:
            self._lines.start()
            return
        while self._lines.next():  # trailers
            pass
        self._ended = True


class _Lines:
    """The lines of a stream, which are limited together."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.start()

    def start(self) -> None:
        self._left = _MAX_HEAD

    def next(self) -> bytes:
        """The next line, without its end."""
        line = self._stream.readline(_MAX_LINE)
        self._left -= len(line)
        if self._left < 0:
            raise ProtocolError(f"the response headers are longer than {_MAX_HEAD} bytes")
        if not line.endswith(b"\n"):
            complete = len(line) == _MAX_LINE
            raise ProtocolError(f"the response headers are {'too long' if complete else 'incomplete'}")
        return line.rstrip(b"\r\n")


def _status(lines: _Lines) -> tuple[bytes, int]:
    """The version and the status, after interim responses."""
    while True:
        version, _, rest = lines.next().partition(b" ")
        digits = rest.partition(b" ")[0]
        if version not in (b"HTTP/1.1", b"HTTP/1.0") or len(digits) != 3 or not digits.isdigit():
            raise ProtocolError("the response is not one of HTTP/1.1")
        if (status := int(digits)) != _CONTINUE:
            return version, status
        _fields(lines)


def _fields(lines: _Lines) -> Headers:
    fields: list[tuple[str, str]] = []
    while line := lines.next():
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name or name != name.strip() or len(fields) == _MAX_FIELDS:
            raise ProtocolError("the response headers are malformed")
        fields.append((name, value.strip()))
    return Headers(fields)


def _length(values: list[str]) -> int | None:
    """The length of a body; None if it ends with the connection."""
    if not values:
        return None
    length = values[0]
    if len(set(values)) > 1 or not (length.isascii() and length.isdigit() and len(length) <= _MAX_DIGITS):
        raise ProtocolError("the response has no valid Content-Length")
    return int(length)
