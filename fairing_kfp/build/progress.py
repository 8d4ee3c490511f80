"""How far a build is, handed down as values, so that no builder prints."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal, cast


@dataclass(frozen=True)
class Transfer:
    """A blob on its way.

    Attributes:
        name: what it holds, such as `code`, `base` or `config`.
        digest: the blob's.
        size: the blob's.
        done: how many of its bytes have gone; begins anew when sending is tried again.
        state: `mounted` means that the registry had it already, and nothing was sent; `pulled` and `built` are what
            an engine did.
    """

    name: str
    digest: str
    size: int
    done: int = 0
    state: Literal["moving", "sent", "mounted", "pulled", "built"] = "moving"


Progress = Callable[[Transfer], None]
"""Is told of transfers as they go on, from several threads."""


def silent(transfer: Transfer) -> None:
    """Tells nobody."""


def followed(open_blob: Callable[[], BinaryIO], transfer: Transfer, progress: Progress) -> Callable[[], BinaryIO]:
    """Opens the same blob, and reports what is read of it."""
    return lambda: cast(BinaryIO, _Followed(open_blob(), transfer, progress))


class _Followed(io.RawIOBase):
    def __init__(self, file: BinaryIO, transfer: Transfer, progress: Progress) -> None:
        super().__init__()
        self._file = file
        self._transfer = transfer
        self._progress = progress

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._transfer = replace(self._transfer, done=self._transfer.done + len(data))
        self._progress(self._transfer)
        return data

    def close(self) -> None:
        self._file.close()
        super().close()
