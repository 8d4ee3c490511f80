"""Lines that KFP's launcher and Argo write into the log of a step, beside those of the step's program."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LINE = re.compile(r"(?P<level>[IWEF])\d{4} [\d:.]+ +\d+ \w+\.go:\d+\] (?P<message>.*)")
_ARGO = re.compile(r"time=\S+ level=\w+ .*\bargo=true\b")
_EXIT_STATUS = re.compile(r"[Ff]ailed to execute.*: exit status \d+")


def without_launcher_lines(lines: Iterable[str]) -> list[str]:
    """The lines of the step's program, and errors of the launcher other than that the program failed."""
    kept = []
    in_output = False  # the launcher prints outputs as JSON over several lines
    for line in lines:
        if in_output:
            in_output = line != "}"
            continue
        if _ARGO.match(line):
            continue
        found = _LINE.match(line)
        if found is None or (found["level"] in "EF" and not _EXIT_STATUS.search(found["message"])):
            kept.append(line)
        else:
            in_output = found["message"].endswith("ExecutorOutput: {")
    return kept
