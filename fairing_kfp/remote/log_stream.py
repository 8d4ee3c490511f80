"""Logs of running steps, read again at each look: Kubeflow Pipelines does not stream them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from fairing_kfp.remote.launcher_lines import without_launcher_lines
from fairing_kfp.remote.step import FINAL, Step

_STEPS = 8  # logs that are read at a time
_LONGEST = 2_000_000  # characters; a longer log is not read again and again
_LONGEST_PAUSE = 60.0  # seconds until the next look at a log that cannot be read, such as that of a pod that waits


@dataclass
class _Log:
    seen: int = 0
    failures: int = 0
    next_look: float = 0.0
    is_long: bool = False


class LogStream:
    """The new lines of logs.

    Args:
        read: reads a step's whole log so far; empty if it cannot be read.
    """

    def __init__(self, read: Callable[[Step], str]) -> None:
        self._read = read
        self._logs: dict[str, _Log] = {}

    def new_lines(self, step: Step) -> list[str]:
        """The complete lines since the last look; all that are left if the step ended."""
        log = self._logs.get(step.name)
        if log is None:
            if len(self._logs) >= _STEPS:
                return []
            log = self._logs[step.name] = _Log()
        is_over = step.state in FINAL
        if is_over:
            del self._logs[step.name]
        if log.is_long or (time.monotonic() < log.next_look and not is_over):
            return []
        text = self._read(step)
        if not text:
            log.failures += 1
            log.next_look = time.monotonic() + min(2.0**log.failures, _LONGEST_PAUSE)
            return []
        lines = text.splitlines()
        if not is_over and not text.endswith("\n"):
            lines = lines[:-1]
        lines = without_launcher_lines(lines)
        if len(lines) < log.seen:  # another attempt, in another pod
            log.seen = 0
        new = lines[log.seen :]
        log.seen, log.failures = len(lines), 0
        if len(text) > _LONGEST and not is_over:
            log.is_long = True
            new.append("… the log is long: see the run's page for the rest")
        return new
