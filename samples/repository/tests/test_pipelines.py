"""Runs both pipelines on this machine, without Docker, cluster or registry."""

from search import search
from train import train

from fairing_kfp.testing import RunPipeline


def test_train_judges_the_line_that_it_fits(run_pipeline: RunPipeline) -> None:
    result = run_pipeline(train, {"count": 100})

    assert "for each kilometre" in result.step("fit").log_text()
    assert 2 < result.outputs["Output"] < 3.5


def test_search_gives_the_least_error(run_pipeline: RunPipeline) -> None:
    result = run_pipeline(search, {"penalties": [0.0, 1000.0]})

    errors = [result.step(name).outputs["Output"] for name in ("judge", "judge-2")]
    assert result.outputs["Output"] == min(errors) < max(errors)
