"""samples/tabular, text, timeseries, images and repository: run here, and compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import DependencyError
from fairing_kfp.local.result import RunResult
from tests.golden import PIPELINES, assert_golden
from tests.support.doc_python import check_pipeline
from tests.support.one_at_a_time import one_at_a_time
from tests.support.paths import TOP
from tests.support.services import missing
from tests.support.stand_in_builder import StandInBuilder

REPOSITORY = TOP / "samples" / "repository"


def run(name: str, arguments: Mapping[str, Any], cache: Cache, folder: Path) -> RunResult:
    try:
        with one_at_a_time(cache, "scikit-learn"):
            return fairing_kfp.run(fairing_kfp.load_pipeline(PIPELINES[name]), arguments, output=folder, cache=cache)
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")


def compiled(name: str, cache: Cache) -> Mapping[str, str]:
    """The images of a sample, whose YAML is compared with its golden."""
    try:
        with one_at_a_time(cache, "scikit-learn"):
            made = fairing_kfp.compile(
                fairing_kfp.load_pipeline(PIPELINES[name]), builder=StandInBuilder(), cache=cache
            )
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")
    assert_golden(name, made.text)
    return made.images


def test_topics_are_learned_and_mistakes_listed(shared_cache: Cache, tmp_path: Path) -> None:
    result = run("text", {}, shared_cache, tmp_path)

    mistakes = Path(result.step("evaluate").artifacts["mistakes"]).read_text().splitlines()[2:]
    assert result.outputs["Output"] == pytest.approx(1 - len(mistakes) / 15)
    assert result.outputs["Output"] > 0.5


def test_demand_is_forecast_from_the_days_so_far(shared_cache: Cache, tmp_path: Path) -> None:
    result = run("timeseries", {"today": "2026-03-01", "horizon": 7}, shared_cache, tmp_path)

    assert result.step("collect").outputs["Output"] == 181
    assert result.step("backtest").outputs["Output"] < 0.1
    assert Path(result.step("forecast").artifacts["chart"]).read_text().count("steelblue") == 7


def test_demand_without_a_trend_is_not_forecast(shared_cache: Cache, tmp_path: Path) -> None:
    result = run("timeseries", {"today": "2026-03-01", "limit": 0.0}, shared_cache, tmp_path)

    assert [step.name for step in result.steps] == ["collect", "backtest"]


@pytest.mark.parametrize(
    ("name", "steps"), [("text", {"split", "train", "evaluate"}), ("timeseries", {"collect", "backtest", "forecast"})]
)
def test_it_compiles_to_its_golden_yaml(name: str, steps: set[str], shared_cache: Cache) -> None:
    assert set(compiled(name, shared_cache)) == steps


def test_pipelines_of_the_repository_share_the_images_of_their_steps(
    shared_cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(REPOSITORY / "src")
    train, search = (compiled(f"repository-{name}", shared_cache) for name in ("train", "search"))

    assert {**search, **train} == search
    assert set(search) - set(train) == {"least"}


def test_tests_of_the_repository_pass(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'runs'}"]
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


@pytest.mark.parametrize("name", ["tabular", "images"])
def test_its_code_can_be_packed(name: str) -> None:
    check_pipeline(fairing_kfp.load_pipeline(PIPELINES[name]))


@pytest.mark.exhaustive  # packs pandas
def test_customers_who_leave_are_predicted(shared_cache: Cache, tmp_path: Path) -> None:
    result = run("tabular", {}, shared_cache, tmp_path)

    assert compiled("tabular", shared_cache)
    assert result.outputs["Output"] > 0.85
    assert "complaints" in Path(result.step("evaluate").artifacts["report"]).read_text()


@pytest.mark.exhaustive  # fetches torch, with CUDA from PyPI: several gigabytes
def test_shapes_are_told_apart(shared_cache: Cache, tmp_path: Path) -> None:
    assert run("images", {}, shared_cache, tmp_path).outputs["Output"] > 0.9
