"""Lines above live lines, several at a time, since rich redraws the live lines at each print."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_PERIOD = 0.1  # seconds between two prints


class LineBuffer:
    """Collects lines, and prints them a few times a second. Thread-safe.

    Args:
        screen: the terminal.
    """

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._lines: list[str] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._print_until_stopped, name="fairing-kfp lines", daemon=True)

    def start(self) -> None:
        """Starts to print what is collected."""
        self._thread.start()

    def stop(self) -> None:
        """Prints the rest."""
        self._stopped.set()
        self._thread.join()
        self.flush()

    def add(self, line: str) -> None:
        """Collects a line of markup."""
        with self._lock:
            self._lines.append(line)

    def flush(self) -> None:
        """Prints what is collected."""
        with self._lock:
            if self._lines:
                self._screen.print("\n".join(self._lines))
            self._lines.clear()

    def _print_until_stopped(self) -> None:
        while not self._stopped.wait(_PERIOD):
            self.flush()
