"""gzip files without compression: their deflate streams contain stored blocks only.

The output of a compressor depends on its version and on the processor, and so would a layer's digest. Stored blocks
have only one encoding (https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4), so the digest depends on the content
alone. For small layers the size does not matter, since round trips dominate the time of a push.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterable, Iterator

_MAX_BLOCK = 0xFFFF
# ID1 ID2, deflate, no flags, no time, no extra flags, unknown operating system (RFC 1952, section 2.3)
_HEADER = b"\x1f\x8b\x08\x00" + bytes(4) + b"\x00\xff"


def store(data: bytes) -> bytes:
    """Returns a gzip file with this content."""
    return b"".join(blocks([data]))


def blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the parts of a gzip file with this content; the file does not depend on how the content is split."""
    yield _HEADER
    rest, checksum, length = bytearray(), 0, 0
    for piece in pieces:
        checksum = binascii.crc32(piece, checksum)
        length += len(piece)
        rest += piece
        # The final block has a flag, so a block is only written when more data follows.
        while len(rest) > _MAX_BLOCK:
            yield _block(bytes(rest[:_MAX_BLOCK]), final=False)
            del rest[:_MAX_BLOCK]
    yield _block(bytes(rest), final=True)
    yield struct.pack("<II", checksum, length & 0xFFFFFFFF)


def _block(data: bytes, *, final: bool) -> bytes:
    return struct.pack("<BHH", final, len(data), len(data) ^ _MAX_BLOCK) + data
