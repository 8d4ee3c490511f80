"""Files of the cache that are verified while they are read."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import BinaryIO

from fairing_kfp.errors import TransientError


class VerifiedFile(io.RawIOBase):
    """A file whose last read raises an error if it is damaged, so that hashing takes place while it is sent.

    Args:
        file: the file, at its start.
        digest: its digest, as `sha256:<hex>`.
        size: its size in bytes.
        on_damage: called before the error is raised.
    """

    def __init__(self, file: BinaryIO, digest: str, size: int, on_damage: Callable[[], object]) -> None:
        super().__init__()
        self._file = file
        self._digest = digest
        self._left = size
        self._on_damage = on_damage
        self._actual = hashlib.sha256()

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Reads up to `size` bytes, or all.

        Raises:
            TransientError: the file is damaged.
        """
        data = self._file.read(size)
        self._actual.update(data)
        self._left -= len(data)
        ended = self._left <= 0 or (not data and size)
        if ended and (self._left or f"sha256:{self._actual.hexdigest()}" != self._digest):
            self._on_damage()
            raise TransientError(f"the file {self._digest} in the cache was damaged", "run the same command again")
        return data

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        super().close()
