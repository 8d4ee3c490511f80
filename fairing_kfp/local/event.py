"""What a step of a local run tells the process that runs the pipeline: lines between other output."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

_MARK = "\x1e"  # ASCII's record separator, which no log line holds


@dataclass(frozen=True)
class Event:
    """One thing that happened to a step.

    Attributes:
        kind: `warn`, `start`, `log`, `succeed`, `fail` or `reuse`.
        step: the step's name and, from its second run on, its number.
        text: a line of its log, or why it failed.
        seconds: how long it took, when it ended.
        log: the file of its whole log.
        outputs: its output parameters.
        artifacts: the places of its output artifacts.
        metrics: the metadata of those that have some.
    """

    kind: str
    step: str
    text: str = ""
    seconds: float = 0.0
    log: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)

    def line(self) -> str:
        """The event as a line of output."""
        return f"{_MARK}{json.dumps(asdict(self))}"

    @classmethod
    def parse(cls, line: str) -> Event | None:
        """The event that a line of output holds, or None for any other line."""
        _, mark, text = line.partition(_MARK)
        return cls(**json.loads(text)) if mark else None
