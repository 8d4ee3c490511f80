"""`compile`."""

from __future__ import annotations

from pathlib import Path

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp.builders.progress import Progress, Transfer
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError, PipelineError
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.source import PLACEHOLDER, ComponentSource
from fairing_kfp.recipe.component import component_recipe
from fairing_kfp.settings import Settings
from tests.support.small_pipelines import mixed, names_an_image
from tests.support.stand_in_builder import StandInBuilder


@fairing_kfp.fairing_component(base_image="dockerfile:test_compile.py")
def built() -> int:
    return 3


@dsl.pipeline(name="has-a-dockerfile")
def has_a_dockerfile():
    built()


def test_placeholders_are_replaced_everywhere(cache: Cache) -> None:
    compiled = fairing_kfp.compile(names_an_image, builder=StandInBuilder(), cache=cache)

    assert PLACEHOLDER not in compiled.text
    assert f"constant: run {compiled.images['one']} here" in " ".join(compiled.text.split())


def test_an_output_that_cannot_be_written_is_named_before_anything_is_published(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    builder = StandInBuilder()

    with pytest.raises(ConfigError, match=r"cannot write .*out\.yaml"):
        fairing_kfp.compile(names_an_image, tmp_path / "file" / "out.yaml", builder=builder, cache=cache)
    assert builder.published == []


def test_what_is_not_a_pipeline_is_rejected(cache: Cache) -> None:
    with pytest.raises(PipelineError, match="is not a pipeline"):
        fairing_kfp.compile(lambda: None, builder=StandInBuilder(), cache=cache)


def test_an_unknown_builder_is_rejected(cache: Cache) -> None:
    with pytest.raises(ConfigError, match="builder 'moon'"):
        fairing_kfp.compile(names_an_image, builder="moon", cache=cache)


def test_a_dry_run_compiles_the_same_text_as_append(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    appending = StandInBuilder()
    monkeypatch.setattr("fairing_kfp.builders.append.AppendBuilder", lambda *_, **__: appending)
    dry = fairing_kfp.compile(mixed, builder="dry-run", cache=cache, registry="registry.example.com")
    assert appending.published == []

    assert fairing_kfp.compile(mixed, cache=cache, registry="registry.example.com").text == dry.text
    assert [image.name for image in appending.published] == ["one"]


def test_a_dockerfile_is_relative_to_the_file_of_its_component(cache: Cache) -> None:
    builder = StandInBuilder()
    fairing_kfp.compile(has_a_dockerfile, builder=builder, cache=cache)
    assert str(builder.published[0].base) == f"dockerfile:{Path(__file__).resolve()}"

    for name in ("append", "layout:folder"):
        with pytest.raises(ConfigError, match="the base of built is a Dockerfile") as caught:
            fairing_kfp.compile(has_a_dockerfile, builder=name, cache=cache, registry="registry.example.com")
        assert 'builder = "docker"' in caught.value.remedy


def test_a_dockerfile_of_a_cell_is_relative_to_the_current_folder(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("")

    def cell() -> int:
        return 1

    monkeypatch.setattr("inspect.getfile", lambda _: "/tmp/ipykernel_1/2.py")
    source = ComponentSource(
        "0" * 12, "cell", FunctionSource(cell, {"return": int}), base_image="dockerfile:Dockerfile"
    )
    assert str(component_recipe(source, Settings(), cache).image.base) == f"dockerfile:{tmp_path}/Dockerfile"


def test_compiling_is_silent(cache: Cache, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    transfers: list[object] = []
    transfer = Transfer("code", "sha256:1", 1)

    def append_builder(*_: object, progress: Progress, **__: object) -> StandInBuilder:
        builder = StandInBuilder()
        monkeypatch.setattr(builder, "check", lambda _: progress(transfer))
        return builder

    monkeypatch.setattr("fairing_kfp.builders.append.AppendBuilder", append_builder)
    fairing_kfp.compile(names_an_image, cache=cache, registry="registry.example.com")
    assert "".join(capfd.readouterr()) == ""

    fairing_kfp.compile(names_an_image, cache=cache, registry="registry.example.com", progress=transfers.append)
    assert transfers == [transfer, transfer]
