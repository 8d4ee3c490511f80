"""Progress in a notebook."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from fairing_kfp.builders.progress import Transfer
from fairing_kfp.display import RunDisplay, TransferProgress
from fairing_kfp.display.event import Event
from fairing_kfp.display.notebook import Blocks, HtmlOutput, NotebookLines, WidgetOutput, open_output
from fairing_kfp.errors import StepFailedError


class Recorded:
    ticks = 10**6

    def __init__(self) -> None:
        self.shown, self.closed = threading.Event(), ""

    def show(self, blocks: Blocks) -> None:
        self.text = "\n".join(block for _, block in blocks)
        self.shown.set()

    def close(self, blocks: Blocks) -> None:
        self.closed = "\n".join(block for _, block in blocks)


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    recorded = Recorded()
    monkeypatch.setattr("fairing_kfp.display.notebook.open_output", lambda: recorded)
    monkeypatch.setattr(NotebookLines.__init__, "__defaults__", (lambda: recorded,))
    return recorded


def notebook() -> Console:
    return Console(force_jupyter=True, highlight=False)


def test_steps_fold_their_last_lines(output: Recorded) -> None:
    with RunDisplay(notebook()) as display:
        display(Event("warn", "", "mind <b>"))
        display(Event("reuse", "load"))
        display(Event("reuse", "kept", "run-1"))
        display(Event("start", "train", log="/logs/train/log.txt"))
        for number in range(3000):
            display(Event("log", "train", f"line {number} <b>"))
        display(Event("succeed", "train", seconds=1.5))
        display(Event("start", "report"))
        display(Event("log", "report", "x" * 10_000))
        display(Event("fail", "report", "exit code 1", 2.0))
        display(Event("start", "never-ends"))

    html = output.closed
    assert "mind &lt;b&gt;" in html
    assert html.index(">load<") < html.index(">train<") < html.index(">report<")
    assert "3,000 lines" in html
    assert "2,960 earlier lines, in <code>/logs/train/log.txt</code>" in html
    assert "line 2960 &lt;b&gt;" in html
    assert "line 2959" not in html
    assert "unchanged, reusing its earlier outputs" in html
    assert "keeps its outputs of run-1" in html
    assert "exit code 1" in html
    assert html.count("<details") - html.count('<details class="step">') == 1  # the failed one is unfolded
    assert "did not end while it was displayed" in html
    assert len(html) < 10_000


@pytest.mark.parametrize("events", [[], [Event("reuse", "train")]])
def test_what_is_waited_for_does_not_stay(events: list[Event], output: Recorded) -> None:
    with RunDisplay(notebook(), waiting="packing") as display:
        assert output.shown.wait(30)
        for event in events:
            output.shown.clear()
            display(event)
            assert output.shown.wait(30)
            assert "packing" not in output.text

    assert "packing" not in output.closed


def test_it_is_updated_while_steps_run(output: Recorded) -> None:
    with RunDisplay(notebook(), waiting="packing") as display:
        assert output.shown.wait(30)
        assert "packing" in output.text
        output.shown.clear()
        display(Event("start", "train"))
        assert output.shown.wait(30)
        assert "packing" not in output.text
        assert ">train<" in output.text

    assert not any(thread.name == "fairing-kfp display" for thread in threading.enumerate())


def test_the_error_of_a_step_does_not_repeat_its_displayed_log(output: Recorded) -> None:
    error = StepFailedError("train failed; its log:\nlast line", "see log.txt", summary="train failed")
    with pytest.raises(StepFailedError), RunDisplay(Console(highlight=False)):
        raise error
    assert "last line" in "\n".join(error._render_traceback_())

    with pytest.raises(StepFailedError), RunDisplay(notebook()):
        raise error
    lines = error._render_traceback_()
    assert lines[0] == "StepFailedError: train failed"
    assert lines[-1] == "  → see log.txt"


def test_transfers(output: Recorded) -> None:
    with TransferProgress(notebook()) as progress:
        assert output.shown.wait(30)
        assert "packing code and resolving packages" in output.text
        output.shown.clear()
        progress(Transfer("code", f"sha256:{'c' * 64}", 2000, 1000))
        assert output.shown.wait(30)
        assert "sending: 0/1 blobs, 1.0 kB of 2.0 kB" in output.text

    assert output.closed == ""


def test_a_long_run_shows_what_ended_last(output: Recorded) -> None:
    with RunDisplay(notebook()) as display:
        display(Event("fail", "first", "exit code 1"))
        for number in range(1000):
            display(Event("succeed", f"step-{number}"))

    assert "950 steps ended before" in output.closed
    assert ">first<" in output.closed
    assert ">step-949<" not in output.closed
    assert ">step-950<" in output.closed


def test_without_a_with_block_lines_are_printed(output: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    RunDisplay(Console(highlight=False))(Event("start", "train"))

    assert capsys.readouterr().out == "▶ train\n"


def displayed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is displayed, and replaces it, in order."""
    shown: list[Any] = []

    def display(one: Any, display_id: bool) -> Any:
        shown.append(one)
        return SimpleNamespace(update=shown.append)

    monkeypatch.setattr("IPython.display.display", display)
    return shown


def test_one_html_output_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = displayed(monkeypatch)
    monkeypatch.setattr("fairing_kfp.display.notebook.find_spec", lambda _: None)
    output = open_output()
    output.show([])
    output.close([])

    assert isinstance(output, HtmlOutput)
    assert [type(one).__name__ for one in shown] == ["HTML"] * 3


class Widget(SimpleNamespace):
    def __init__(self, value: str = "") -> None:
        super().__init__(value=value, children=(), closed=False)

    def close(self) -> None:
        self.closed = True


def test_only_widgets_that_changed_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = displayed(monkeypatch)
    monkeypatch.setitem(sys.modules, "ipywidgets", SimpleNamespace(HTML=Widget, VBox=Widget))
    monkeypatch.setattr("fairing_kfp.display.notebook.find_spec", lambda _: object())
    output = open_output()
    assert isinstance(output, WidgetOutput)
    (box,) = shown
    from fairing_kfp.display.html import Html

    output.show([("a", Html("1")), ("b", Html("2"))])
    first, second = box.children
    output.show([("b", Html("3"))])
    assert box.children == [second]
    assert ">1</div>" in first.value
    assert ">3</div>" in second.value
    output.close([("b", Html("4"))])

    assert ">4</div>" in shown[-1].data
    assert first.closed
    assert second.closed
    assert box.closed
