from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import PIPELINES
from tests.support.command_line import fairing_kfp

TARGET = PIPELINES["control-flow"]
_SMALL = """
from kfp import dsl
from fairing_kfp import fairing_component

@fairing_component
def add(first: float) -> float:
    return first + 1

@dsl.pipeline
def adds():
    add(first=1.0)
"""
_COMMAND = """
import sys
from fairing_kfp.cli import main
try:
    main()
except SystemExit:
    print(*sys.modules)
"""


def test_nothing_is_written_without_a_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = fairing_kfp("compile", TARGET, "-o", str(tmp_path / "out.yaml"))

    assert code == 2
    assert "no registry is set" in output
    assert not (tmp_path / "out.yaml").exists()


def test_only_what_a_pipeline_needs_is_imported(tmp_path: Path) -> None:
    """`compile` without a registry ends after it has packed a step without packages."""
    file = tmp_path / "small_pipeline.py"
    file.write_text(_SMALL)
    command = [sys.executable, "-c", _COMMAND, "compile", str(file)]
    environment = {**os.environ, "FAIRING_KFP_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())

    assert "no registry is set" in done.stderr
    assert {"kfp.compiler", "fairing_kfp.preprocess.function"} <= imported
    assert not imported & {"kubernetes", "kfp.client", "requests", "packaging", "uv", "tomllib", "tomli", "html.parser"}
    assert not imported & {"rich.progress", "fairing_kfp.serving.spec", "fairing_kfp.train.spec"}
