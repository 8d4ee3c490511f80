from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fairing_kfp.build.append import AppendBuilder
from fairing_kfp.build.cache import Cache
from fairing_kfp.build.choose import Builders
from fairing_kfp.build.docker import DockerBuilder
from fairing_kfp.build.dry_run import DryRunBuilder
from fairing_kfp.build.layout import LayoutBuilder
from fairing_kfp.errors import ConfigError
from fairing_kfp.settings import Settings
from tests.stand_in_builder import StandInBuilder

SETTINGS = Settings(registry="registry.example.com")


def test_a_component_may_name_another_than_the_settings(cache: Cache, tmp_path: Path) -> None:
    with Builders(SETTINGS, "pipeline", cache) as builders:
        assert isinstance(builders.of(), AppendBuilder)
        assert isinstance(builders.of(f"layout:{tmp_path}"), LayoutBuilder)
        assert builders.of("append") is builders.of()


def test_there_is_one_builder_of_a_name(cache: Cache) -> None:
    with Builders(SETTINGS, "pipeline", cache) as builders, ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: builders.of("append"), range(50)))

    assert len({id(builder) for builder in made}) == 1


def test_a_builder_of_the_callers_own_is_for_those_that_name_none(cache: Cache) -> None:
    own = StandInBuilder()
    with Builders(SETTINGS, "pipeline", cache, default=own) as builders:
        assert builders.of() is own
        assert isinstance(builders.of("append"), AppendBuilder)


def test_a_dry_run_is_one_for_all(cache: Cache, tmp_path: Path) -> None:
    with Builders(Settings(registry="registry.example.com", builder="dry-run"), "pipeline", cache) as builders:
        assert isinstance(builders.of(), DryRunBuilder)
        assert isinstance(builders.of(f"layout:{tmp_path}"), DryRunBuilder)
        assert builders.of() is builders.of("append")
    with Builders(SETTINGS, "pipeline", cache) as builders:
        assert isinstance(builders.of("dry-run"), DryRunBuilder)
        assert isinstance(builders.of(), AppendBuilder)


@pytest.mark.parametrize("name", ["moon", "layout:", "", "docker:x"])
def test_there_is_no_such_builder(cache: Cache, name: str) -> None:
    with (
        Builders(SETTINGS, "pipeline", cache) as builders,
        pytest.raises(ConfigError, match=f"there is no builder {name!r}"),
    ):
        builders.of(name)


def test_builders_are_closed(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[object] = []
    monkeypatch.setattr(AppendBuilder, "close", lambda self: closed.append(self))
    with Builders(SETTINGS, "pipeline", cache) as builders:
        made = builders.of()

    assert closed == [made]


def test_an_engine_keeps_its_images_where_no_registry_is(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, bool]] = []
    monkeypatch.setattr("fairing_kfp.build.engine.connect", lambda *_: None)
    monkeypatch.setattr(DockerBuilder, "__init__", lambda _, target, *, push, **__: made.append((target, push)))
    monkeypatch.setattr(DockerBuilder, "close", lambda _: None)
    for settings in (Settings(project="My project"), SETTINGS):
        with Builders(settings, "pipeline", cache) as builders:
            builders.of("docker")

    assert made == [("localhost/my-project", False), ("registry.example.com/pipeline", True)]
