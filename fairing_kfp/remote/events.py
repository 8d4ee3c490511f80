"""Events of a run: steps that start or end, and lines of their logs."""

from __future__ import annotations

from collections.abc import Iterator

from fairing_kfp.display.event import Event
from fairing_kfp.remote.log_stream import LogStream
from fairing_kfp.remote.step import FINAL, Step

_EVENTS = {"succeeded": "succeed", "failed": "fail", "canceled": "fail"}


def new_events(steps: tuple[Step, ...], states: dict[str, str], stream: LogStream) -> Iterator[Event]:
    """The events since the last look.

    Args:
        steps: the steps as they are now.
        states: the states that were seen, by step; updated.
        stream: gives the new lines of their logs.
    """
    for step in steps:
        before, states[step.name] = states.get(step.name, "pending"), step.state
        if step.state in ("pending", "skipped") or (before in FINAL and step.state in FINAL):
            continue
        if before == "pending" or before in FINAL:  # the latter after a retry
            yield Event("start", step.name)
        if not step.cached:
            yield from (Event("log", step.name, line) for line in stream.new_lines(step))
        if step.state in FINAL:
            kind = "reuse" if step.cached else _EVENTS[step.state]
            yield Event(kind, step.name, step.error, 0.0 if step.cached else step.seconds)
