"""Runs the tasks of a run: one at a time, or several side by side in threads."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from fairing_kfp.errors import FairingError
from fairing_kfp.local.task import RunTask, Task, Values

Outcome = tuple[str, "Values | None", "FairingError | None"]
"""The name of a step, its outputs, and why it failed if its log does not tell."""


class Workers(Protocol):
    """Runs tasks."""

    def start(self, task: Task) -> None:
        """Starts a task."""

    def wait(self) -> Outcome:
        """The outcome of a task that ended, as soon as there is one."""


@contextlib.contextmanager
def workers(run_task: RunTask, count: int, stop: Callable[[], None]) -> Iterator[Workers]:
    """Workers that run a number of tasks at a time; at the end of the block, all have ended.

    Args:
        run_task: runs a task.
        count: how many tasks run at a time.
        stop: ends the tasks that run; called if the block ends by an exception, such as Ctrl-C.
    """
    if count == 1:
        yield _Here(run_task)
        return
    threads = _Threads(run_task)
    try:
        yield threads
    except BaseException:
        stop()
        raise
    finally:
        threads.join()


class _Here:
    """Runs a task in this thread, when its outcome is asked for."""

    def __init__(self, run_task: RunTask) -> None:
        self._run_task, self._tasks = run_task, deque[Task]()

    def start(self, task: Task) -> None:
        self._tasks.append(task)

    def wait(self) -> Outcome:
        task = self._tasks.popleft()
        try:
            return task.step, self._run_task(task), None
        except FairingError as error:
            return task.step, None, error


class _Threads:
    """Runs each task in a thread of its own."""

    def __init__(self, run_task: RunTask) -> None:
        self._run_task = run_task
        self._ended: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self, task: Task) -> None:
        thread = threading.Thread(target=self._run, args=(task,), name=task.step, daemon=True)
        self._threads.append(thread)
        thread.start()

    def wait(self) -> Outcome:
        ended = self._ended.get()
        if isinstance(ended, BaseException):
            raise ended
        return ended

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _run(self, task: Task) -> None:
        try:
            self._ended.put((task.step, self._run_task(task), None))
        except FairingError as error:
            self._ended.put((task.step, None, error))
        except BaseException as error:  # raised again where the run waits
            self._ended.put(error)
