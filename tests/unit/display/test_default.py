"""The displays of calls that are given none."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any

import pytest
from rich.console import Console

from fairing_kfp.builders.progress import silent
from fairing_kfp.display import RunDisplay, TransferProgress
from fairing_kfp.display.default import run_display, transfer_display


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the console think that a cell of a notebook runs."""
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setattr("fairing_kfp.display.terminal.Console", lambda **_: Console(force_jupyter=True))


def entered(display: AbstractContextManager[Any]) -> Any:
    with display as callback:
        return callback


@pytest.mark.usefixtures("kernel")
def test_a_notebook_has_displays() -> None:
    assert isinstance(transfer_display(None), TransferProgress)
    assert isinstance(run_display(None), RunDisplay)


@pytest.mark.usefixtures("kernel")
def test_a_callback_is_used_as_it_is() -> None:
    assert entered(transfer_display(silent)) is silent
    assert entered(run_display(print)) is print


def test_elsewhere_nothing_is_displayed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert entered(transfer_display(None)) is None
    monkeypatch.setitem(sys.modules, "ipykernel", sys)  # imported, as by papermill, but not running
    assert entered(run_display(None)) is None
