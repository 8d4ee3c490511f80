"""Metrics and readiness of the worker processes of a server, in memory that they share."""

from __future__ import annotations

import json
import mmap
import struct
import zlib
from typing import Any

from .metrics import Metrics

_SIZE = 1 << 16  # bytes for each worker; its metrics have a bounded number of labels and take a tenth of them
_HEAD = struct.Struct("<II")  # length and CRC-32 of the JSON
_ATTEMPTS = 5


class SharedMetrics:
    """The published metrics of each worker.

    Args:
        workers: the number of workers, which are forked after this object is created.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._memory = mmap.mmap(-1, workers * _SIZE)

    def publish(self, worker: int, metrics: Metrics) -> None:
        """Replaces the metrics of a worker, counted from 0."""
        text = json.dumps(metrics.state()).encode()
        start = worker * _SIZE
        self._memory[start : start + _HEAD.size + len(text)] = _HEAD.pack(len(text), zlib.crc32(text)) + text

    def read(self, worker: int) -> Metrics:
        """The metrics of a worker; empty if it has not published any."""
        metrics = Metrics()
        state = self._state(worker)
        if state:
            metrics.add(state)
        return metrics

    def all_ready(self, worker: int) -> bool:
        """Whether all other workers are ready."""
        return all(self.read(other).ready for other in range(self._workers) if other != worker)

    def total(self, worker: int, own: Metrics) -> Metrics:
        """The sum of the metrics of a worker and the published ones of all others."""
        total = Metrics()
        total.add(own.state())
        for other in range(self._workers):
            if other != worker and (state := self._state(other)):
                total.add(state)
        total.ready = own.ready and self.all_ready(worker)
        return total

    def end(self, worker: int) -> bool:
        """Marks a worker that has exited as not ready, but keeps what it counted; returns whether it had its model."""
        metrics = self.read(worker)
        loaded = metrics.load_seconds is not None
        metrics.ready, metrics.load_seconds, metrics.in_flight = False, None, 0
        self.publish(worker, metrics)
        return loaded

    def _state(self, worker: int) -> Any:
        start = worker * _SIZE + _HEAD.size
        for _ in range(_ATTEMPTS):  # the worker may be publishing
            size, checksum = _HEAD.unpack_from(self._memory, start - _HEAD.size)
            text = self._memory[start : start + size]
            if text and zlib.crc32(text) == checksum:
                return json.loads(text)
        return None
