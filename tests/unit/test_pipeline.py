from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kfp import compiler, dsl

import fairing_kfp
from fairing_kfp.build.cache import Cache
from fairing_kfp.build.progress import Progress, Transfer
from fairing_kfp.errors import ConfigError, FairingError, PipelineError
from fairing_kfp.image.image import Image
from fairing_kfp.prepare import prepare
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.settings import Settings
from fairing_kfp.source import PLACEHOLDER, ComponentSource
from tests.golden import PIPELINES
from tests.stand_in_builder import StandInBuilder


@fairing_kfp.fairing_component
def one() -> int:
    return 1


@fairing_kfp.fairing_component
def two(image: str) -> str:
    return image


@dsl.pipeline(name="names-an-image")
def names_an_image():
    one()
    two(image=f"run {one.component_spec.implementation.container.image} here")


def test_plain_kfp_says_in_the_image_what_to_do(tmp_path: Path) -> None:
    compiler.Compiler().compile(names_an_image, str(tmp_path / "plain.yaml"))
    executors = yaml.safe_load((tmp_path / "plain.yaml").read_text())["deploymentSpec"]["executors"]

    assert executors["exec-one"]["container"]["image"].startswith("fairing://compile-with-fairing-kfp/one-")


def test_placeholders_are_replaced_wherever_they_stand(cache: Cache) -> None:
    compiled = fairing_kfp.compile(names_an_image, builder=StandInBuilder(), cache=cache)

    assert PLACEHOLDER not in compiled.text
    assert f"constant: run {compiled.images['one']} here" in " ".join(compiled.text.split())


def test_tracing_reads_and_sends_nothing() -> None:
    """The interpreter itself tells of every connection, every program started and every file written."""
    watch = (
        "import sys\n"
        "import kfp, fairing_kfp, fairing_kfp.component, fairing_kfp.preprocess.bundle\n"
        "def hook(event, arguments):\n"
        "    writes = event == 'open' and isinstance(arguments[1], str) and set('wax+') & set(arguments[1])\n"
        "    if event in ('socket.connect', 'subprocess.Popen') or writes and 'pycache' not in str(arguments[0]):\n"
        "        raise SystemExit(f'{event} {arguments}')\n"
        "sys.addaudithook(hook)\n"
        f"sys.path.insert(0, {str(Path(__file__).parent.parent / 'pipelines')!r})\n"
        "import control_flow\n"
    )
    done = subprocess.run([sys.executable, "-c", watch], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


class _Refusing(StandInBuilder):
    """Finds a fault in one image."""

    def check(self, image: Image) -> None:
        if image.name == "two":
            raise ConfigError("two is refused")


def test_nothing_is_sent_or_written_when_one_image_is_refused(cache: Cache, tmp_path: Path) -> None:
    builder = _Refusing()

    with pytest.raises(FairingError, match="two is refused"):
        fairing_kfp.compile(names_an_image, tmp_path / "out.yaml", builder=builder, cache=cache)

    assert builder.published == []
    assert list(tmp_path.glob("*.yaml")) == []


def test_output_that_cannot_be_written_is_named(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match=r"out\.yaml cannot be written"):
        fairing_kfp.compile(names_an_image, tmp_path / "file" / "out.yaml", builder=StandInBuilder(), cache=cache)


def test_explain_without_a_registry_plans_nothing(cache: Cache) -> None:
    explained = fairing_kfp.explain(names_an_image, cache=cache)

    assert {item.prepared.name for item in explained} == {"one", "two"}
    assert all(item.plan is None for item in explained)


def test_what_is_no_pipeline_is_refused(cache: Cache) -> None:
    with pytest.raises(PipelineError, match="is not a pipeline"):
        fairing_kfp.compile(lambda: None, builder=StandInBuilder(), cache=cache)


def test_unknown_runner_and_builder_are_refused(cache: Cache) -> None:
    with pytest.raises(ConfigError, match="no runner 'moon'"):
        fairing_kfp.run(names_an_image, runner="moon", cache=cache)
    with pytest.raises(ConfigError, match="no builder 'moon'"):
        fairing_kfp.compile(names_an_image, builder="moon", cache=cache)


@fairing_kfp.fairing_component(builder="dry-run")
def planned() -> int:
    return 2


@fairing_kfp.fairing_component(base_image="dockerfile:test_pipeline.py")
def built() -> int:
    return 3


@dsl.pipeline(name="mixed")
def mixed():
    one()
    planned()


@dsl.pipeline(name="has-a-dockerfile")
def has_a_dockerfile():
    built()


def test_a_pipeline_may_mix_builders(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    appending, own = StandInBuilder(), StandInBuilder()
    monkeypatch.setattr("fairing_kfp.build.append.AppendBuilder", lambda *_, **__: appending)
    compiled = fairing_kfp.compile(mixed, builder=own, cache=cache, registry="registry.example.com")

    assert [image.name for image in own.published] == ["one"]
    assert appending.published == []
    assert set(compiled.images) == {"one", "planned"}


def test_a_dry_run_compiles_what_append_would(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    appending = StandInBuilder()
    monkeypatch.setattr("fairing_kfp.build.append.AppendBuilder", lambda *_, **__: appending)
    dry = fairing_kfp.compile(mixed, builder="dry-run", cache=cache, registry="registry.example.com")
    assert appending.published == []

    assert fairing_kfp.compile(mixed, cache=cache, registry="registry.example.com").text == dry.text
    assert [image.name for image in appending.published] == ["one"]


def test_a_dockerfile_begins_at_the_file_of_its_component(cache: Cache) -> None:
    builder = StandInBuilder()
    fairing_kfp.compile(has_a_dockerfile, builder=builder, cache=cache)
    assert str(builder.published[0].base) == f"dockerfile:{Path(__file__).resolve()}"

    for name in ("append", "layout:folder"):
        with pytest.raises(ConfigError, match="the base of built is a Dockerfile") as caught:
            fairing_kfp.compile(has_a_dockerfile, builder=name, cache=cache, registry="registry.example.com")
        assert 'builder = "docker"' in caught.value.remedy


def test_a_dockerfile_of_a_cell_begins_at_the_current_folder(
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
    assert str(prepare(source, Settings(), cache).image.base) == f"dockerfile:{tmp_path}/Dockerfile"


@pytest.mark.parametrize("builder", ["dry-run", "layout:folder"])
def test_the_docker_runner_refuses_images_that_are_nowhere(cache: Cache, builder: str) -> None:
    with pytest.raises(ConfigError, match=f"cannot run what the builder '{builder}' makes"):
        fairing_kfp.run(names_an_image, runner="docker", builder=builder, cache=cache)
    with pytest.raises(ConfigError, match="cannot run what the builder 'dry-run' makes"):
        fairing_kfp.run(mixed, runner="docker", cache=cache)


def test_compiling_shows_nothing_of_itself(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[object] = []
    transfer = Transfer("code", "sha256:1", 1)

    def telling(*_: object, progress: Progress, **__: object) -> StandInBuilder:
        builder = StandInBuilder()
        monkeypatch.setattr(builder, "check", lambda _: progress(transfer))
        return builder

    monkeypatch.setattr("fairing_kfp.build.append.AppendBuilder", telling)
    fairing_kfp.compile(names_an_image, cache=cache, registry="registry.example.com")
    assert "".join(capfd.readouterr()) == ""

    fairing_kfp.compile(names_an_image, cache=cache, registry="registry.example.com", progress=told.append)
    assert told == [transfer, transfer]


def test_control_flow_shares_one_image_between_tasks_of_a_component(cache: Cache) -> None:
    builder = StandInBuilder()
    fairing_kfp.compile(fairing_kfp.load_pipeline(PIPELINES["control-flow"]), builder=builder, cache=cache)

    assert sorted(image.name for image in builder.published) == ["box", "judge", "last", "numbers", "say", "total"]
