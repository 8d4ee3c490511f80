"""Processes that must have ended."""

from __future__ import annotations

import time
from pathlib import Path


def assert_gone(pid: int) -> None:
    """Asserts that a process ends within a minute, or is a zombie whose parent has not read its exit code."""
    status = Path(f"/proc/{pid}/stat")
    for _ in range(1200):
        try:
            if status.read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except FileNotFoundError:
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} runs on")
