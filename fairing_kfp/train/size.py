"""Sizes in log lines."""

from __future__ import annotations


def human_size(count: int) -> str:
    """A number of bytes, such as `2.5 MB`."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
