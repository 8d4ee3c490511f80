"""samples/job: a function that trains as a Job, here as a process, and compiled."""

from __future__ import annotations

from pathlib import Path

import fairing_kfp
from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import DependencyError
from fairing_kfp.local.event import Event
from tests.golden import PIPELINES, assert_golden
from tests.integration.conftest import missing
from tests.stand_in_builder import StandInBuilder


def test_it_runs_here_as_one_process_and_says_so(sample_cache: Cache, tmp_path: Path) -> None:
    told: list[Event] = []
    try:
        result = fairing_kfp.run(
            fairing_kfp.load_pipeline(PIPELINES["job"]), output=tmp_path, cache=sample_cache, tell=told.append
        )
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")

    assert result.outputs["Output"] > 0.95
    assert [event.text for event in told if event.kind == "warn"] == [
        "train runs here as one process; on Kubernetes it is a Job"
    ]


def test_it_compiles_to_its_golden_yaml(sample_cache: Cache) -> None:
    try:
        compiled = fairing_kfp.compile(
            fairing_kfp.load_pipeline(PIPELINES["job"]), builder=StandInBuilder(), cache=sample_cache
        )
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")

    assert_golden("job", compiled.text)
    assert set(compiled.images) == {"load", "train", "fairing-kfp"}
