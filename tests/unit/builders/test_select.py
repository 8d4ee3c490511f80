from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.builders.dry_run import DryRunBuilder
from fairing_kfp.builders.engine.builder import EngineBuilder
from fairing_kfp.builders.layout import LayoutBuilder
from fairing_kfp.builders.select import Builders
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError
from fairing_kfp.settings import Settings
from tests.support.stand_in_builder import StandInBuilder

SETTINGS = Settings(registry="registry.example.com")


def test_a_component_overrides_the_settings(cache: Cache, tmp_path: Path) -> None:
    with Builders(SETTINGS, "pipeline", cache) as builders:
        assert isinstance(builders.of(), AppendBuilder)
        assert isinstance(builders.of(f"layout:{tmp_path}"), LayoutBuilder)
        assert builders.of("append") is builders.of()


def test_concurrent_threads_share_a_builder(cache: Cache) -> None:
    with Builders(SETTINGS, "pipeline", cache) as builders, ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: builders.of("append"), range(50)))

    assert len({id(builder) for builder in made}) == 1


def test_the_callers_builder_is_for_components_that_set_none(cache: Cache) -> None:
    own = StandInBuilder()
    with Builders(SETTINGS, "pipeline", cache, default=own) as builders:
        assert builders.of() is own
        assert isinstance(builders.of("append"), AppendBuilder)


def test_a_dry_run_applies_to_all_components(cache: Cache, tmp_path: Path) -> None:
    with Builders(Settings(registry="registry.example.com", builder="dry-run"), "pipeline", cache) as builders:
        assert isinstance(builders.of(), DryRunBuilder)
        assert isinstance(builders.of(f"layout:{tmp_path}"), DryRunBuilder)
        assert builders.of() is builders.of("append")
    with Builders(SETTINGS, "pipeline", cache) as builders:
        assert isinstance(builders.of("dry-run"), DryRunBuilder)
        assert isinstance(builders.of(), AppendBuilder)


@pytest.mark.parametrize("name", ["moon", "layout:", "", "docker:x"])
def test_unknown_builders(cache: Cache, name: str) -> None:
    with (
        Builders(SETTINGS, "pipeline", cache) as builders,
        pytest.raises(ConfigError, match=f"the builder {name!r} does not exist"),
    ):
        builders.of(name)


def test_builders_are_closed(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[object] = []
    monkeypatch.setattr(AppendBuilder, "close", lambda self: closed.append(self))
    with Builders(SETTINGS, "pipeline", cache) as builders:
        made = builders.of()

    assert closed == [made]


def test_without_a_registry_images_stay_in_the_engine(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, bool]] = []
    monkeypatch.setattr("fairing_kfp.builders.engine.engine.connect", lambda *_: None)
    monkeypatch.setattr(EngineBuilder, "__init__", lambda _, target, *, push, **__: made.append((target, push)))
    monkeypatch.setattr(EngineBuilder, "close", lambda _: None)
    for settings in (Settings(project="My project"), SETTINGS):
        with Builders(settings, "pipeline", cache) as builders:
            builders.of("docker")

    assert made == [("localhost/my-project", False), ("registry.example.com/pipeline", True)]
