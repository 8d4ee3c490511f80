"""Request bodies: reading with limits of size, time and memory, and parsing."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from . import json_text
from .bounds import check_json
from .http_error import HTTPError, bad_request
from .messages import DisconnectedError, Request
from .tensors import HEADER

_JSON = ("", "application/json", "application/x-www-form-urlencoded")
"""Content types of JSON; the last is curl's for `-d`."""

_MAX_BODIES = 8  # bodies of the largest size that may be in memory at a time


class Bodies:
    """Reads request bodies, with a limit on the memory of all bodies that are being received or handled.

    At the limit, the upload that started first is rejected, so that slow clients do not block fast ones.

    Args:
        max_bytes: the largest body.
        seconds: how long a client may take to send one.
    """

    def __init__(self, max_bytes: int, seconds: float) -> None:
        self._max_bytes, self._seconds = max_bytes, seconds
        self._in_memory = 0  # bytes
        self._uploads: dict[_Upload, None] = {}  # in progress, the oldest first

    async def read(self, request: Request) -> bytes:
        """Reads the whole body, whose memory is counted until it is passed to `release`.

        Raises:
            HTTPError: the body is too large (413), incomplete (400), late (408) or compressed (415), or too many bodies
                are in memory (503).
        """
        if (request.header("content-encoding") or "identity").lower() != "identity":
            raise HTTPError(415, "compressed bodies are not supported")
        length = request.header("content-length") or ""
        if length.isdigit() and (len(length) > 18 or int(length) > self._max_bytes):
            raise self._too_large()
        upload = _Upload()
        try:
            return await self._receive(request, upload)
        except BaseException:
            self._in_memory -= upload.size
            raise

    def release(self, body: bytes) -> None:
        """Ends the count of a body's memory."""
        self._in_memory -= len(body)

    async def _receive(self, request: Request, upload: _Upload) -> bytes:
        timer = asyncio.get_running_loop().call_later(self._seconds, self._expire, upload)
        self._uploads[upload] = None
        try:
            return await self._read_parts(request, upload)
        except asyncio.CancelledError:
            if upload.error is None:
                raise
            _uncancel()
            raise upload.error from None
        finally:
            timer.cancel()
            self._uploads.pop(upload, None)

    def _expire(self, upload: _Upload) -> None:
        upload.cancel(HTTPError(408, f"the body was not received within {self._seconds:g} s"))

    async def _read_parts(self, request: Request, upload: _Upload) -> bytes:
        parts = []
        try:
            async for part in request.parts():
                parts.append(part)
                upload.size += len(part)
                self._in_memory += len(part)
                if upload.size > self._max_bytes:
                    raise self._too_large()
                self._free_memory(upload)
        except DisconnectedError:
            raise bad_request("the client closed the connection before it sent the whole body") from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _free_memory(self, current: _Upload) -> None:
        while self._in_memory > _MAX_BODIES * self._max_bytes:
            oldest = next(iter(self._uploads))
            if oldest is current:
                raise _busy()
            del self._uploads[oldest]
            self._in_memory -= oldest.size
            oldest.size = 0
            oldest.cancel(_busy())

    def _too_large(self) -> HTTPError:
        return HTTPError(413, f"the body is larger than {self._max_bytes} bytes, the limit of FAIRING_MAX_BYTES")


class _Upload:
    """A body that is being received.

    Attributes:
        size: the number of its bytes in memory.
        error: why it was cancelled; None if it was not.
    """

    def __init__(self) -> None:
        self.size = 0
        self.error: HTTPError | None = None
        self._task = asyncio.current_task()

    def cancel(self, error: HTTPError) -> None:
        """Cancels the task that reads the body, which then raises the error."""
        self.error = error
        if self._task:
            self._task.cancel()


def _uncancel() -> None:
    """Resets the cancellation count of the current task, which Python has since 3.11."""
    task = asyncio.current_task()
    if task and sys.version_info >= (3, 11):
        task.uncancel()


def _busy() -> HTTPError:
    return HTTPError(503, "the request bodies in progress use all the memory reserved for them", retry_after=1)


def is_json(content_type: str) -> bool:
    """Whether a body of this type is read as JSON by a method that takes bytes too."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in _JSON or kind.endswith("+json")


def parse(body: bytes) -> Any:
    """Parses the JSON of a body.

    Raises:
        HTTPError: the body is not JSON (400), or is nested too deep (413).
    """
    check_json(body)
    try:
        return json_text.loads(body)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body is not JSON: {error}") from None


def split(body: bytes, header: str | None) -> tuple[bytes, memoryview | None]:
    """Splits a V2 body into its JSON and the binary data after it; None without the header of binary tensors.

    Raises:
        HTTPError: the header is not a number of bytes within the body (400).
    """
    if header is None:
        return body, None
    if not (header.isascii() and header.isdigit()) or len(header) > 18 or int(header) > len(body):
        raise bad_request(f"{HEADER} is {header!r}, but the body has {len(body)} bytes")
    return body[: int(header)], memoryview(body)[int(header) :]
