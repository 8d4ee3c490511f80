"""Lines that are redrawn in place, with a spinner, a bar and the time."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text


class _OptionalBar(BarColumn):
    """A bar for tasks whose total is known."""

    def render(self, task: Task) -> Text:  # type: ignore[override]
        return super().render(task) if task.total else Text()  # type: ignore[return-value]


def live_lines(screen: Console) -> Progress:
    """The lines of a display, which starts and stops them."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), _OptionalBar(), TimeElapsedColumn())
    return Progress(*columns, console=screen, transient=True)
