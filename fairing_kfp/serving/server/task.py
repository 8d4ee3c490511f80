"""Work for a thread of the predictor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class Task:
    """Work, and the future of its result.

    Args:
        work: called once, in a thread.
        loop: the event loop of the future.
        unfinished: contains the task until the work is done.

    Attributes:
        future: the result.
        loop: the event loop.
    """

    __slots__ = ("_error", "_result", "_unfinished", "_work", "future", "loop")

    def __init__(self, work: Callable[[], Any], loop: asyncio.AbstractEventLoop, unfinished: set[Task]) -> None:
        self._work = work
        self._unfinished = unfinished
        unfinished.add(self)
        self._result: Any = None
        self._error: BaseException | None = None
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()

    def run(self) -> None:
        """Does the work."""
        try:
            self._result = self._work()
        except BaseException as error:  # including SystemExit of the predictor
            self._error = error
        self._unfinished.discard(self)

    def settle(self) -> None:
        """Sets the result of the future; called in its event loop, or while no thread runs the loop."""
        if self.future.done():
            return  # the caller was cancelled
        if self._error is None:
            self.future.set_result(self._result)
        else:
            self.future.set_exception(self._error)
