"""samples/job: a function that trains as a Job, here as a process, and compiled."""

from __future__ import annotations

from pathlib import Path

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.display.event import Event
from fairing_kfp.errors import DependencyError
from tests.golden import PIPELINES, assert_golden
from tests.support.services import missing
from tests.support.stand_in_builder import StandInBuilder


def test_it_runs_here_as_one_process_and_says_so(shared_cache: Cache, tmp_path: Path) -> None:
    events: list[Event] = []
    try:
        result = fairing_kfp.run(
            fairing_kfp.load_pipeline(PIPELINES["job"]), output=tmp_path, cache=shared_cache, on_event=events.append
        )
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")

    assert result.outputs["Output"] > 0.95
    assert [event.text for event in events if event.kind == "warn"] == [
        "train runs here as one process; on Kubernetes it is a Job"
    ]


def test_it_compiles_to_its_golden_yaml(shared_cache: Cache) -> None:
    try:
        compiled = fairing_kfp.compile(
            fairing_kfp.load_pipeline(PIPELINES["job"]), builder=StandInBuilder(), cache=shared_cache
        )
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")

    assert_golden("job", compiled.text)
    assert set(compiled.images) == {"load", "train", "fairing-kfp"}
