from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from fairing_kfp.display.size import format_size
from fairing_kfp.display.terminal import Linked, print_error, print_table
from fairing_kfp.errors import FairingError


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (17_300, "17.3 kB"), (70_000_000, "70.0 MB"), (1 << 40, "1099.5 GB")],
)
def test_sizes(count: int, text: str) -> None:
    assert format_size(count) == text


def test_tables_are_aligned_and_not_truncated() -> None:
    out = io.StringIO()
    path = "long/" * 40
    print_table([("kind", "path"), ("layers", path), ("[x]", "b")], Console(file=out, soft_wrap=True, width=40), "  ")

    assert out.getvalue().splitlines() == ["  kind    path", f"  layers  {path}", "  [x]     b"]


def test_terminals_get_links_to_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    rows = [("file", "size"), (Linked.path(tmp_path / "a [b].html"), "1 B"), (Linked.path(Path("/other")), "2 B")]
    plain, terminal = io.StringIO(), io.StringIO()
    print_table(rows, Console(file=plain, soft_wrap=True, highlight=False))
    print_table(rows, Console(file=terminal, soft_wrap=True, highlight=False, force_terminal=True))

    assert plain.getvalue().splitlines() == ["file        size", "a [b].html  1 B", "/other      2 B"]
    assert f";{tmp_path.as_uri()}/a%20%5Bb%5D.html\x1b\\a [b].html" in terminal.getvalue()
    assert ";file:///other\x1b\\/other" in terminal.getvalue()


def test_errors_are_printed_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(FairingError("the image [x] is missing", "push it"))

    assert capsys.readouterr() == ("", "error: the image [x] is missing\n  → push it\n")
