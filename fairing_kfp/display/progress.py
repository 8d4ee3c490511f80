"""Displays of transfers and of local runs: live lines in a terminal or notebook, plain lines elsewhere."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, ClassVar, cast

from fairing_kfp.display.line_buffer import LineBuffer
from fairing_kfp.display.plain import Screen, escape
from fairing_kfp.display.size import format_size
from fairing_kfp.errors import StepFailedError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from fairing_kfp.builders.progress import Transfer
    from fairing_kfp.display.event import Event
    from fairing_kfp.display.notebook import NotebookLines

_PACKING = "packing code and resolving packages"
_LONGEST_STATUS = 48  # characters, so that spinner and time fit into 60 columns
_MARKS = {"succeed": "[green]✔[/]", "fail": "[red]✘[/]", "reuse": "[cyan]↺[/]"}


def _is_live(screen: Screen) -> bool:
    """Whether lines can be redrawn: not in files and CI logs."""
    return screen.is_jupyter or (screen.is_interactive and not os.environ.get("CI"))


class _NoLines:
    """Live lines where none can be shown; rich's take long to import."""

    disable = True

    def start(self) -> None:
        """Shows nothing."""

    def stop(self) -> None:
        """Shows nothing."""

    def add_task(self, description: str, total: float | None = None) -> TaskID:
        """Shows nothing."""
        return cast("TaskID", 0)

    def remove_task(self, task_id: TaskID) -> None:
        """Shows nothing."""

    def update(self, task_id: TaskID, *, description: str, completed: float, total: float | None) -> None:
        """Shows nothing."""


def _lines_of(screen: Screen) -> Progress | NotebookLines | _NoLines:
    if screen.quiet or not _is_live(screen):
        return _NoLines()
    if screen.is_jupyter:
        from fairing_kfp.display.notebook import NotebookLines

        return NotebookLines()
    from fairing_kfp.display.live_lines import live_lines

    return live_lines(cast("Console", screen))


class TransferProgress:
    """Displays transfers of blobs: one live line, or a plain line per transferred blob.

    A context manager, and a callback for `progress=` (a `fairing_kfp.builders.progress.Progress`).

    Args:
        screen: the terminal.
        lines: the live lines of another display, which starts and stops them.
        waiting: text of the live line before the first transfer, unless another display has it.
    """

    def __init__(
        self,
        screen: Screen,
        lines: Progress | NotebookLines | _NoLines | None = None,
        waiting: str = _PACKING,
    ) -> None:
        self._screen, self._waiting = screen, waiting
        self._status: TaskID | None = None
        self._owns_lines = lines is None
        self._lines = lines or _lines_of(screen)
        self._line: TaskID | None = None
        self._transfers: dict[str, Transfer] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> TransferProgress:
        """Starts the live line."""
        if self._owns_lines:
            self._lines.start()
            self.wait_for(self._waiting)
        return self

    def __exit__(self, *_: object) -> None:
        """Removes the live line."""
        self.end()
        if self._owns_lines:
            self._lines.stop()

    def __call__(self, transfer: Transfer) -> None:
        """Updates a transfer. Thread-safe."""
        with self._lock:
            before = self._transfers.get(transfer.digest)
            if before is not None and before.state != "moving":
                return
            self._transfers[transfer.digest] = transfer
            if not self._lines.disable:
                self._update()
            elif transfer.state != "moving":
                parts = [
                    transfer.state,
                    transfer.name,
                    transfer.digest[:19],
                    format_size(transfer.size) if transfer.size else "",
                ]
                self._screen.print(f"  {escape(' '.join(filter(None, parts)))}")

    def log(self, text: str) -> None:
        """Shows a message above the live line."""
        self._screen.print(f"  {escape(text)}")

    def wait_for(self, text: str) -> None:
        """Sets the text of the live line that is shown between transfers. Thread-safe."""
        shown = escape(text if len(text) <= _LONGEST_STATUS else f"{text[: _LONGEST_STATUS - 1]}…")
        with self._lock:
            if self._status is None:
                self._status = self._lines.add_task(shown, total=None)
            else:
                self._lines.update(self._status, description=shown, completed=0, total=None)

    def status(self, text: str) -> None:
        """Shows what is being done: in the live line, or as a plain line. Thread-safe."""
        if self._lines.disable:
            self.log(text)
        else:
            self.wait_for(text)

    def end(self) -> None:
        """Removes the live lines; the next transfer adds another."""
        with self._lock:
            for line in (self._line, self._status):
                if line is not None:
                    self._lines.remove_task(line)
            self._line = self._status = None

    def _update(self) -> None:
        if self._status is not None:
            self._lines.remove_task(self._status)
            self._status = None
        if self._line is None:
            self._line = self._lines.add_task("", total=None)
        transfers = list(self._transfers.values())
        done = sum(one.done if one.state == "moving" else one.size for one in transfers)
        total = sum(one.size for one in transfers)
        blobs = sum(one.state != "moving" for one in transfers)
        text = f"sending: {blobs}/{len(transfers)} blobs, {format_size(done)} of {format_size(total)}"
        self._lines.update(self._line, description=text, completed=done, total=total or None)


class RunDisplay:
    """Displays the steps of a run, and their logs with the step's name as a prefix.

    A context manager, and a callback for `on_event=`. In a terminal, live lines show the running steps and their time.
    In a notebook, one display lists the steps, each of which unfolds its last lines.

    Args:
        screen: the terminal.
        waiting: text of the live line before the first step.
        live: whether there may be live lines; not if the steps have the terminal.

    Attributes:
        transfers: the display of the images that are published before the first step.
    """

    _WORDS: ClassVar = {"succeed": "done", "fail": "failed", "reuse": "unchanged, reusing its earlier outputs"}

    def __init__(self, screen: Screen, waiting: str = _PACKING, *, live: bool = True) -> None:
        self._screen = screen
        self._waiting = waiting
        self._lines = _lines_of(screen) if live else _NoLines()
        in_notebook = screen.is_jupyter and not self._lines.disable
        self._notebook = cast("NotebookLines", self._lines) if in_notebook else None
        self._running: dict[str, TaskID] = {}
        self._buffer: LineBuffer | None = None
        self.transfers = TransferProgress(screen, self._lines)

    def __enter__(self) -> RunDisplay:
        """Starts the live lines."""
        self._lines.start()
        if not self._lines.disable and self._notebook is None:
            self._buffer = LineBuffer(cast("Console", self._screen))
            self._buffer.start()
        self.transfers.wait_for(self._waiting)
        return self

    def wait_for(self, text: str) -> None:
        """Sets the text of the live line before the first step."""
        self.transfers.wait_for(text)

    def __exit__(self, _type: object, error: object, _traceback: object) -> None:
        """Removes the live lines. A failed step's log stays in a notebook, so that the error need not repeat it."""
        if self._buffer is not None:
            self._buffer.stop()
            self._buffer = None
        self._lines.stop()
        if isinstance(error, StepFailedError) and self._notebook is not None:
            error.is_displayed = True

    def __call__(self, event: Event) -> None:
        """Displays an event."""
        if event.kind in ("start", "reuse"):
            self.transfers.end()
        if self._notebook is not None and self._notebook.started:
            self._notebook.take(event)
            return
        name = escape(event.step)
        if event.kind == "log":
            line = f"  [dim]{name} │[/] {escape(event.text)}"
            if self._buffer is not None:
                self._buffer.add(line)
            else:
                self._screen.print(line)
            return
        if self._buffer is not None:
            self._buffer.flush()
        if event.kind == "warn":
            self._screen.print(f"[yellow]warning:[/] {escape(event.text)}")
            return
        if event.kind == "start":
            self._running[event.step] = self._lines.add_task(name, total=None)
            self._screen.print(f"[bold]▶[/] {name}")
        else:
            self._end_line(event.step)
            duration = f" in {event.seconds:.1f} s" if event.seconds else ""
            words, cause = self._WORDS[event.kind], f": {escape(event.text)}" if event.text else ""
            if event.kind == "reuse" and event.text:
                words, cause = f"keeps its outputs of {escape(event.text)}", ""
            self._screen.print(f"{_MARKS[event.kind]} {name} {words}{duration}{cause}")

    def _end_line(self, name: str) -> None:
        line = self._running.pop(name, None)
        if line is not None:
            self._lines.remove_task(line)
