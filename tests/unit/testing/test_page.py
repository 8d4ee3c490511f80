"""The tests of docs/testing.md, as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.doc_blocks import BLOCKS
from tests.support.paths import TOP


def test_the_tests_of_the_page_pass(tmp_path: Path) -> None:
    page = [block for block in BLOCKS if block.page == "docs/testing.md" and block.language == "python"]
    pipeline, *tests = [block.text for block in page]
    (tmp_path / "pipeline.py").write_text(pipeline)
    for number, text in enumerate(tests):
        (tmp_path / f"test_{number}.py").write_text(text)
    plugins = ["-p", "no:cacheprovider", "-p", "fairing_kfp.testing.plugin"]
    variables = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join([str(TOP), str(tmp_path)])}
    command = [sys.executable, "-m", "pytest", "-q", *plugins]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert f"{sum(text.count('def test_') for text in tests)} passed" in done.stdout, done.stdout
