"""What commands show: progress on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

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


class StepTeller:
    """Shows the steps of a run as they go on, each line of their logs under the step's name.

    On a terminal a line below tells what is under way, and since when.
    """

    _WORDS: ClassVar = {"succeed": "done", "fail": "failed", "reuse": "unchanged, its earlier outputs are used"}

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=screen,
            transient=True,
            disable=not screen.is_terminal or screen.quiet,
        )
        self._running: dict[str, TaskID] = {}

    def __enter__(self) -> StepTeller:
        """Starts the moving line."""
        self._progress.start()
        self._running[""] = self._progress.add_task("packing code and resolving packages")
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Shows what happened."""
        name = escape(event.step)
        if event.kind == "log":
            self._screen.print(f"  [dim]{name} │[/] {escape(event.text)}")
            return
        ended = self._running.pop("" if event.kind == "start" else event.step, None)
        if ended is not None:
            self._progress.remove_task(ended)
        if event.kind == "start":
            self._running[event.step] = self._progress.add_task(name)
            self._screen.print(f"[bold]▶[/] {name}")
        else:
            took = f" in {event.seconds:.1f} s" if event.seconds else ""
            why = f": {escape(event.text)}" if event.text else ""
            self._screen.print(f"{_MARKS[event.kind]} {name} {self._WORDS[event.kind]}{took}{why}")


class TransferTeller:
    """Shows blobs as they are sent: one moving line on a terminal, a line for each that has arrived elsewhere."""

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._moving: dict[str, Transfer] = {}
        self._lock = threading.Lock()
        self._status = screen.status("") if screen.is_terminal and not screen.quiet else None

    def __enter__(self) -> TransferTeller:
        """Starts the moving line."""
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        if self._status:
            self._status.stop()

    def __call__(self, transfer: Transfer) -> None:
        """Takes note of a transfer; called from several threads."""
        with self._lock:
            known = self._moving.get(transfer.digest)
            self._moving[transfer.digest] = transfer
            if self._status:
                done = sum(item.size if item.state != "moving" else item.done for item in self._moving.values())
                total = sum(item.size for item in self._moving.values())
                blobs = sum(item.state != "moving" for item in self._moving.values())
                self._status.update(f"sending: {blobs}/{len(self._moving)} blobs, {size(done)} of {size(total)}")
            elif transfer.state != "moving" and (known is None or known.state == "moving"):
                self._screen.print(f"  {transfer.state} {transfer.name} {transfer.digest[:19]} {size(transfer.size)}")
