"""samples/digits on real scans: local runs, without Docker and from the testbed's registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import DependencyError
from fairing_kfp.local.result import RunResult
from tests.golden import PIPELINES, assert_golden
from tests.support.one_at_a_time import one_at_a_time
from tests.support.services import missing
from tests.support.stand_in_builder import StandInBuilder


@pytest.fixture
def digits() -> object:
    return fairing_kfp.load_pipeline(PIPELINES["digits"])


@pytest.fixture(autouse=True)
def scikit_learn(shared_cache: Cache) -> Iterator[None]:
    """Packs scikit-learn while no other worker does."""
    with one_at_a_time(shared_cache, "scikit-learn"):
        yield


def assert_learned(result: RunResult) -> None:
    assert result.outputs["Output"] > 0.95
    assert result.step("predict").outputs["Output"] > 0.8
    assert result.step("evaluate").metrics["metrics"]["accuracy"] == result.outputs["Output"]
    matrix = result.step("evaluate").metrics["confusion"]["confusionMatrix"]
    assert sum(sum(row["row"]) for row in matrix["rows"]) == result.step("load").outputs["unknown"]
    assert "data:image/png;base64," in Path(result.step("evaluate").artifacts["report"]).read_text()


def test_digits_are_learned_without_docker(digits: object, shared_cache: Cache, tmp_path: Path) -> None:
    try:
        result = fairing_kfp.run(digits, {"trees": 60}, output=tmp_path, cache=shared_cache)
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")

    assert_learned(result)


def test_digits_compile_to_their_golden_yaml(digits: object, shared_cache: Cache) -> None:
    try:
        compiled = fairing_kfp.compile(digits, builder=StandInBuilder(), cache=shared_cache)
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")

    assert_golden("digits", compiled.text)


def test_digits_by_kserve_compile_to_their_golden_yaml_from_the_same_images(
    digits: object, shared_cache: Cache
) -> None:
    by_kserve = fairing_kfp.load_pipeline(PIPELINES["digits-by-kserve"])
    try:
        one, other = (
            fairing_kfp.compile(each, builder=StandInBuilder(), cache=shared_cache) for each in (digits, by_kserve)
        )
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")

    assert_golden("digits-by-kserve", other.text)
    assert other.images == one.images


def test_digits_by_components_compile_to_their_golden_yaml(shared_cache: Cache) -> None:
    pipeline = fairing_kfp.load_pipeline(PIPELINES["digits-by-components"])
    try:
        compiled = fairing_kfp.compile(pipeline, builder=StandInBuilder(), cache=shared_cache)
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")

    assert_golden("digits-by-components", compiled.text)
    assert set(compiled.images) == {"fairing-kfp"}


@pytest.mark.exhaustive  # images with scikit-learn also run on Kubernetes, in test_digits_served
@pytest.mark.docker
@pytest.mark.registry
def test_digits_are_learned_from_published_images(
    digits: object,
    shared_cache: Cache,
    tmp_path: Path,
    publishing: dict[str, Any],
    docker_options: dict[str, Any],
) -> None:
    compiled = fairing_kfp.compile(digits, tmp_path / "digits.yaml", cache=shared_cache, **publishing)

    assert_golden("digits", (tmp_path / "digits.yaml").read_text())
    assert all(image.startswith(f"{publishing['registry']}/") for image in compiled.images.values())
    result = fairing_kfp.run(digits, {"trees": 60}, output=tmp_path, cache=shared_cache, **docker_options)
    assert_learned(result)
