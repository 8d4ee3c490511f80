"""Threads that run tasks. `concurrent.futures` would do, but imports `logging` and `queue`, and takes longer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Task(Generic[_Result]):
    """The result of work that may take place in another thread."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._results: list[_Result] = []
        self._error: BaseException | None = None

    def run(self, work: Callable[[], _Result]) -> None:
        """Does the work."""
        try:
            self._results.append(work())
        except BaseException as error:  # raised by `result`
            self._error = error
        finally:
            self._done.set()

    def fail(self, error: BaseException) -> None:
        """Ends the task with an error, without doing the work."""
        self._error = error
        self._done.set()

    def wait(self) -> bool:
        """Waits for the work; returns whether it succeeded."""
        self._done.wait()
        return self._error is None

    def result(self) -> _Result:
        """Waits for the work; returns its result, or raises its error."""
        if not self.wait():
            assert self._error is not None  # noqa: S101
            raise self._error
        return self._results[0]


class Threads:
    """Threads, started as they are needed.

    Args:
        count: their largest number.
        name: their name, followed by a number.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._changed = threading.Condition()
        self._waiting: deque[Callable[[], None]] = deque()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def submit(self, work: Callable[[], _Result]) -> Task[_Result]:
        """Runs work in a thread.

        Raises:
            RuntimeError: the threads were closed.
        """
        task: Task[_Result] = Task()
        with self._changed:
            if self._closed:
                raise RuntimeError("the threads were closed")
            self._waiting.append(partial(task.run, work))
            if self._idle >= len(self._waiting):
                self._changed.notify()
            elif len(self._threads) < self._count:
                name = f"{self._name}_{len(self._threads)}"
                self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
                self._threads[-1].start()
        return task

    def map(self, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
        """The results for some items, worked on at the same time."""
        return [task.result() for task in [self.submit(partial(work, item)) for item in items]]

    def drop(self) -> None:
        """Forgets the tasks that no thread has begun."""
        with self._changed:
            self._waiting.clear()

    def close(self) -> None:
        """Waits for all tasks, and ends the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    if self._closed:
                        return
                    self._idle += 1
                    self._changed.wait()
                    self._idle -= 1
                task = self._waiting.popleft()
            task()
            del task  # its arguments are not kept until the next one
