"""Plain lines, compared with those of rich."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich import markup
from rich.console import Console

from fairing_kfp.display.plain import PlainScreen, escape, screen, text_of

TEXTS = st.text(alphabet="ab[]/\\#@= \nZ1", max_size=12)


@given(TEXTS)
def test_escaped_text_is_that_of_rich(text: str) -> None:
    assert escape(text) == markup.escape(text)
    assert text_of(f"[bold]x[/] {escape(text)}") == markup.render(f"[bold]x[/] {markup.escape(text)}").plain


@given(TEXTS)
def test_markup_is_shown_as_rich_shows_it(text: str) -> None:
    try:
        expected = markup.render(text, emoji=False).plain
    except markup.MarkupError:
        return
    assert text_of(text) == expected


def test_lines_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    PlainScreen().print("[green]✔[/]", "a\\[b]")
    PlainScreen(quiet=True).print("never")
    assert capsys.readouterr().out == "✔ a[b]\n"


@pytest.mark.parametrize("name", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_colors_can_be_asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert isinstance(screen(), PlainScreen)
    monkeypatch.setenv(name, "1")
    assert isinstance(screen(), Console)


def test_terminals_and_notebooks_get_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert isinstance(screen(), Console)
    monkeypatch.undo()
    ipython: Any = object()
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert isinstance(screen(quiet=True), Console)


def test_a_command_in_a_pipe_imports_no_rich() -> None:
    modules = "sys, fairing_kfp.cli.compile, fairing_kfp.display.progress"
    program = f"import {modules}; print([name for name in sys.modules if name.startswith('rich')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
