"""Messages about what is waited for, so that no wait is silent."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

_FIRST = 4.0  # seconds until the first message; each further one comes after twice the time
_LONGEST = 60.0
_IDLE = 5.0  # seconds after which the thread ends


class _Wait:
    def __init__(self, what: str, pause: float) -> None:
        self.what = what
        self.began = time.monotonic()
        self.note = ""
        self.pause = pause
        self.due = self.began + pause


class Waits:
    """Reports waits that last for seconds. Thread-safe.

    Args:
        log: receives the messages; by default a logger, which prints to standard error.
        first: seconds until the first message about a wait.
    """

    def __init__(self, log: Callable[[str], None] | None = None, first: float = _FIRST) -> None:
        self._log = log or _log
        self._first = first
        self._condition = threading.Condition()
        self._waits: dict[int, _Wait] = {}  # by thread; the outermost one counts
        self._running = False

    @contextlib.contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Reports the block if it lasts.

        Args:
            what: what is waited for, such as `registry.example.com: the image team/app:1`.
        """
        thread = threading.get_ident()
        if thread in self._waits:
            yield
            return
        wait = _Wait(what, pause=self._first)
        with self._condition:
            self._waits[thread] = wait
            if not self._running:
                self._running = True
                threading.Thread(target=self._report, name="fairing-kfp-waits", daemon=True).start()
        try:
            yield
        finally:
            with self._condition:
                del self._waits[thread]

    def note(self, text: str) -> None:
        """Adds the reason to this thread's wait."""
        if wait := self._waits.get(threading.get_ident()):
            wait.note = text

    def _report(self) -> None:
        idle = time.monotonic()
        while True:
            with self._condition:
                now = time.monotonic()
                if self._waits:
                    idle = now
                elif now - idle > _IDLE:
                    self._running = False
                    return
                due = [wait for wait in self._waits.values() if wait.due <= now]
                for wait in due:
                    wait.pause = min(wait.pause * 2, _LONGEST)
                    wait.due = now + wait.pause
            if due:
                self._log(_message(due, now))
            time.sleep(self._first / 20)


def _log(text: str) -> None:
    import logging  # on first use

    logging.getLogger("fairing_kfp").warning(text)


def _message(waits: list[_Wait], now: float) -> str:
    longest = min(waits, key=lambda wait: wait.began)
    more = f", and {len(waits) - 1} more" if len(waits) > 1 else ""
    note = f": {longest.note}" if longest.note else ""
    return f"waiting for {longest.what}{more} since {now - longest.began:.0f} s{note}"
