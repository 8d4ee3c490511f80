"""Publishing the images of a pipeline."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError, FairingError
from fairing_kfp.image.image import Image
from fairing_kfp.pipeline.publish import own_image_recipes, run_parallel
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.settings import Settings
from tests.golden import PIPELINES
from tests.support.small_pipelines import mixed, names_an_image
from tests.support.stand_in_builder import StandInBuilder


class _FailingBuilder(StandInBuilder):
    """Rejects one image."""

    def check(self, image: Image) -> None:
        if image.name == "two":
            raise ConfigError("two is rejected")


def test_nothing_is_published_or_written_if_one_image_is_rejected(cache: Cache, tmp_path: Path) -> None:
    builder = _FailingBuilder()

    with pytest.raises(FairingError, match="two is rejected"):
        fairing_kfp.compile(names_an_image, tmp_path / "out.yaml", builder=builder, cache=cache)

    assert builder.published == []
    assert list(tmp_path.glob("*.yaml")) == []


def test_a_pipeline_may_mix_builders(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    appending, own = StandInBuilder(), StandInBuilder()
    monkeypatch.setattr("fairing_kfp.builders.append.AppendBuilder", lambda *_, **__: appending)
    compiled = fairing_kfp.compile(mixed, builder=own, cache=cache, registry="registry.example.com")

    assert [image.name for image in own.published] == ["one"]
    assert appending.published == []
    assert set(compiled.images) == {"one", "planned"}


def test_control_flow_shares_one_image_between_tasks_of_a_component(cache: Cache) -> None:
    builder = StandInBuilder()
    fairing_kfp.compile(fairing_kfp.load_pipeline(PIPELINES["control-flow"]), builder=builder, cache=cache)

    assert sorted(image.name for image in builder.published) == ["box", "judge", "last", "numbers", "say", "total"]


def test_functions_run_in_parallel_and_keep_the_order() -> None:
    both = threading.Barrier(2, timeout=10)

    def wait(number: int) -> int:
        both.wait()
        return number

    assert run_parallel(wait, [2, 1]) == [2, 1]


def test_a_pinned_image_of_ours_needs_a_digest(cache: Cache) -> None:
    @dsl.pipeline
    def serves():
        fairing_kfp.serve("registry.example.com/server:1", name="digits")

    traced = trace(serves)
    with pytest.raises(ConfigError, match="has no digest"):
        own_image_recipes(traced, Settings(own_image="registry.example.com/fairing-kfp:1"), cache)
    pinned = Settings(own_image=f"registry.example.com/fairing-kfp@sha256:{'a' * 64}")
    assert own_image_recipes(traced, pinned, cache) == {}
    assert own_image_recipes(trace(names_an_image), Settings(), cache) == {}


def test_an_error_keeps_further_items_from_being_begun() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise ConfigError("the first fails", "")
        threading.Event().wait(0.05)

    with pytest.raises(ConfigError, match="the first fails"):
        run_parallel(work, range(400))
    assert len(begun) < 400
