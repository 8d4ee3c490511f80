"""Frames of the connection to the Job: a line of JSON, and the bytes that its field `size` announces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

CHUNK = 1 << 18
"""Most bytes of a layer in one frame."""

IDLE = 120
"""Seconds without a frame after which the Job ends, since nobody waits for it."""


def frame(header: Mapping[str, Any], data: bytes = b"") -> bytes:
    """The bytes of a frame."""
    size = {"size": len(data)} if data else {}
    return json.dumps({**header, **size}, separators=(",", ":")).encode() + b"\n" + data


def read_frame(file: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Reads the next frame; None at the end of the connection, even if it breaks within a frame."""
    line = file.readline()
    if not line.endswith(b"\n"):
        return None
    header = json.loads(line)
    size = header.get("size", 0)
    data = file.read(size) if size else b""
    return (header, data) if len(data) == size else None
