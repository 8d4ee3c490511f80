"""Counters and histograms in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/).

They are few, and of one process: a library would be three times the size of the rest of this server.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections.abc import Iterator

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds


class Metrics:
    """What a server counts.

    Attributes:
        in_flight: requests to the model that are under way, waiting ones included.
        load_seconds: how long the model took to load; None until it has.
        ready: whether requests are answered.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self.load_seconds: float | None = None
        self.ready = False
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, int], int] = {}
        self._took: dict[str, _Histogram] = {}

    def count(self, endpoint: str, status: int, seconds: float) -> None:
        """Counts a request that has ended."""
        with self._lock:
            self._requests[endpoint, status] = self._requests.get((endpoint, status), 0) + 1
            self._took.setdefault(endpoint, _Histogram()).add(seconds)

    def text(self) -> str:
        """All of it."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        with self._lock:
            requests = sorted(self._requests.items())
            took = [(endpoint, *histogram.copy()) for endpoint, histogram in sorted(self._took.items())]
        yield from _head("fairing_requests_total", "counter", "Requests that were answered.")
        for (endpoint, status), number in requests:
            yield f'fairing_requests_total{{endpoint="{endpoint}",status="{status}"}} {number}'
        yield from _head("fairing_request_seconds", "histogram", "How long requests took, waiting included.")
        for endpoint, counts, total in took:
            label = f'endpoint="{endpoint}"'
            reached = 0
            for bound, number in zip((*_BUCKETS, math.inf), counts, strict=True):
                reached += number
                le = "+Inf" if bound == math.inf else bound
                yield f'fairing_request_seconds_bucket{{{label},le="{le}"}} {reached}'
            yield f"fairing_request_seconds_sum{{{label}}} {total!r}"
            yield f"fairing_request_seconds_count{{{label}}} {reached}"
        yield from _head("fairing_requests_in_flight", "gauge", "Requests to the model that are under way or waiting.")
        yield f"fairing_requests_in_flight {self.in_flight}"
        yield from _head("fairing_model_ready", "gauge", "Whether the model answers requests.")
        yield f"fairing_model_ready {int(self.ready)}"
        if self.load_seconds is not None:
            yield from _head("fairing_model_load_seconds", "gauge", "How long the model took to load.")
            yield f"fairing_model_load_seconds {self.load_seconds!r}"


class _Histogram:
    def __init__(self) -> None:
        self._counts = [0] * (len(_BUCKETS) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(_BUCKETS, value)] += 1
        self._total += value

    def copy(self) -> tuple[list[int], float]:
        return list(self._counts), self._total


def _head(name: str, kind: str, words: str) -> tuple[str, str]:
    return f"# HELP {name} {words}", f"# TYPE {name} {kind}"
