"""Work that many threads need and one does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Executor, Future
from typing import Generic, TypeVar

_Result = TypeVar("_Result")


class Once(Generic[_Result]):
    """Remembers the result of each piece of work; what failed is forgotten, and may be tried again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: dict[Hashable, Future[_Result]] = {}

    def get(self, key: Hashable, work: Callable[[], _Result]) -> _Result:
        """The result for a key, worked out in this thread, or waited for if another has begun."""
        future, begun = self._claim(key)
        if not begun:
            self._run(key, future, work)
        return future.result()

    def submit(self, pool: Executor, key: Hashable, work: Callable[[], _Result]) -> Future[_Result]:
        """The result for a key, worked out by a pool if nobody has begun."""
        future, begun = self._claim(key)
        if not begun:
            try:
                given = pool.submit(self._run, key, future, work)
            except RuntimeError as error:  # the pool was shut down
                self._fail(key, future, error)
            else:
                given.add_done_callback(lambda done: self._drop(key, future) if done.cancelled() else None)
        return future

    def forget(self, key: Hashable) -> None:
        """Lets the work for a key be done again."""
        with self._lock:
            self._results.pop(key, None)

    def _claim(self, key: Hashable) -> tuple[Future[_Result], bool]:
        with self._lock:
            begun = key in self._results
            return self._results.setdefault(key, Future()), begun

    def _run(self, key: Hashable, future: Future[_Result], work: Callable[[], _Result]) -> None:
        try:
            result = work()
        except BaseException as error:  # its place is where the result is wanted
            self._fail(key, future, error)
        else:
            future.set_result(result)

    def _drop(self, key: Hashable, future: Future[_Result]) -> None:
        self._fail(key, future, CancelledError())

    def _fail(self, key: Hashable, future: Future[_Result], error: BaseException) -> None:
        self.forget(key)
        future.set_exception(error)
