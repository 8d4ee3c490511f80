"""`run`, as far as no step is started; see tests/integration/test_run_here.py for more."""

from pathlib import Path

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError, PipelineError, SecretError
from fairing_kfp.local.run import _docker_options, _serving
from fairing_kfp.pipeline.trace import trace
from tests.support.made_up_secrets import HIGH
from tests.support.small_pipelines import mixed, names_an_image, one
from tests.support.stand_in_builder import StandInBuilder, register


def test_an_unknown_runner_is_rejected(cache: Cache) -> None:
    with pytest.raises(ConfigError, match="runner='moon' is not one of subprocess, docker, in-process"):
        fairing_kfp.run(names_an_image, runner="moon", cache=cache)


def test_an_unknown_parameter_is_rejected_before_a_folder_is_made(cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="has no parameter 'count'"):
        fairing_kfp.run(names_an_image, {"count": 1}, output=tmp_path / "out", cache=cache)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("builder", ["dry-run", "layout:folder"])
def test_the_docker_runner_needs_images_in_the_engine_or_a_registry(cache: Cache, builder: str) -> None:
    with pytest.raises(ConfigError, match=f"cannot run images of the builder '{builder}'"):
        fairing_kfp.run(names_an_image, runner="docker", builder=builder, cache=cache)
    with pytest.raises(ConfigError, match="cannot run images of the builder 'dry-run'"):
        fairing_kfp.run(mixed, runner="docker", cache=cache)


@fairing_kfp.fairing_component
class Constant:
    def load(self, model_path: str) -> None: ...

    def predict(self, instances: list) -> list:
        return instances


@dsl.pipeline
def serves():
    model = dsl.importer(artifact_uri="gs://bucket/model", artifact_class=dsl.Model)
    fairing_kfp.serve(Constant, name="constant", model=model.output)


def test_containers_reach_the_server_of_a_served_model() -> None:
    serving = _serving(trace(serves))

    assert _docker_options(None, serving) == {"network_mode": "host"}
    assert _docker_options({"network_mode": "bridge", "mem_limit": "1g"}, serving)["network_mode"] == "bridge"
    assert _docker_options({"network": "mine"}, serving) == {"network": "mine"}
    assert _docker_options(None, _serving(trace(names_an_image))) == {}


@dsl.pipeline
def with_secret(password: str = HIGH):
    one()


def test_the_docker_runner_refuses_credentials_before_it_publishes(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StandInBuilder, "publish", lambda *_: pytest.fail("it was published"))
    register(monkeypatch, runs_here=True)
    with pytest.raises(SecretError, match="the default of the parameter 'password'") as raised:
        fairing_kfp.run(with_secret, runner="docker", builder="stand-in", cache=cache)
    assert HIGH not in str(raised.value)
