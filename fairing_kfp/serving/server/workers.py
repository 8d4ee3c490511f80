"""Threads in which the predictor runs, so that the server goes on answering probes; and how many may wait for them."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from .metrics import Metrics
from .refusal import Refusal

T = TypeVar("T")


class Workers:
    """So many threads, and so many requests that may wait for one.

    With one thread, which is the default, the model is loaded and asked in the same one.

    Args:
        threads: predictions side by side.
        waiting: requests that may wait besides.
        metrics: is told how many are under way.
    """

    def __init__(self, threads: int, waiting: int, metrics: Metrics) -> None:
        self._threads = threads
        self._started = 0
        self._asked: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._begun: set[_Task] = set()
        self._most = threads + waiting
        self._metrics = metrics

    @property
    def idle(self) -> bool:
        """Whether no thread works, and nothing waits for one."""
        return not self._begun

    def check(self) -> None:
        """Checks that there is a place.

        Raises:
            Refusal: all are taken (503).
        """
        if self._metrics.in_flight >= self._most:
            raise Refusal(503, f"{self._most} requests are under way already", retry_after=1)

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A place among those that work and wait.

        Raises:
            Refusal: all are taken (503).
        """
        self.check()
        self._metrics.in_flight += 1
        try:
            yield
        finally:
            self._metrics.in_flight -= 1

    async def run(self, work: Callable[[], T]) -> T:
        """What work gives, done in a thread; it goes on there when nobody waits for it any more."""
        result: T = await self.begin(work)
        return result

    def begin(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Has work done in a thread."""
        if self._started < self._threads and len(self._begun) >= self._started:
            self._started += 1
            threading.Thread(target=self._work, name=f"predictor-{self._started}", daemon=True).start()
        task = _Task(work, asyncio.get_running_loop())
        self._begun.add(task)
        self._asked.put(task)
        return task.result

    def close(self) -> None:
        """Ends the threads that do not work."""
        for _ in range(self._started):
            self._asked.put(None)

    def _work(self) -> None:
        while task := self._asked.get():
            try:
                outcome, error = task.work(), None
            except BaseException as raised:  # also SystemExit of the predictor
                outcome, error = None, raised
            self._begun.discard(task)
            with contextlib.suppress(RuntimeError):  # the loop has ended
                task.loop.call_soon_threadsafe(task.settle, outcome, error)
            task = outcome = error = None  # which would hold a request until the next


class _Task:
    """Something to do in a thread, and where its result is waited for."""

    __slots__ = ("loop", "result", "work")

    def __init__(self, work: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.loop = loop
        self.result: asyncio.Future[Any] = loop.create_future()

    def settle(self, outcome: Any, error: BaseException | None) -> None:
        """Gives the result to whoever waits for it."""
        if self.result.done():
            return  # nobody waits for it any more
        if error is None:
            self.result.set_result(outcome)
        else:
            self.result.set_exception(error)
