"""The README's first example, as a new user pastes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.command_line import fairing_kfp
from tests.support.paths import TOP

README = (TOP / "README.md").read_text(encoding="utf-8")


def first_example() -> str:
    found = re.search(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def test_the_first_example_runs_in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pipeline.py").write_text(first_example())
    code, output = fairing_kfp("run", "pipeline.py", "-p", "hours=48")
    (result,) = Path("local_outputs").rglob("predict*/executor_output.json")

    assert code == 0, output
    assert "fairing-kfp run pipeline.py -p hours=48" in README
    assert '"Output": 9' in result.read_text()  # of 3 * 30 + 5


def test_installation_comes_before_the_first_example() -> None:
    assert README.index("pip install PATH/TO/CHECKOUT") < README.index("```python")
