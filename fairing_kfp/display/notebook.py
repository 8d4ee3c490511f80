"""Progress in a notebook: one display that is updated in place.

A thread updates it at most a few times a second, so that a step that prints thousands of lines is not slowed down.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, cast

from fairing_kfp.display.html import Html, element, escaped, fragment, joined, shortened
from fairing_kfp.display.step_lines import StepLines, step_rows

if TYPE_CHECKING:
    from rich.progress import TaskID

    from fairing_kfp.display.event import Event

Blocks = Sequence[tuple[str, Html]]
"""Parts of a display below each other, each with a key that it keeps."""

_PERIOD = 0.3  # seconds between two updates
_MOST_WARNINGS, _LONGEST_WARNING = 20, 500


class Output(Protocol):
    """Where a display appears.

    Attributes:
        ticks: how many periods pass between updates of the times of running steps.
    """

    ticks: int

    def show(self, blocks: Blocks) -> None:
        """Displays the blocks in place of earlier ones."""

    def close(self, blocks: Blocks) -> None:
        """Displays the last blocks, which the notebook keeps."""


class HtmlOutput:
    """An HTML output of a cell, which is replaced. What a reader unfolded is folded again by that."""

    ticks = 10

    def __init__(self) -> None:
        self._handle: Any = _tools().display(_tools().HTML(""), display_id=True)

    def show(self, blocks: Blocks) -> None:
        """Replaces the output."""
        self._handle.update(_tools().HTML(fragment(*(block for _, block in blocks))))

    close = show


class WidgetOutput:
    """A widget for each block, of which those that changed are replaced; in the end an HTML output."""

    ticks = 3

    def __init__(self) -> None:
        from ipywidgets import VBox

        self._box: Any = VBox()
        self._widgets: dict[str, Any] = {}
        self._handle: Any = _tools().display(self._box, display_id=True)

    def show(self, blocks: Blocks) -> None:
        """Replaces the widgets that changed."""
        from ipywidgets import HTML

        children = []
        for key, block in blocks:
            html = fragment(block)
            if key not in self._widgets:
                self._widgets[key] = HTML(html)
            elif self._widgets[key].value != html:
                self._widgets[key].value = html
            children.append(self._widgets[key])
        if list(self._box.children) != children:
            self._box.children = children

    def close(self, blocks: Blocks) -> None:
        """Replaces the widgets by HTML, which stays in the notebook's file."""
        self._handle.update(_tools().HTML(fragment(*(block for _, block in blocks))))
        for widget in (*self._widgets.values(), self._box):
            widget.close()


def _tools() -> Any:
    """The display functions of IPython, which have no types."""
    import IPython.display

    return IPython.display


def open_output() -> Output:
    """A new output of the running cell: widgets if ipywidgets is installed, else HTML."""
    return WidgetOutput() if find_spec("ipywidgets") is not None else HtmlOutput()


class NotebookLines:
    """Live lines, warnings and steps of a run in a notebook. Thread-safe.

    Args:
        output: opens the output, when the display starts.

    Attributes:
        disable: whether lines are not shown; as in `rich.progress.Progress`.
        started: whether the output is open.
    """

    disable = False

    def __init__(self, output: Callable[[], Output] = open_output) -> None:
        self.started = False
        self._open = output
        self._lines: dict[int, str] = {}
        self._count = 0
        self._warnings: list[str] = []
        self._steps: dict[str, StepLines] = {}
        self._lock = threading.Lock()
        self._changed, self._stopped = False, threading.Event()

    def start(self) -> None:
        """Opens the output, and starts to update it."""
        self._output, self.started = self._open(), True
        self._stopped.clear()
        self._thread = threading.Thread(target=self._update_until_stopped, name="fairing-kfp display", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Shows the end, and stops to update."""
        if not self.started:
            return
        self._stopped.set()
        self._thread.join()
        self.started = False
        self._lines.clear()
        for step in self._steps.values():
            step.leave()
        self._output.close(self._blocks())

    def add_task(self, description: str, total: float | None = None) -> TaskID:
        """Adds a line; `total` is not shown, since descriptions tell it."""
        with self._lock:
            self._count += 1
            self._lines[self._count], self._changed = description, True
            return cast("TaskID", self._count)

    def remove_task(self, task_id: TaskID) -> None:
        """Removes a line."""
        with self._lock:
            self._changed = self._lines.pop(int(task_id), None) is not None or self._changed

    def update(self, task_id: TaskID, *, description: str, completed: float, total: float | None) -> None:
        """Changes a line."""
        with self._lock:
            self._lines[int(task_id)], self._changed = description, True

    def take(self, event: Event) -> None:
        """Takes an event of a run."""
        with self._lock:
            self._changed = True
            if event.kind == "warn":
                self._warnings.append(shortened(event.text, _LONGEST_WARNING))
                return
            if event.step not in self._steps:
                self._steps[event.step] = StepLines(event.step)
            self._steps[event.step].take(event)

    def _update_until_stopped(self) -> None:
        period = 0
        while not self._stopped.wait(_PERIOD):
            period += 1
            if self._changed or (period % self._output.ticks == 0 and self._is_running()):
                self._output.show(self._blocks())

    def _is_running(self) -> bool:
        with self._lock:
            return any(step.kind == "running" for step in self._steps.values())

    def _blocks(self) -> Blocks:
        with self._lock:
            self._changed = False
            more = len(self._warnings) - _MOST_WARNINGS
            warnings = [*self._warnings[:_MOST_WARNINGS], *([f"and {more} further warnings"] if more > 0 else [])]
            notes = joined(element("div", joined((element("span", "warning: ", "bad"), one))) for one in warnings)
            lines = joined(element("div", escaped(line), "muted") for line in self._lines.values())
            return [
                *([("warnings", notes)] if notes else []),
                *((f"step {name}", html) for name, html in step_rows(list(self._steps.values()))),
                *([("lines", lines)] if lines else []),
            ]
