"""Progress of builders, reported as values; no builder prints."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO, Literal, cast

from fairing_kfp.frozen import dataclass


@dataclass(frozen=True)
class Transfer:
    """The progress of one blob.

    Attributes:
        name: the layer's name, such as `code`; `base` or `config` for others.
        digest: the blob's digest.
        size: in bytes.
        done: bytes transferred so far; starts at 0 again when the transfer is retried.
        state: `mounted` if the registry had the blob already, and nothing was sent; `pulled` and `built` are reported
            by engines.
    """

    name: str
    digest: str
    size: int
    done: int = 0
    state: Literal["moving", "sent", "mounted", "pulled", "built"] = "moving"


Progress = Callable[[Transfer], None]
"""Called with transfers as they proceed, from several threads."""


def silent(transfer: Transfer) -> None:
    """Ignores transfers."""


def log_of(progress: Progress) -> Callable[[str], None]:
    """The method `log` of a callback that shows messages, too; else a function that ignores them."""
    log: Callable[[str], None] = getattr(progress, "log", lambda text: None)
    return log


def status_of(progress: Progress | None) -> Callable[[str], None]:
    """The method `status` of a callback that shows what is being done, too; else a function that ignores it."""
    status: Callable[[str], None] = getattr(progress, "status", lambda text: None)
    return status


def with_progress(open_blob: Callable[[], BinaryIO], transfer: Transfer, progress: Progress) -> Callable[[], BinaryIO]:
    """Wraps a function that opens a blob, so that progress is reported as the blob is read."""
    return lambda: cast(BinaryIO, _ProgressReader(open_blob(), transfer, progress))


class _ProgressReader(io.RawIOBase):
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
