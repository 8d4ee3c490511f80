"""Ending at once what is under way, as when somebody presses Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref

from fairing_kfp.errors import RegistryError


class StoppedError(RegistryError):
    """The work was given up on request."""

    def __init__(self) -> None:
        super().__init__(
            "what was under way with registries was stopped", "run it again; a builder of your own has to be made again"
        )


_all: weakref.WeakSet[Stop] = weakref.WeakSet()


def stop_all() -> None:
    """Ends whatever any thread has under way with registries: a thread pool that is left waits for its threads."""
    for stop in list(_all):
        stop.set()


class Stop:
    """Wakes every thread that waits for a registry: for an answer, for room to send, or for its next attempt."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        _all.add(self)

    def set(self) -> None:
        """Breaks all connections, and lets none be made any more."""
        self._event.set()
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            # The plain shutdown: TLS's own would wait for the lock of the thread that is to be woken.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)

    def check(self) -> None:
        """Ends a thread that was woken.

        Raises:
            StoppedError: it shall stop.
        """
        if self._event.is_set():
            raise StoppedError

    def watch(self, opened: socket.socket | None) -> None:
        """Counts a connection among those that are broken."""
        if opened is not None:
            with self._lock:
                self._sockets.add(opened)
        if self._event.is_set():  # it came while the others were being broken
            self.set()

    def wait(self, seconds: float) -> None:
        """Sleeps.

        Raises:
            StoppedError: it shall stop.
        """
        self._event.wait(seconds)
        self.check()
