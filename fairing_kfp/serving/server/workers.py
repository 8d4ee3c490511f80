"""The threads that run the predictor, while the event loop handles probes, and a limit on waiting requests."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from .http_error import HTTPError
from .metrics import Metrics

T = TypeVar("T")


class Workers:
    """A pool of threads, and a limit on the requests that use it or wait for it.

    With one thread, the default, the model is loaded and called in the same thread.

    Args:
        threads: the number of concurrent predictions.
        waiting: the number of further requests that may wait.
        metrics: counts the requests in progress.
    """

    def __init__(self, threads: int, waiting: int, metrics: Metrics) -> None:
        self._threads = threads
        self._started = 0
        self._queue: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._tasks: set[_Task] = set()  # running or waiting
        self._limit = threads + waiting
        self._metrics = metrics

    @property
    def idle(self) -> bool:
        """Whether no task is running or waiting."""
        return not self._tasks

    def check(self) -> None:
        """Checks that the limit is not reached.

        Raises:
            HTTPError: the limit is reached (503).
        """
        if self._metrics.in_flight >= self._limit:
            raise HTTPError(503, f"{self._limit} requests are already in progress", retry_after=1)

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Counts a request as in progress until the end of the block.

        Raises:
            HTTPError: the limit is reached (503).
        """
        self.check()
        self._metrics.in_flight += 1
        try:
            yield
        finally:
            self._metrics.in_flight -= 1

    async def run(self, work: Callable[[], T]) -> T:
        """Runs work in a thread; returns its result. If the caller is cancelled, the work still runs to its end."""
        result: T = await self.submit(work)
        return result

    def submit(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Queues work for a thread; returns the future of its result."""
        if self._started < self._threads and len(self._tasks) >= self._started:
            self._started += 1
            threading.Thread(target=self._run_tasks, name=f"predictor-{self._started}", daemon=True).start()
        task = _Task(work, asyncio.get_running_loop())
        self._tasks.add(task)
        self._queue.put(task)
        return task.result

    def close(self) -> None:
        """Stops the threads after the queued tasks."""
        for _ in range(self._started):
            self._queue.put(None)

    def _run_tasks(self) -> None:
        while task := self._queue.get():
            try:
                result, error = task.work(), None
            except BaseException as raised:  # including SystemExit of the predictor
                result, error = None, raised
            self._tasks.discard(task)
            with contextlib.suppress(RuntimeError):  # the event loop is closed
                task.loop.call_soon_threadsafe(task.settle, result, error)
            task = result = error = None  # frees the request while the thread waits for the next task


class _Task:
    """Work for a thread, and the future of its result."""

    __slots__ = ("loop", "result", "work")

    def __init__(self, work: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.loop = loop
        self.result: asyncio.Future[Any] = loop.create_future()

    def settle(self, result: Any, error: BaseException | None) -> None:
        """Sets the result of the future."""
        if self.result.done():
            return  # the caller was cancelled
        if error is None:
            self.result.set_result(result)
        else:
            self.result.set_exception(error)
