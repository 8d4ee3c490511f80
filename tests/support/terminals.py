"""Pseudo-terminals of programs that are used by typing."""

from __future__ import annotations

import os
import select


def shown_until(terminal: int, end: str) -> str:
    """What a program shows until it waits for input; for an empty end, until it ends."""
    found = ""
    while not end or not found.endswith(end):
        assert select.select([terminal], [], [], 120)[0], f"nothing more after {found}"
        try:
            more = os.read(terminal, 4096)
        except OSError:  # of a terminal that no program has any more
            more = b""
        if not more:
            assert not end, f"it ended: {found}"
            break
        found += more.decode(errors="replace")
    return found
