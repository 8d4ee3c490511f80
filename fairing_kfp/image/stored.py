"""gzip of our own writing whose deflate stream holds stored blocks only.

A compressor's output changes with its version and with the processor it runs on, and a layer's digest with it. Stored
blocks have one encoding (https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4), so the digest of a small layer depends
on its content alone. The few kilobytes that compression would save cost nothing: a push is bound by its round trips.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterable, Iterator

_LONGEST_BLOCK = 0xFFFF
# ID1 ID2, deflate, no flags, no time, no extra flags, unknown operating system (RFC 1952, section 2.3)
_HEADER = b"\x1f\x8b\x08\x00" + bytes(4) + b"\x00\xff"


def store(data: bytes) -> bytes:
    """A gzip file of these bytes, uncompressed."""
    return b"".join(blocks([data]))


def blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a gzip file of these bytes, uncompressed; how they were cut does not show in it."""
    yield _HEADER
    rest, checksum, length = bytearray(), 0, 0
    for piece in pieces:
        checksum = binascii.crc32(piece, checksum)
        length += len(piece)
        rest += piece
        # The last block is marked as such, so that one is kept until it is known whether more comes.
        while len(rest) > _LONGEST_BLOCK:
            yield _block(bytes(rest[:_LONGEST_BLOCK]), final=False)
            del rest[:_LONGEST_BLOCK]
    yield _block(bytes(rest), final=True)
    yield struct.pack("<II", checksum, length & 0xFFFFFFFF)


def _block(data: bytes, *, final: bool) -> bytes:
    return struct.pack("<BHH", final, len(data), len(data) ^ _LONGEST_BLOCK) + data
