"""samples/notebook-as-code: run here, and in its images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from tests.golden import PIPELINES, assert_golden
from tests.support.stand_in_builder import StandInBuilder


@pytest.fixture
def sample() -> Any:
    return fairing_kfp.load_pipeline(PIPELINES["notebook-as-code"])


def assert_runs(sample: Any, **options: Any) -> None:
    result = fairing_kfp.run(sample, {"count": 3}, **options)

    assert result.outputs["Output"] == pytest.approx(1.2, abs=0.2)
    assert result.step("spread-around-one").outputs["Output"] > 5
    assert "180 points" in Path(result.step("groups").log).read_text()


def test_it_finds_its_groups_here(sample: Any, tmp_path: Path) -> None:
    assert_runs(sample, output=tmp_path)


def test_it_compiles_to_its_golden_yaml(sample: Any) -> None:
    compiled = fairing_kfp.compile(sample, builder=StandInBuilder())

    assert_golden("notebook-as-code", compiled.text)


@pytest.mark.docker
@pytest.mark.registry
def test_it_finds_its_groups_in_its_images(
    sample: Any,
    tmp_path: Path,
    docker_options: dict[str, Any],
) -> None:
    docker = {**docker_options["docker"], "read_only": True}

    assert_runs(sample, output=tmp_path, **{**docker_options, "docker": docker})
