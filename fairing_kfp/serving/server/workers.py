"""Threads in which the predictor runs, so that the server goes on answering probes; and how many may wait for them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from .metrics import Metrics
from .refusal import Refusal

T = TypeVar("T")


class Workers:
    """So many threads, and so many requests that may wait for one.

    With one thread, which is the default, the model is loaded and asked in the same one.

    Args:
        threads: predictions side by side.
        queue: requests that may wait besides.
        metrics: is told how many are under way.
    """

    def __init__(self, threads: int, queue: int, metrics: Metrics) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="predictor")
        self._most = threads + queue
        self._metrics = metrics
        self._begun: set[Future[Any]] = set()

    @property
    def idle(self) -> bool:
        """Whether no thread works."""
        return not self._begun

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A place among those that work and wait.

        Raises:
            Refusal: all are taken (503).
        """
        if self._metrics.in_flight >= self._most:
            raise Refusal(503, f"{self._most} requests are under way already", retry_after=1)
        self._metrics.in_flight += 1
        try:
            yield
        finally:
            self._metrics.in_flight -= 1

    async def run(self, work: Callable[[], T]) -> T:
        """What work gives, done in a thread; it goes on there when nobody waits for it any more."""
        future = self._pool.submit(work)
        self._begun.add(future)
        future.add_done_callback(self._begun.discard)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Forgets what has not begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)
