"""The body of a request, within bounds."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Any

from . import json_text
from .bounds import check_json
from .messages import DisconnectedError, Request
from .refusal import Refusal, bad
from .tensors import HEADER

_JSON = ("", "application/json", "application/x-www-form-urlencoded")
"""Content types of JSON; the last is curl's for `-d`."""

_TOGETHER = 8  # of the largest body, that all may take together


class Bodies:
    """The bodies that arrive and that wait, which take a bounded amount of memory together.

    Where that is spent, the body that has been arriving the longest gives way: a slow client takes no place of a fast
    one.

    Args:
        most: the largest body.
        seconds: how long a client may take to send one.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._held = 0
        self._arriving: dict[_Arrival, None] = {}  # the oldest first

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """The whole body, for the block.

        Raises:
            Refusal: it is larger than allowed (413), does not arrive (400, 408), gives way to others (503), or is
                compressed (415).
        """
        if (request.header("content-encoding") or "identity").lower() != "identity":
            raise Refusal(415, "compressed bodies are not taken")
        announced = request.header("content-length") or ""
        if announced.isdigit() and (len(announced) > 18 or int(announced) > self._most):
            raise self._too_large()
        arrival = _Arrival()
        try:
            yield await self._arrived(request, arrival)
        finally:
            self._held -= arrival.size

    async def _arrived(self, request: Request, arrival: _Arrival) -> bytes:
        late = Refusal(408, f"the body did not arrive within {self._seconds:g} s")
        timer = asyncio.get_running_loop().call_later(self._seconds, arrival.end, late)
        self._arriving[arrival] = None
        try:
            return await self._whole(request, arrival)
        except asyncio.CancelledError:
            if arrival.refusal is None:
                raise
            _uncancel()
            raise arrival.refusal from None
        finally:
            timer.cancel()
            self._arriving.pop(arrival, None)

    async def _whole(self, request: Request, arrival: _Arrival) -> bytes:
        parts = []
        try:
            async for part in request.parts():
                parts.append(part)
                arrival.size += len(part)
                self._held += len(part)
                if arrival.size > self._most:
                    raise self._too_large()
                self._make_room(arrival)
        except DisconnectedError:
            raise bad("the client went away") from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _make_room(self, this: _Arrival) -> None:
        while self._held > _TOGETHER * self._most:
            oldest = next(iter(self._arriving))
            if oldest is this:
                raise _busy()
            del self._arriving[oldest]
            self._held -= oldest.size
            oldest.size = 0
            oldest.end(_busy())

    def _too_large(self) -> Refusal:
        return Refusal(413, f"the body is larger than {self._most} bytes, which FAIRING_MAX_BYTES allows")


class _Arrival:
    """A body that arrives.

    Attributes:
        size: bytes that are held of it.
        refusal: why it was ended; None if it was not.
    """

    def __init__(self) -> None:
        self.size = 0
        self.refusal: Refusal | None = None
        self._task = asyncio.current_task()

    def end(self, refusal: Refusal) -> None:
        """Ends it, while its task waits for a part."""
        self.refusal = refusal
        if self._task:
            self._task.cancel()


def _uncancel() -> None:
    """Lets the current task go on, which counts its cancellations since Python 3.11."""
    task = asyncio.current_task()
    if task and sys.version_info >= (3, 11):
        task.uncancel()


def _busy() -> Refusal:
    return Refusal(503, "the bodies under way take all the memory there is for them", retry_after=1)


def is_json(content_type: str) -> bool:
    """Whether a body of this type is to be read as JSON, where bytes are taken as well."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in _JSON or kind.endswith("+json")


def parsed(body: bytes) -> Any:
    """The JSON of a body.

    Raises:
        Refusal: it is none (400), or nested too deep (413).
    """
    check_json(body)
    try:
        return json_text.loads(body)
    except (ValueError, RecursionError) as error:
        raise bad(f"the body is not JSON: {error}") from None


def split(body: bytes, header: str | None) -> tuple[bytes, memoryview | None]:
    """The JSON of a V2 body, and the bytes behind it if the header says where they begin.

    Raises:
        Refusal: the header does not fit (400).
    """
    if header is None:
        return body, None
    if not (header.isascii() and header.isdigit()) or len(header) > 18 or int(header) > len(body):
        raise bad(f"{HEADER} is {header!r}, and the body has {len(body)} bytes")
    return body[: int(header)], memoryview(body)[int(header) :]
