from __future__ import annotations

from datetime import datetime, timezone

from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.cluster.logs import Deduplicator, Line

_START = 1_700_000_000_000


def _log(steps: list[tuple[int, int]]) -> list[Line]:
    """Lines whose times increase by milliseconds; with few texts, so that equal lines at equal times occur."""
    lines, now = [], _START
    for step, text in steps:
        now += step
        moment = datetime.fromtimestamp(now / 1000, timezone.utc)
        lines.append(Line(moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now % 1000:03}000000Z", f"text {text}"))
    return lines


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 400, 2500]), st.integers(0, 2)), max_size=40),
    st.lists(st.integers(1, 15), max_size=10),
)
def test_each_line_comes_once_however_often_the_log_is_resumed(steps: list[tuple[int, int]], cuts: list[int]) -> None:
    log, seen, came = _log(steps), Deduplicator(), []
    for taken in [*cuts, len(log)]:
        since = seen.since
        seen.restart()
        # Like the kubelet: from the requested second on.
        offered = [line for line in log if since is None or line.time[:19] + "Z" >= since]
        known = len(came)
        for line in offered:
            if len(came) - known == taken:
                break
            if seen.is_new(line):
                came.append(line)
    assert came == log


def test_lines_are_parsed() -> None:
    assert Line.parse(b"2026-01-02T03:04:05.678901234Z a  b\r") == Line("2026-01-02T03:04:05.678901234Z", "a  b")
    assert Line.parse(b"2026-01-02T03:04:05.678901234Z ") == Line("2026-01-02T03:04:05.678901234Z", "")
    assert Line.parse(b"2026-01-02T03:04:05Z \xff") == Line("2026-01-02T03:04:05Z", "�")
    assert Line.parse(b"unable to retrieve container logs for containerd://1") is None
    assert Line.parse(b"") is None
