"""Steps of a run as rows that unfold their last lines."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fairing_kfp.display.artifact_html import path_html
from fairing_kfp.display.html import Html, element, escaped, joined, shortened

if TYPE_CHECKING:
    from fairing_kfp.display.event import Event

_MOST_LINES, _LONGEST_LINE = 40, 200
_MOST_STEPS = 50
_MARKS = {
    "running": element("span", "●", "active"),
    "succeed": element("span", "✔", "good"),
    "fail": element("span", "✘", "bad"),
    "reuse": element("span", "↺"),
    "left": element("span", "■"),
}
_WORDS = {"reuse": "unchanged, reusing its earlier outputs", "left": "did not end while it was displayed"}


@dataclass
class StepLines:
    """A step as far as its events tell.

    Attributes:
        name: its name.
        began: when it started (`time.monotonic`).
        kind: `running`, the kind of the event that ended it, or `left` if the display ended before.
        seconds: its duration, if it ended.
        cause: the cause of its failure.
        log: the file with its log.
        count: how many lines it printed.
        last: the last of them.
    """

    name: str
    began: float = field(default_factory=time.monotonic)
    kind: str = "running"
    seconds: float = 0.0
    cause: str = ""
    log: str = ""
    count: int = 0
    last: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_LINES))
    _html: Html | None = None

    def take(self, event: Event) -> None:
        """Takes an event of the step."""
        self._html = None
        if event.kind == "log":
            self.count += 1
            self.last.append(shortened(event.text, _LONGEST_LINE))
            return
        self.log = event.log or self.log
        if event.kind != "start":
            self.kind, self.seconds, self.cause = event.kind, event.seconds, event.text

    def leave(self) -> None:
        """Tells a step that runs that the display ends."""
        if self.kind == "running":
            self.kind, self.seconds = "left", time.monotonic() - self.began

    def html(self) -> Html:
        """Its row, which unfolds the last lines; that of a failed step is unfolded."""
        if self._html is None or self.kind == "running":
            self._html = self._made()
        return self._html

    def _made(self) -> Html:
        is_running = self.kind == "running"
        seconds = time.monotonic() - self.began if is_running else self.seconds
        shown = f"{seconds:.0f} s" if is_running else f"{seconds:.1f} s" if seconds else ""
        about = self.cause or _WORDS.get(self.kind, "")
        if self.kind == "reuse" and self.cause:
            about = f"keeps its outputs of {self.cause}"
        if is_running and self.last:
            about = self.last[-1]
        elif self.count and not about:
            about = "1 line" if self.count == 1 else f"{self.count:,} lines"
        cells = (
            _MARKS[self.kind],
            Html(f'<span class="name">{escaped(self.name)}</span><span class="time">{shown}</span>'),
            element("span", about, "last"),
        )
        opened = " open" if self.kind == "fail" else ""
        return Html(f'<details class="step"{opened}><summary>{joined(cells)}</summary>{self._lines()}</details>')

    def _lines(self) -> Html:
        hidden = self.count - len(self.last)
        above = f"{hidden:,} earlier lines" if hidden else ""
        log = joined((", in " if above else "", path_html(self.log, "the log"))) if self.log else ""
        return joined(
            (element("div", joined((above, log)), "muted"), element("pre", element("span", "\n".join(self.last))))
        )


def step_rows(steps: Iterable[StepLines]) -> list[tuple[str, Html]]:
    """The rows of the steps that run, failed, or ended last, with their names, in order.

    Args:
        steps: the steps, in the order in which they started.
    """
    ended = [step for step in steps if step.kind in ("succeed", "reuse")]
    left_out = {id(step) for step in ended[:-_MOST_STEPS]}
    rows = [(step.name, step.html()) for step in steps if id(step) not in left_out]
    before = element("div", f"{len(left_out)} steps ended before" if left_out else "", "muted")
    return [*([("", before)] if before else []), *rows]
