"""JSON of commands has the keys that the documentation lists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fairing_kfp.cli import main
from tests.support import stand_in_builder
from tests.support.kfp_stand_in import serve_kfp
from tests.support.paths import TESTS, TOP

_PIPELINE = """
from kfp import dsl
from fairing_kfp import fairing_component

@fairing_component
def half(value: float) -> float:
    return value / 2

@dsl.pipeline
def halves(value: float = 3.0):
    half(value=value)
"""
_PAGE = (TOP / "docs/reference/command-line.md").read_text("utf-8")


def _documented(command: str) -> set[str]:
    [row] = [line for line in _PAGE.splitlines() if line.startswith("| ") and f"`{command}`" in line.split("|")[1]]
    return set(re.findall(r"`([a-z_]+)`", row.split("|")[2])) - {"ok", "absent", "succeeded", "failed", "submit"}


def _keys(value: Any, opaque: tuple[str, ...] = ("arguments", "inputs", "outputs", "artifacts", "metrics")) -> set[str]:
    """The keys of JSON, except of values whose keys are the user's."""
    if isinstance(value, list):
        return set().union(*map(_keys, value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(_keys(inner) for key, inner in value.items() if key not in opaque))


def _printed(*arguments: str) -> Any:
    done = CliRunner().invoke(main, [*arguments, "--json"], catch_exceptions=False)
    return json.loads(done.stdout)


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    stand_in_builder.register(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "halves.py").write_text(_PIPELINE)
    return "halves.py"


def test_compile_lock_and_run(target: str) -> None:
    assert _keys(_printed("compile", target, "--builder", "stand-in")) == _documented("compile") - {"dry-run"}
    assert _keys(_printed("lock", target)) | {"name", "platform", "before", "after"} == _documented("lock")
    assert _keys(_printed("run", target, "--in-process")) == _documented("run")


def test_submit(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    with serve_kfp() as kfp:
        pipeline = f"{TESTS}/support/remote_pipelines.py:digits"
        found = _printed("submit", pipeline, "--host", kfp.url, "--builder", "stand-in", "--no-wait")

    steps = {"started", "ended", "cached", "outputs", "artifacts"}
    assert _keys(found) | steps == _documented("submit")
    assert found["images"][0]["image"].startswith("registry.example.com/me/project@sha256:")


def test_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    from fairing_kfp.doctor import checks
    from fairing_kfp.doctor.check import Finding

    monkeypatch.setattr(checks, "examine", lambda setup: [Finding("python", "ok", "3.12")])
    assert _keys(_printed("doctor")) == _documented("doctor")
