"""Single flight: of several threads that need the same result, one computes it and the others wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Executor, Future
from typing import Generic, TypeVar

_Result = TypeVar("_Result")


class SingleFlight(Generic[_Result]):
    """Results by key, each computed once. A failed computation is forgotten, so that it can be retried."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: dict[Hashable, Future[_Result]] = {}

    def get(self, key: Hashable, work: Callable[[], _Result]) -> _Result:
        """The result for a key; computed in this thread, unless another thread has started to."""
        future, started = self._claim(key)
        if not started:
            self._run(key, future, work)
        return future.result()

    def submit(self, pool: Executor, key: Hashable, work: Callable[[], _Result]) -> Future[_Result]:
        """The future result for a key; computed by a pool, unless another thread has started to."""
        future, started = self._claim(key)
        if not started:
            try:
                submitted = pool.submit(self._run, key, future, work)
            except RuntimeError as error:  # the pool was shut down
                self._fail(key, future, error)
            else:
                submitted.add_done_callback(
                    lambda done: self._fail(key, future, CancelledError()) if done.cancelled() else None
                )
        return future

    def forget(self, key: Hashable) -> None:
        """Forgets the result for a key, so that it is computed again."""
        with self._lock:
            self._results.pop(key, None)

    def _claim(self, key: Hashable) -> tuple[Future[_Result], bool]:
        with self._lock:
            started = key in self._results
            return self._results.setdefault(key, Future()), started

    def _run(self, key: Hashable, future: Future[_Result], work: Callable[[], _Result]) -> None:
        try:
            result = work()
        except BaseException as error:  # raised by `future.result()`
            self._fail(key, future, error)
        else:
            future.set_result(result)

    def _fail(self, key: Hashable, future: Future[_Result], error: BaseException) -> None:
        self.forget(key)
        future.set_exception(error)
