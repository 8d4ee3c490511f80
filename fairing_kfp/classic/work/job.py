"""A job that was submitted."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

Log = Callable[[str], None]
"""Receives a line of a log."""


_PAUSE = 0.2  # seconds between two looks for lines of the log


class JobHandle:
    """A job that was submitted. `str()` gives its name, as Fairing returned it.

    Args:
        name: name of the job, or of its run.
        run: runs the job to its end, passes on the lines of its log, and returns the result.
        delete: deletes the job.
        url: page of the job; empty if there is none.

    Attributes:
        name: name of the job, or of its run.
        url: page of the job; empty if there is none.
    """

    def __init__(self, name: str, run: Callable[[Log], Any], delete: Callable[[], None], url: str = "") -> None:
        self.name = name
        self.url = url
        self._run, self._delete = run, delete
        self._lines: list[str] = []
        self._ended = threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None

    def __str__(self) -> str:
        """The name."""
        return self.name

    def __repr__(self) -> str:
        """The name and the state."""
        state = "running" if not self._ended.is_set() else "failed" if self._error else "succeeded"
        return f"JobHandle({self.name!r}, {state})"

    def start(self) -> JobHandle:
        """Follows the job in a thread, without showing its log. The process waits for the thread before it exits."""
        threading.Thread(target=self._follow, args=(self._lines.append,), name=f"follow {self.name}").start()
        return self

    def stream(self) -> JobHandle:
        """Follows the job to its end, and prints its log.

        Raises:
            FairingError: the job failed.
        """

        def show(line: str) -> None:
            self._lines.append(line)
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

        self._follow(show)
        if self._error is not None:
            raise self._error
        return self

    def wait(self, timeout: float | None = None) -> Any:
        """Waits for the end of the job, and returns its result.

        Args:
            timeout: how long, in seconds; without end by default.

        Returns:
            What the function returned; None for scripts and notebooks.

        Raises:
            TimeoutError: the job has not ended in time; it goes on.
            FairingError: the job failed.
        """
        if not self._ended.wait(timeout):
            raise TimeoutError(f"{self.name} has not ended after {timeout:g} s; it goes on")
        if self._error is not None:
            raise self._error
        return self._result

    @property
    def result(self) -> Any:
        """What the function returned; waits for the end of the job."""
        return self.wait()

    def logs(self) -> str:
        """The log so far."""
        return "\n".join(self._lines)

    def print_log(self) -> None:
        """Prints the log from its beginning to the end of the job.

        Raises:
            FairingError: the job failed.
        """
        shown = 0
        while True:
            ended = self._ended.wait(_PAUSE)
            lines = self._lines[shown:]
            sys.stdout.writelines(f"{line}\n" for line in lines)
            sys.stdout.flush()
            shown += len(lines)
            if ended:
                break
        self.wait()

    def delete(self) -> None:
        """Deletes the job. If it runs, it fails."""
        self._delete()

    def _follow(self, log_line: Log) -> None:
        try:
            self._result = self._run(log_line)
        except BaseException as error:
            self._error = error
            if not isinstance(error, Exception):
                raise
        finally:
            self._ended.set()
