"""A fixture that runs scripts with the real parsers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.scripts import Run, runner


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """What runs a script in this process with the command line for some values, and returns what it shows."""
    return runner(monkeypatch, tmp_path)
