"""Threads for concurrent predictions, beside the thread of the event loop."""

from __future__ import annotations

import contextlib
import queue
import threading

from .task import Task


class Threads:
    """Runs tasks in several threads, each of which is started when the first tasks are submitted.

    Args:
        number: the number of threads.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._started = 0
        self._queue: queue.SimpleQueue[Task | None] = queue.SimpleQueue()

    def submit(self, task: Task) -> None:
        """Queues a task; called in its event loop."""
        self._queue.put(task)
        if self._started < self._number:
            self._started += 1
            threading.Thread(target=self._run_tasks, name=f"predictor-{self._started}", daemon=True).start()

    def close(self) -> None:
        """Stops the threads after the queued tasks."""
        for _ in range(self._started):
            self._queue.put(None)

    def _run_tasks(self) -> None:
        while task := self._queue.get():
            task.run()
            with contextlib.suppress(RuntimeError):  # the event loop is closed
                task.loop.call_soon_threadsafe(task.settle)
            task = None  # frees the request while the thread waits for the next task
