"""A pipeline that trains, judges, serves and predicts: run locally, and compiled."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.display.event import Event
from fairing_kfp.errors import DependencyError, PipelineError, StepFailedError
from tests.golden import PIPELINES, assert_golden
from tests.support.services import missing
from tests.support.stand_in_builder import StandInBuilder
from tests.support.waiting import eventually
from tests.support.yaml_documents import documents


def run(pipeline: Any, cache: Cache, output: Path, factor: float = 2.0) -> tuple[fairing_kfp.RunResult, list[Event]]:
    events: list[Event] = []
    try:
        return fairing_kfp.run(pipeline, {"factor": factor}, output=output, cache=cache, on_event=events.append), events
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")
        raise


def test_a_served_model_answers_later_steps_and_stops_with_the_run(shared_cache: Cache, tmp_path: Path) -> None:
    pipeline = fairing_kfp.load_pipeline(PIPELINES["serving"])
    result, events = run(pipeline, shared_cache, tmp_path)
    again, _ = run(pipeline, shared_cache, tmp_path)
    worse, _ = run(pipeline, shared_cache, tmp_path, 0.5)

    assert result.step("predict").outputs["Output"] == 14.0
    log = [event.text for event in events if event.step == "serve-sums"]
    assert 'response: {"predictions":[12]}' in log  # a whole number of a float parameter is an int, as on KFP
    assert any("on Kubernetes it is a Deployment sums" in line for line in log)
    report = Path(result.step("serve-sums").artifacts["report"]).read_text()
    assert "&quot;instances&quot;: [[1, 2, 3]]" in report
    assert "http" not in report.replace(result.step("serve-sums").outputs["endpoint"], ""), "it has external resources"
    # Serve steps are never reused, and a worse model is not served.
    assert again.step("serve-sums").state == "succeeded"
    assert again.step("train").state == "reused"
    assert "serve-sums" not in {step.name for step in worse.steps}
    for each in (result, again):
        _assert_stopped(each.step("serve-sums").outputs["endpoint"])


def _assert_stopped(url: str) -> None:
    def has_stopped() -> bool:
        try:
            urllib.request.urlopen(f"{url}/v2/health/live", timeout=5).close()
        except OSError:
            return True
        return False

    eventually(has_stopped, why=lambda: f"{url} still answers")


def test_a_model_that_cannot_be_loaded_fails_the_run(shared_cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(StepFailedError, match="the model cannot be loaded: KeyError"):
        fairing_kfp.run(_serving("{}"), output=tmp_path, cache=shared_cache, on_event=lambda event: None)


def test_an_image_cannot_be_served_locally(shared_cache: Cache, tmp_path: Path) -> None:
    from kfp import dsl

    @dsl.pipeline
    def pipeline():
        fairing_kfp.serve("registry.example.com/server:1", name="other")

    with pytest.raises(PipelineError, match="other cannot be served in a local run"):
        fairing_kfp.run(pipeline, output=tmp_path, cache=shared_cache, on_event=lambda event: None)


def _serving(text: str) -> object:
    """A pipeline that serves a model with this content."""
    from kfp import dsl

    module = fairing_kfp.load_pipeline(PIPELINES["serving"])
    sums = module.pipeline_func.__globals__["Sums"]

    @fairing_kfp.fairing_component
    def write(text: str, model: dsl.Output[dsl.Model]) -> None:
        with open(model.path, "w") as file:  # noqa: PTH123
            file.write(text)

    @dsl.pipeline
    def pipeline():
        fairing_kfp.serve(sums, name="sums", model=write(text=text).outputs["model"])

    return pipeline


@pytest.mark.parametrize("name", ["serving", "serving-by-kserve"])
def test_it_compiles_to_its_golden_yaml(name: str, shared_cache: Cache) -> None:
    try:
        compiled = fairing_kfp.compile(
            fairing_kfp.load_pipeline(PIPELINES[name]), builder=StandInBuilder(), cache=shared_cache
        )
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")

    assert_golden(name, compiled.text)
    assert {"sums", "train", "fairing-kfp"} <= set(compiled.images)
    specification = documents(compiled.text)[0]
    for executor in specification["deploymentSpec"]["executors"].values():
        arguments = executor["container"].get("args", [])
        specs = [json.loads(text) for text in arguments if text.startswith('{"')]
        assert all(spec["image"] == compiled.images["sums"] for spec in specs)
