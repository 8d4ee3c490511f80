"""Ends what the steps of a run started, from another thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class StoppedError(Exception):
    """The run was interrupted; a step that it started has no result."""


class Stop:
    """Called to end what runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._actions: list[Callable[[], None]] = []
        self._called = False

    def __call__(self) -> None:
        """Ends what runs, and what starts later."""
        with self._lock:
            self._called, actions = True, list(self._actions)
        for action in actions:
            action()

    def check(self) -> None:
        """Raises `StoppedError` if it was called."""
        if self._called:
            raise StoppedError

    @contextlib.contextmanager
    def ends(self, action: Callable[[], None]) -> Iterator[None]:
        """Has an action called if it is called within the block.

        Raises:
            StoppedError: it was called.
        """
        with self._lock:
            self._actions.append(action)
        try:
            if self._called:
                action()
            yield
        finally:
            with self._lock:
                self._actions.remove(action)
        self.check()
