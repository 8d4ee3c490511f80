from __future__ import annotations

import io

import pytest
from rich.console import Console

from fairing_kfp.display.terminal import format_size, print_error, print_table
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


def test_errors_are_printed_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(FairingError("the image [x] is missing", "push it"))

    assert capsys.readouterr() == ("", "error: the image [x] is missing\n  → push it\n")
