"""Single flight: of several threads that need the same result, one computes it and the others wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from fairing_kfp.builders.threads import Task, Threads

_Result = TypeVar("_Result")


class SingleFlight(Generic[_Result]):
    """Results by key, each computed once. A failed computation is forgotten, so that it can be retried."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: dict[Hashable, Task[_Result]] = {}

    def get(self, key: Hashable, work: Callable[[], _Result]) -> _Result:
        """The result for a key; computed in this thread, unless another thread has started to."""
        task, started = self._claim(key)
        if not started:
            self._run(key, task, work)
        return task.result()

    def submit(self, threads: Threads, key: Hashable, work: Callable[[], _Result]) -> Task[_Result]:
        """The task for a key; done by some threads, unless another thread has started to."""
        task, started = self._claim(key)
        if not started:
            try:
                threads.submit(partial(self._run, key, task, work))
            except RuntimeError as error:  # they were closed
                self.forget(key)
                task.fail(error)
        return task

    def forget(self, key: Hashable) -> None:
        """Forgets the result for a key, so that it is computed again."""
        with self._lock:
            self._results.pop(key, None)

    def _claim(self, key: Hashable) -> tuple[Task[_Result], bool]:
        with self._lock:
            started = key in self._results
            return self._results.setdefault(key, Task()), started

    def _run(self, key: Hashable, task: Task[_Result], work: Callable[[], _Result]) -> None:
        def forgetting() -> _Result:
            try:
                return work()
            except BaseException:
                self.forget(key)
                raise

        task.run(forgetting)
