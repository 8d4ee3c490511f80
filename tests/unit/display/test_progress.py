"""Displays on a recording terminal, in a file, and with -q."""

from __future__ import annotations

import io
import re
import threading
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.progress import Progress

from fairing_kfp import display
from fairing_kfp.builders.progress import Transfer, log_of, silent, status_of
from fairing_kfp.display import RunDisplay, TransferProgress
from fairing_kfp.display.event import Event
from fairing_kfp.display.line_buffer import LineBuffer

CODE, BASE = f"sha256:{'c' * 64}", f"sha256:{'b' * 64}"
TRANSFERS = [
    Transfer("code", CODE, 2000),
    Transfer("code", CODE, 2000, 1000),
    Transfer("base", BASE, 8000),
    Transfer("code", CODE, 2000, 2000, "sent"),
    Transfer("base", BASE, 8000, 8000, "mounted"),
    Transfer("code", CODE, 2000, 2000, "sent"),
]


@pytest.fixture(autouse=True)
def not_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def screen(**options: object) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, highlight=False, soft_wrap=True, width=100, **options), out  # type: ignore[arg-type]


def transfer_all(console: Console) -> None:
    with TransferProgress(console) as progress:
        for transfer in TRANSFERS:
            progress(transfer)
            if isinstance(progress._lines, Progress):
                progress._lines.refresh()  # instead of waiting for the next refresh


def test_a_plain_line_per_blob() -> None:
    console, out = screen()
    transfer_all(console)

    assert out.getvalue() == "  sent code sha256:cccccccccccc 2.0 kB\n  mounted base sha256:bbbbbbbbbbbb 8.0 kB\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_messages_of_a_builder_are_lines_of_their_own(terminal: bool) -> None:
    console, out = screen(force_terminal=terminal)
    with TransferProgress(console) as progress:
        log_of(progress)("created Job build-[1]")
    log_of(silent)("nobody sees this")

    assert "  created Job build-[1]\n" in out.getvalue()
    assert "nobody" not in out.getvalue()


def test_what_is_done_is_a_plain_line() -> None:
    console, out = screen()
    with TransferProgress(console, waiting="loading digits.py") as progress:
        status_of(progress)("resolving [bee]")
    status_of(silent)("nobody sees this")
    status_of(None)("nobody sees this")

    assert out.getvalue() == "  resolving [bee]\n"


def test_what_is_done_is_a_live_line_until_something_is_sent() -> None:
    console, _ = screen(force_terminal=True)
    with TransferProgress(console, waiting="loading digits.py") as progress:
        descriptions = [[task.description for task in progress._lines.tasks]]
        progress.status("fetching " + "bee, " * 20)
        descriptions.append([task.description for task in progress._lines.tasks])
        progress(TRANSFERS[1])
        descriptions.append([task.description for task in progress._lines.tasks])

    assert descriptions[0] == ["loading digits.py"]
    assert len(descriptions[1][0]) == 48
    assert descriptions[1][0].startswith("fetching bee, ")
    assert descriptions[2] == ["sending: 0/1 blobs, 1.0 kB of 2.0 kB"]


def test_one_live_line_on_a_terminal() -> None:
    console, out = screen(force_terminal=True)
    transfer_all(console)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())

    assert "sending: 0/1 blobs, 1.0 kB of 2.0 kB" in shown
    assert "sending: 1/2 blobs, 2.0 kB of 10.0 kB" in shown
    assert "sending: 2/2 blobs, 10.0 kB of 10.0 kB" in shown
    assert "sha256:" not in shown


def test_plain_lines_in_ci_even_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    console, out = screen(force_terminal=True)
    transfer_all(console)

    assert "sending" not in out.getvalue()
    assert out.getvalue().count("sha256:") == 2


@pytest.mark.parametrize("terminal", [False, True])
def test_quiet_prints_nothing(terminal: bool) -> None:
    console, out = screen(force_terminal=terminal, quiet=True)
    transfer_all(console)
    with RunDisplay(console) as run_display:
        run_display.transfers(TRANSFERS[-1])
        run_display(Event("start", "train"))
        run_display(Event("log", "train", "text"))
        run_display(Event("succeed", "train"))

    assert out.getvalue() == ""


def test_transfers_are_displayed_before_the_first_step() -> None:
    console, out = screen(force_terminal=True)
    with RunDisplay(console) as run_display:
        run_display.transfers(TRANSFERS[1])
        run_display._lines.refresh()
        assert [task.description for task in run_display._lines.tasks] == [
            "sending: 0/1 blobs, 1.0 kB of 2.0 kB",
        ]
        run_display(Event("start", "train"))
        assert [task.description for task in run_display._lines.tasks] == ["train"]
        run_display(Event("succeed", "train", seconds=1.0))
        assert run_display._lines.tasks == []

    assert "✔" in out.getvalue()


def test_lines_of_a_step_are_printed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairing_kfp.display.line_buffer._PERIOD", 1000)
    console, out = screen(force_terminal=True)
    prints, original = [], console.print
    monkeypatch.setattr(console, "print", lambda one: (prints.append(str(one)), original(one)))
    with RunDisplay(console) as run_display:
        run_display(Event("start", "train"))
        for number in range(3000):
            run_display(Event("log", "train", f"[line] {number}"))
        run_display(Event("succeed", "train", seconds=1.0))
        run_display(Event("log", "train", "late"))

    assert len([text for text in prints if "│" in text]) == 2
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    order = [shown.index(text) for text in ("▶ train", "│ [line] 0", "│ [line] 2999", "✔ train", "│ late")]
    assert order == sorted(order)


def test_lines_are_printed_while_a_step_runs() -> None:
    printed = threading.Event()
    lines = LineBuffer(SimpleNamespace(print=lambda text: printed.set()))  # type: ignore[arg-type]
    lines.start()
    lines.add("first")
    assert printed.wait(30)
    lines.stop()


def test_transfers_without_a_size() -> None:
    console, out = screen()
    with TransferProgress(console) as progress:
        progress(Transfer("layer", "f8ffc7aefc33", 0, 0, "mounted"))
        progress(Transfer("Dockerfile", "dockerfile:/x", 0, 0, "built"))

    assert out.getvalue() == "  mounted layer f8ffc7aefc33\n  built Dockerfile dockerfile:/x\n"


@pytest.mark.parametrize(("old", "new"), [("TransferTeller", TransferProgress), ("StepTeller", RunDisplay)])
def test_former_names(old: str, new: type) -> None:
    with pytest.warns(DeprecationWarning, match=f"use fairing_kfp.display.{new.__name__}"):
        assert getattr(display, old) is new
    with pytest.raises(AttributeError, match="no attribute 'Teller'"):
        display.Teller  # noqa: B018
