"""`fairing-kfp init`: what it writes runs at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fairing_kfp.cli.project_files import project_files
from fairing_kfp.settings import Settings
from tests.support.command_line import fairing_kfp

FILES = {"pipeline.py", "pyproject.toml", "test_pipeline.py", ".github/workflows/pipeline.yml"}


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_pipeline_and_its_test_run_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = fairing_kfp("init", "My Forecast")
    assert code == 0
    assert "to run it: fairing-kfp run My Forecast/pipeline.py" in output
    assert written(tmp_path / "My Forecast") == FILES

    monkeypatch.chdir("My Forecast")
    assert Settings.load().project == "my-forecast"
    assert "pytest" in str(yaml.safe_load(Path(".github/workflows/pipeline.yml").read_text())["jobs"])
    code, output = fairing_kfp("run", "pipeline.py")
    assert code == 0, output
    assert "predict  Output  94.9" in output

    plugins = ["-p", "no:cacheprovider", "-p", "fairing_kfp.testing.plugin"]
    tests = [sys.executable, "-m", "pytest", "-q", *plugins, "test_pipeline.py"]
    done = subprocess.run(
        tests, env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, capture_output=True, text=True, check=False
    )
    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("path", sorted(FILES))
def test_nothing_is_written_where_a_file_exists(tmp_path: Path, path: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text("mine")
    code, output = fairing_kfp("init", str(tmp_path))

    assert code == 2
    assert f"{tmp_path / path} exists" in output
    assert written(tmp_path) == {path}
    assert (tmp_path / path).read_text() == "mine"


def test_without_a_folder_the_current_one_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert fairing_kfp("init", "-q") == (0, "")
    assert written(tmp_path) == FILES


@pytest.mark.parametrize(("name", "project"), [("Umsätze_2026", "ums-tze-2026"), ("", "pipelines"), ("ü", "pipelines")])
def test_the_project_has_a_name_that_is_allowed(name: str, project: str) -> None:
    assert f'name = "{project}"' in project_files(name)["pyproject.toml"]
