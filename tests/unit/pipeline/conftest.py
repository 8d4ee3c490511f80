"""Files of pipelines."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest


@pytest.fixture
def file(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a module's `PIPELINE`, in a folder other than the current one."""
    monkeypatch.delenv("FAIRING_KFP_LOCK")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "project" / "garden.py"
    path.parent.mkdir()
    path.write_text(textwrap.dedent(request.module.PIPELINE))
    return path
