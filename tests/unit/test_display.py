"""What tellers show, on a terminal that records, in a file, and with -q."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from fairing_kfp.build.progress import Transfer
from fairing_kfp.display import StepTeller, TransferTeller
from fairing_kfp.local.event import Event

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


def tell_all(console: Console) -> None:
    with TransferTeller(console) as progress:
        for transfer in TRANSFERS:
            progress(transfer)
            progress._lines.refresh()  # not to wait for its clock


def test_a_line_for_each_blob_where_lines_cannot_move() -> None:
    console, out = screen()
    tell_all(console)

    assert out.getvalue() == "  sent code sha256:cccccccccccc 2.0 kB\n  mounted base sha256:bbbbbbbbbbbb 8.0 kB\n"


def test_one_moving_line_with_blobs_and_bytes_on_a_terminal() -> None:
    console, out = screen(force_terminal=True)
    tell_all(console)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())

    assert "sending: 0/1 blobs, 1.0 kB of 2.0 kB" in shown
    assert "sending: 1/2 blobs, 2.0 kB of 10.0 kB" in shown
    assert "sending: 2/2 blobs, 10.0 kB of 10.0 kB" in shown
    assert "sha256:" not in shown


def test_plain_lines_in_ci_whatever_its_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    console, out = screen(force_terminal=True)
    tell_all(console)

    assert "sending" not in out.getvalue()
    assert out.getvalue().count("sha256:") == 2


@pytest.mark.parametrize("terminal", [False, True])
def test_nothing_with_q(terminal: bool) -> None:
    console, out = screen(force_terminal=terminal, quiet=True)
    tell_all(console)
    with StepTeller(console) as tell:
        tell.transfers(TRANSFERS[-1])
        tell(Event("start", "train"))
        tell(Event("log", "train", "text"))
        tell(Event("succeed", "train"))

    assert out.getvalue() == ""


@pytest.mark.parametrize(("widgets", "moves"), [(object(), True), (None, False)])
def test_a_notebook_needs_widgets_for_lines_that_move(
    monkeypatch: pytest.MonkeyPatch, widgets: object, moves: bool
) -> None:
    monkeypatch.setattr("fairing_kfp.display.find_spec", lambda _: widgets)
    console, _ = screen(force_jupyter=True)

    assert TransferTeller(console)._lines.disable is not moves


def test_images_go_before_steps() -> None:
    console, out = screen(force_terminal=True)
    with StepTeller(console) as tell:
        tell.transfers(TRANSFERS[1])
        tell._lines.refresh()
        assert [task.description for task in tell._lines.tasks] == [
            "packing code and resolving packages",
            "sending: 0/1 blobs, 1.0 kB of 2.0 kB",
        ]
        tell(Event("start", "train"))
        assert [task.description for task in tell._lines.tasks] == ["train"]
        tell(Event("succeed", "train", seconds=1.0))
        assert tell._lines.tasks == []

    assert "✔" in out.getvalue()


def test_an_engines_layers_may_have_no_size() -> None:
    console, out = screen()
    with TransferTeller(console) as progress:
        progress(Transfer("layer", "f8ffc7aefc33", 0, 0, "mounted"))
        progress(Transfer("Dockerfile", "dockerfile:/x", 0, 0, "built"))

    assert out.getvalue() == "  mounted layer f8ffc7aefc33\n  built Dockerfile dockerfile:/x\n"
