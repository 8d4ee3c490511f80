"""Counters and histograms in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/).

The metrics are few; a library would be three times the size of the rest of this server.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds


class Metrics:
    """The metrics of a server.

    Attributes:
        in_flight: the number of requests to the model in progress, including those that wait for a thread.
        load_seconds: the loading time of the model in seconds; None until it is loaded.
        ready: whether the model is loaded and the server is not shutting down.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self.load_seconds: float | None = None
        self.ready = False
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._durations: defaultdict[str, _Histogram] = defaultdict(_Histogram)

    def count(self, endpoint: str, status: int, seconds: float) -> None:
        """Counts a completed request, by the name of its endpoint; `seconds` is its duration."""
        with self._lock:
            self._requests[endpoint, status] += 1
            self._durations[endpoint].add(seconds)

    def state(self) -> dict[str, Any]:
        """All values, as JSON values."""
        with self._lock:
            return {
                "ready": self.ready,
                "load_seconds": self.load_seconds,
                "in_flight": self.in_flight,
                "requests": [[*key, number] for key, number in self._requests.items()],
                "durations": {endpoint: histogram.copy() for endpoint, histogram in self._durations.items()},
            }

    def add(self, state: Mapping[str, Any]) -> None:
        """Adds the values of another process."""
        with self._lock:
            self.ready = state["ready"]
            self.in_flight += state["in_flight"]
            seconds = [one for one in (self.load_seconds, state["load_seconds"]) if one is not None]
            self.load_seconds = max(seconds, default=None)
            for endpoint, status, number in state["requests"]:
                self._requests[endpoint, status] += number
            for endpoint, (counts, total) in state["durations"].items():
                self._durations[endpoint].add_all(counts, total)

    def text(self) -> str:
        """All metrics in the text format."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        with self._lock:
            requests = sorted(self._requests.items())
            durations = [(endpoint, *histogram.copy()) for endpoint, histogram in sorted(self._durations.items())]
        yield from _head("fairing_requests_total", "counter", "Completed requests.")
        for (endpoint, status), number in requests:
            yield f'fairing_requests_total{{endpoint="{endpoint}",status="{status}"}} {number}'
        yield from _head(
            "fairing_request_seconds", "histogram", "Duration of requests, including the time of waiting for a thread."
        )
        for endpoint, counts, total in durations:
            label = f'endpoint="{endpoint}"'
            cumulative = 0
            for bound, number in zip((*_BUCKETS, math.inf), counts, strict=True):
                cumulative += number
                le = "+Inf" if bound == math.inf else bound
                yield f'fairing_request_seconds_bucket{{{label},le="{le}"}} {cumulative}'
            yield f"fairing_request_seconds_sum{{{label}}} {total!r}"
            yield f"fairing_request_seconds_count{{{label}}} {cumulative}"
        yield from _head("fairing_requests_in_flight", "gauge", "Requests to the model that are running or waiting.")
        yield f"fairing_requests_in_flight {self.in_flight}"
        yield from _head("fairing_model_ready", "gauge", "Whether the model is ready.")
        yield f"fairing_model_ready {int(self.ready)}"
        if self.load_seconds is not None:
            yield from _head("fairing_model_load_seconds", "gauge", "Loading time of the model.")
            yield f"fairing_model_load_seconds {self.load_seconds!r}"


class _Histogram:
    def __init__(self) -> None:
        self._counts = [0] * (len(_BUCKETS) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(_BUCKETS, value)] += 1
        self._total += value

    def add_all(self, counts: Sequence[int], total: float) -> None:
        self._counts = [mine + other for mine, other in zip(self._counts, counts, strict=True)]
        self._total += total

    def copy(self) -> tuple[list[int], float]:
        return list(self._counts), self._total


def _head(name: str, kind: str, description: str) -> tuple[str, str]:
    return f"# HELP {name} {description}", f"# TYPE {name} {kind}"
