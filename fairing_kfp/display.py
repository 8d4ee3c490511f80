"""What commands show: progress on a terminal or in a notebook, plain lines elsewhere, nothing with -q."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from fairing_kfp.errors import FairingError

if TYPE_CHECKING:
    from fairing_kfp.build.progress import Transfer
    from fairing_kfp.local.event import Event

_MARKS = {"succeed": "[green]✔[/]", "fail": "[red]✘[/]", "reuse": "[cyan]↺[/]"}


def console(quiet: bool = False) -> Console:
    """The terminal, or standard output."""
    return Console(quiet=quiet, highlight=False, soft_wrap=True)


def show_error(error: FairingError) -> None:
    """Shows an error and its remedy on standard error."""
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    screen.print(f"[bold red]error:[/] {escape(error.message)}")
    if error.remedy:
        screen.print(f"  [bold]→[/] {escape(error.remedy)}")


def size(count: int) -> str:
    """Bytes for people: `17.3 kB`."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def show_columns(rows: Sequence[Sequence[str]], screen: Console, indent: str = "") -> None:
    """Shows rows in aligned columns, the first as their heads; nothing is cut off, so that paths can be copied."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        screen.print(f"{indent}[bold]{escape(line)}[/]" if number == 0 else f"{indent}{escape(line)}")


class _BarWhereKnown(BarColumn):
    """A bar for what has an end that is known."""

    def render(self, task: Task) -> Text:  # type: ignore[override]
        return super().render(task) if task.total else Text()  # type: ignore[return-value]


def _moves(screen: Console) -> bool:
    """Whether lines can move there: not in files and CI's logs, and in notebooks by widgets alone."""
    if screen.quiet:
        return False
    if screen.is_jupyter:
        return find_spec("ipywidgets") is not None
    return screen.is_interactive and not os.environ.get("CI")


def _moving_lines(screen: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), _BarWhereKnown(), TimeElapsedColumn())
    return Progress(*columns, console=screen, transient=True, disable=not _moves(screen))


class TransferTeller:
    """Shows blobs and bytes as they are sent: one moving line, or a plain line for each blob that has arrived.

    It is a `fairing_kfp.build.progress.Progress`, and a context manager for as long as the line moves.

    Args:
        screen: where.
        lines: the moving lines of another teller, which starts and ends them.
    """

    def __init__(self, screen: Console, lines: Progress | None = None) -> None:
        self._screen = screen
        self._own = lines is None
        self._lines = lines or _moving_lines(screen)
        self._line: TaskID | None = None
        self._known: dict[str, Transfer] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> TransferTeller:
        """Starts the moving line."""
        if self._own:
            self._lines.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        self.end()
        if self._own:
            self._lines.stop()

    def __call__(self, transfer: Transfer) -> None:
        """Takes note of a transfer; called from several threads."""
        with self._lock:
            before = self._known.get(transfer.digest)
            if before is not None and before.state != "moving":
                return
            self._known[transfer.digest] = transfer
            if not self._lines.disable:
                self._move()
            elif transfer.state != "moving":
                parts = [
                    transfer.state,
                    transfer.name,
                    transfer.digest[:19],
                    size(transfer.size) if transfer.size else "",
                ]
                self._screen.print(f"  {escape(' '.join(filter(None, parts)))}")

    def end(self) -> None:
        """Takes the moving line away; what comes after begins another."""
        with self._lock:
            if self._line is not None:
                self._lines.remove_task(self._line)
                self._line = None

    def _move(self) -> None:
        if self._line is None:
            self._line = self._lines.add_task("", total=None)
        known = list(self._known.values())
        done = sum(one.done if one.state == "moving" else one.size for one in known)
        total = sum(one.size for one in known)
        blobs = sum(one.state != "moving" for one in known)
        text = f"sending: {blobs}/{len(known)} blobs, {size(done)} of {size(total)}"
        self._lines.update(self._line, description=text, completed=done, total=total or None)


class StepTeller:
    """Shows the steps of a run as they go on, each line of their logs under the step's name.

    Where lines can move, one below tells what is under way, and since when.

    Attributes:
        transfers: shows the images that are published before the first step.
    """

    _WORDS: ClassVar = {"succeed": "done", "fail": "failed", "reuse": "unchanged, its earlier outputs are used"}

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._lines = _moving_lines(screen)
        self._running: dict[str, TaskID] = {}
        self.transfers = TransferTeller(screen, self._lines)

    def __enter__(self) -> StepTeller:
        """Starts the moving lines."""
        self._lines.start()
        self._running[""] = self._lines.add_task("packing code and resolving packages", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        """Ends them."""
        self._lines.stop()

    def __call__(self, event: Event) -> None:
        """Shows what happened."""
        name = escape(event.step)
        if event.kind == "warn":
            self._screen.print(f"[yellow]warning:[/] {escape(event.text)}")
            return
        if event.kind == "log":
            self._screen.print(f"  [dim]{name} │[/] {escape(event.text)}")
            return
        if event.kind == "start":
            self.transfers.end()
        ended = self._running.pop("" if event.kind == "start" else event.step, None)
        if ended is not None:
            self._lines.remove_task(ended)
        if event.kind == "start":
            self._running[event.step] = self._lines.add_task(name, total=None)
            self._screen.print(f"[bold]▶[/] {name}")
        else:
            took = f" in {event.seconds:.1f} s" if event.seconds else ""
            why = f": {escape(event.text)}" if event.text else ""
            self._screen.print(f"{_MARKS[event.kind]} {name} {self._WORDS[event.kind]}{took}{why}")
