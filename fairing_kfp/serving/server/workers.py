"""Work for the threads that run the predictor, and a limit on waiting requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from .http_error import HTTPError
from .metrics import Metrics
from .relay import Relay
from .task import Task
from .threads import Threads

T = TypeVar("T")


class Workers:
    """The threads of the predictor, and a limit on the requests that use them or wait for them.

    With one thread, the default, the model is loaded and called in the same thread.

    Args:
        threads: the number of concurrent predictions.
        waiting: the number of further requests that may wait.
        metrics: counts the requests in progress.
        relay: runs the work, if there is one thread, and the event loop; by default, threads beside it run the work.
    """

    def __init__(self, threads: int, waiting: int, metrics: Metrics, relay: Relay | None = None) -> None:
        self._executor = relay or Threads(threads)
        self._tasks: set[Task] = set()  # running or waiting
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

    def enter(self) -> None:
        """Counts a request as in progress until `leave`.

        Raises:
            HTTPError: the limit is reached (503).
        """
        self.check()
        self._metrics.in_flight += 1

    def leave(self) -> None:
        """Ends the count of a request."""
        self._metrics.in_flight -= 1

    async def run(self, work: Callable[[], T]) -> T:
        """Runs work in a thread; returns its result. If the caller is cancelled, the work still runs to its end."""
        result: T = await self.submit(work)
        return result

    def submit(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Queues work for a thread; returns the future of its result."""
        task = Task(work, asyncio.get_running_loop(), self._tasks)
        self._executor.submit(task)
        return task.future

    def close(self) -> None:
        """Stops the threads after the queued tasks."""
        self._executor.close()
