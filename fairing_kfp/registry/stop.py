"""Cancellation of transfers, for example on Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import weakref
from collections.abc import Callable
from typing import TypeVar

from fairing_kfp.errors import StoppedError

_SLICE = 0.1  # seconds between two looks at the flag

_Result = TypeVar("_Result")

_all: weakref.WeakSet[Stop] = weakref.WeakSet()


def stop_all() -> None:
    """Cancels the transfers of all threads. Leaving a thread pool would otherwise wait for them."""
    for stop in list(_all):
        stop.set()


class Stop:
    """A flag that wakes all threads waiting for a registry: for a response, for buffer space, or for the next retry."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        _all.add(self)

    def set(self) -> None:
        """Closes all connections, and prevents new ones."""
        self._event.set()
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            # SSLSocket.shutdown would wait for a lock that the blocked thread has acquired.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)

    def check(self) -> None:
        """Raises if the flag is set.

        Raises:
            StoppedError: the flag is set.
        """
        if self._event.is_set():
            raise StoppedError

    def watch(self, opened: socket.socket | None) -> None:
        """Registers a connection to close."""
        if opened is not None:
            with self._lock:
                self._sockets.add(opened)
        if self._event.is_set():  # set since the connection was opened
            self.set()

    def call(self, function: Callable[[], _Result], timeout: float | None = None) -> _Result:
        """Calls a function that cannot be interrupted, such as a DNS query, in a thread that is left behind on a stop.

        Args:
            function: the function.
            timeout: seconds to wait for it.

        Raises:
            TimeoutError: it takes longer.
            StoppedError: the flag is set, or becomes set meanwhile.
        """
        self.check()
        done = threading.Event()
        results: list[_Result] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(function())
            except BaseException as error:
                errors.append(error)
            finally:
                done.set()

        threading.Thread(target=run, name="fairing-kfp-call", daemon=True).start()
        deadline = None if timeout is None else time.monotonic() + timeout
        while not done.wait(_SLICE):
            self.check()
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"no answer within {timeout:g} s")
        if errors:
            raise errors[0]
        return results[0]

    def wait(self, seconds: float) -> None:
        """Sleeps.

        Raises:
            StoppedError: the flag is set, or becomes set meanwhile.
        """
        self._event.wait(seconds)
        self.check()
