"""Sizes for people."""

from __future__ import annotations


def format_size(count: int) -> str:
    """A number of bytes in decimal units, such as `17.3 kB`."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
