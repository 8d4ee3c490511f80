"""gzip of our own writing whose deflate stream holds stored blocks only.

A compressor's output changes with its version and with the processor it runs on, and a layer's digest with it. Stored
blocks have one encoding (https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4), so the digest of a small layer depends
on its content alone. The few kilobytes that compression would save cost nothing: a push is bound by its round trips.
"""

from __future__ import annotations

import binascii
import struct

_LONGEST_BLOCK = 0xFFFF
# ID1 ID2, deflate, no flags, no time, no extra flags, unknown operating system (RFC 1952, section 2.3)
_HEADER = b"\x1f\x8b\x08\x00" + bytes(4) + b"\x00\xff"


def store(data: bytes) -> bytes:
    """A gzip file of these bytes, uncompressed."""
    parts = [_HEADER]
    for start in range(0, max(len(data), 1), _LONGEST_BLOCK):
        block = data[start : start + _LONGEST_BLOCK]
        final = start + _LONGEST_BLOCK >= len(data)
        parts += [struct.pack("<BHH", final, len(block), len(block) ^ 0xFFFF), block]
    parts.append(struct.pack("<II", binascii.crc32(data), len(data) & 0xFFFFFFFF))
    return b"".join(parts)
