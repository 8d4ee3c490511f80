"""The event loop, which the predictor's thread runs between predictions, and the main thread during long ones.

If the event loop and the predictor had a thread each, on cores of their own, Python's objects would go from the cache
of one core to that of the other with each request, which then takes half as long again. So one thread does both. It
leaves the event loop for predictions: the predictor's code may run an event loop of its own, and the main thread ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

from .task import Task

T = TypeVar("T")

_BATCH_SECONDS = 0.001  # in which queued tasks run one after the other, with warm caches, before the event loop does
_LONG_SECONDS = 0.001  # of a task, above which the event loop had better run meanwhile
_LONG_TASKS = 3  # in a row, after which the main thread runs the event loop from the start
_TICK_SECONDS = 0.01  # how often the main thread looks whether a task takes long; twice as long after each new task,
_MAX_TICK_SECONDS = 0.08  # up to this, as it takes the GIL from the predictor's thread each time
_IDLE_TICKS = 10  # without a new task, after which the main thread waits for one
_SIGNAL_SECONDS = 1.0  # at most of that wait at a time: a signal that another thread receives does not end it


class Relay:
    """Runs an event loop in two threads in turn, and tasks in one of them, the predictor's thread.

    The tasks run one at a time, in order. No event loop runs in the thread meanwhile; the main thread runs it once a
    task takes longer than 10 to 160 ms, and after several tasks of more than 1 ms in a row until the next shorter one.

    Args:
        loop: the event loop, which is closed at the end of `run`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: queue.SimpleQueue[Task | None] = queue.SimpleQueue()  # None wakes the thread
        self._finished: deque[Task] = deque()
        self._thread: threading.Thread | None = None
        self._turn = threading.Lock()  # of the thread that runs the event loop
        self._predictor_leads = False
        self._stopping = False  # whether the predictor's thread is about to leave the event loop
        self._begun = 0  # the number of tasks that have been started
        self._long = 0  # the number of long tasks in a row
        self._wake = threading.Event()  # ends the wait of the main thread
        self._idle = False  # whether the main thread waits for a task to be started
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Runs the event loop until a coroutine ends, in the main thread first; cancels all others then.

        Returns:
            The result of the coroutine.

        Raises:
            BaseException: whatever the coroutine raises, or a callback if it is no Exception.
        """
        self._turn.acquire()
        try:
            result = self._loop.create_task(main)
            result.add_done_callback(self._end)
            self._loop.run_forever()
            while not self._ended:
                self._turn.release()
                self._queue.put(None)
                self._stand_by()
                if not self._ended:
                    self._settle()
                    self._loop.run_forever()
            if self._error:
                raise self._error
            return result.result()
        finally:
            self._ended = True
            self._close_loop()

    def submit(self, task: Task) -> None:
        """Queues a task; called in the event loop."""
        self._queue.put(task)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run_tasks, name="predictor-1", daemon=True)
            self._thread.start()
        elif self._predictor_leads:
            self._stop()

    def close(self) -> None:
        """Stops the predictor's thread after the queued tasks."""
        self._closed = True
        self._queue.put(None)

    def _run_tasks(self) -> None:
        """The predictor's thread."""
        while not (self._closed and self._queue.empty()):
            self._run_some()
            long = self._long >= _LONG_TASKS
            if not long and self._turn.acquire(blocking=False):
                self._lead()
                continue
            with contextlib.suppress(RuntimeError):  # the event loop is closed
                self._loop.call_soon_threadsafe(self._settle)
                if not long and self._queue.empty():
                    self._loop.call_soon_threadsafe(self._hand_over)
            if long:
                self._wake.set()

    def _run_some(self) -> None:
        """Waits for a task; runs it, and those that follow within a short time, as each runs the faster for it."""
        task, start = self._queue.get(), time.monotonic()
        end = start + _BATCH_SECONDS
        while task:
            self._begun += 1
            if self._idle:
                self._idle = False
                self._wake.set()
            task.run()
            self._finished.append(task)
            now = time.monotonic()
            self._long = self._long + 1 if now - start > _LONG_SECONDS else 0
            start = now
            task = None if self._queue.empty() or now > end else self._queue.get()

    def _settle(self) -> None:
        """Sets the results of finished tasks; called by the thread that runs the event loop."""
        while self._finished:
            self._finished.popleft().settle()

    def _lead(self) -> None:
        """Runs the event loop until there is a task, at least once; ends the turn."""
        self._predictor_leads = True
        try:
            self._settle()
            if not self._queue.empty():
                self._stop()
            while not self._ended:
                self._loop.run_forever()
                self._stopping = False
                if not self._queue.empty():
                    break
        except BaseException as error:  # a callback raised SystemExit, for example
            self._error = error
            self._end()
        self._predictor_leads = False
        self._turn.release()

    def _stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            self._loop.stop()

    def _hand_over(self) -> None:
        """Ends the turn of the main thread."""
        if not self._predictor_leads and not self._ended:
            self._loop.stop()

    def _stand_by(self) -> None:
        """Waits in the main thread until a task has taken some time, or the event loop has ended; begins a turn."""
        ticks, seconds = 0, _TICK_SECONDS  # ticks without a new task
        while not self._ended:
            begun = self._begun
            self._wake.wait(seconds)
            self._wake.clear()
            takes_long = begun == self._begun or self._long >= _LONG_TASKS
            if takes_long and self._turn.acquire(blocking=False):
                return
            if begun == self._begun:
                ticks, seconds = ticks + 1, _TICK_SECONDS
            else:
                ticks, seconds = 0, min(2 * seconds, _MAX_TICK_SECONDS)
            if ticks > _IDLE_TICKS:
                self._idle = True
                if begun == self._begun and not self._ended:  # else the thread may not have seen it
                    self._wake.wait(_SIGNAL_SECONDS)
        self._turn.acquire()

    def _end(self, _: Any = None) -> None:
        if not self._ended:
            self._ended = True
            self._wake.set()
            self._loop.stop()

    def _close_loop(self) -> None:
        """Cancels what runs in the event loop, and closes it, as `asyncio.run` does."""
        self._loop.stop()  # and a stop of which uvloop has not taken notice: it would end the next run
        self._loop.run_forever()
        run = self._loop.run_until_complete
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        run(_all(tasks))
        run(self._loop.shutdown_asyncgens())
        run(self._loop.shutdown_default_executor())
        self._loop.close()


async def _all(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
