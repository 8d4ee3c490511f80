"""The lines of a log that is read in pieces which overlap: each once, in order."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

_OVERLAP = timedelta(seconds=2)


@dataclass(frozen=True)
class Line:
    """A line of a log.

    Attributes:
        time: when it was written, as the kubelet has it: RFC 3339 with nanoseconds.
        text: without its end.
    """

    time: str
    text: str


class Deduplicator:
    """Leaves out what was read before the connection broke.

    Logs are asked for from a second on, so what is read anew begins with lines that were read before. Those are told
    from new ones by how often each was read: two equal lines at the same nanosecond are two lines.
    """

    def __init__(self) -> None:
        self._read: deque[tuple[datetime, Line]] = deque()
        self._again: Counter[Line] = Counter()
        self._latest: datetime | None = None

    @property
    def since(self) -> str | None:
        """The `sinceTime` to ask for next; None before the first line."""
        if self._latest is None:
            return None
        return (self._latest - _OVERLAP / 2).strftime("%Y-%m-%dT%H:%M:%SZ")

    def reopened(self) -> None:
        """Says that the log is read anew, from `since` on."""
        self._again = Counter(line for _, line in self._read)

    def is_new(self, line: Line) -> bool:
        """Takes the next line that came, and says whether it is one that was not read before."""
        if self._again[line] > 0:
            self._again[line] -= 1
            return False
        moment = _moment(line.time)
        if moment:
            # The two streams of a container may be out of order by a little.
            self._latest = max(moment, self._latest or moment)
            self._read.append((moment, line))
            while self._read[0][0] < self._latest - _OVERLAP:
                self._read.popleft()
        return True


def parsed(line: bytes) -> Line | None:
    """A line of a log that was asked for with timestamps; None if it is the kubelet's own, which has none.

    It writes its troubles into the answer: `unable to retrieve container logs for …`.
    """
    time, _, text = line.decode(errors="replace").rstrip("\r").partition(" ")
    return Line(time, text) if _moment(time) else None


def _moment(time: str) -> datetime | None:
    """The moment to the second, which is what logs are asked by."""
    try:
        return datetime.strptime(time[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
