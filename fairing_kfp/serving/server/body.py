"""The body of a request, within bounds."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.requests import Request

from .refusal import Refusal, bad
from .tensors import HEADER

_JSON = ("", "application/json", "application/x-www-form-urlencoded")
"""Content types of JSON; the last is curl's for `-d`."""


async def read(request: Request, most: int, seconds: float) -> bytes:
    """The whole body.

    Raises:
        Refusal: it is larger than allowed (413), does not arrive (408), or is compressed (415).
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415, "compressed bodies are not taken")
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise _too_large(most)
    try:
        return await asyncio.wait_for(_parts(request, most), seconds)
    except asyncio.TimeoutError:
        raise Refusal(408, f"the body did not arrive within {seconds:g} s") from None


async def _parts(request: Request, most: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
    return b"".join(parts)


def _too_large(most: int) -> Refusal:
    return Refusal(413, f"the body is larger than {most} bytes, which FAIRING_MAX_BYTES allows")


def is_json(content_type: str) -> bool:
    """Whether a body of this type is to be read as JSON, where bytes are taken as well."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in _JSON or kind.endswith("+json")


def parsed(body: bytes) -> Any:
    """The JSON of a body.

    Raises:
        Refusal: it is none (400).
    """
    try:
        return json.loads(body)
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
