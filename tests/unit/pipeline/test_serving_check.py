"""Serve steps in compiled pipelines: their settings, and the checks before them."""

from pathlib import Path
from typing import Any

import pytest
from kfp import dsl, kubernetes

from fairing_kfp import Registration, compile, fairing_component, job, serve
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError
from fairing_kfp.pipeline.builtin_steps import serving_spec_of, train_spec_of
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.preprocess.source import OWN_IMAGE
from fairing_kfp.serving.spec import ServingSpec
from fairing_kfp.settings import Settings
from tests.support.stand_in_builder import StandInBuilder
from tests.support.yaml_documents import documents

IMAGE = "registry.example.com/me/server@sha256:" + "a" * 64
OWN = "registry.example.com/me/own@sha256:" + "b" * 64


@fairing_component
class Digits:
    def load(self, model_path: str) -> None: ...

    def predict(self, instances): ...


@fairing_component
def prepare() -> int:
    return 1


@fairing_component
def train(rows: int, model: dsl.Output[dsl.Model]) -> float:
    return 1.0


@fairing_component
def report(text: str = "") -> None: ...


def compiled(pipeline: Any, **settings: Any) -> tuple[Any, Any]:
    made = trace(pipeline).for_cluster(Settings(**settings)).specification
    rest = made.platforms
    return made.document, rest[0]["platforms"]["kubernetes"]["deploymentSpec"]["executors"] if rest else {}


def tasks_of(specification: Any, component: str = "") -> Any:
    found = specification["components"][component] if component else specification["root"]
    return {name: task.get("dependentTasks", []) for name, task in found["dag"]["tasks"].items()}


def specs_of(specification: Any, label: str) -> list[ServingSpec]:
    arguments = specification["deploymentSpec"]["executors"][label]["container"]["args"]
    return [ServingSpec.parse(text) for text in arguments if text.startswith('{"')]


def test_a_check_precedes_all_dependencies_of_the_serve_step() -> None:
    @dsl.pipeline
    def pipeline():
        trained = train(rows=prepare().output)
        report(text="apart")
        serve(Digits, name="digits", model=trained.outputs["model"])

    specification, _ = compiled(pipeline)

    assert tasks_of(specification) == {
        "check-serve-digits": [],
        "prepare": ["check-serve-digits"],
        "train": ["prepare"],
        "report": [],
        "serve-digits": ["train"],
    }
    container = specification["deploymentSpec"]["executors"]["exec-check-serve-digits"]["container"]
    assert container["image"] == OWN_IMAGE
    assert container["args"][0] == "--check"
    assert serving_spec_of(container) is None
    assert [spec.image for spec in specs_of(specification, "exec-check-serve-digits")] == [Digits.placeholder]


def test_the_check_has_the_registrys_url_and_token() -> None:
    @dsl.pipeline
    def pipeline():
        serve(IMAGE, name="one", register=Registration("digits", token_secret="registry"), registry_secret="login")
        serve(IMAGE, name="two", register=Registration("digits", url="https://other.example.com"))

    specification, settings = compiled(pipeline, model_registry="https://registry.example.com")

    for name, url in (("one", "https://registry.example.com"), ("two", "https://other.example.com")):
        for label in (f"exec-serve-{name}", f"exec-check-serve-{name}"):
            (spec,) = specs_of(specification, label)
            assert spec.register
            assert spec.register.url == url
    assert settings["exec-check-serve-one"] == settings["exec-serve-one"]
    assert len(settings["exec-check-serve-one"]["secretAsVolume"]) == 2
    assert "exec-check-serve-two" not in settings


def test_a_serve_step_without_dependencies_depends_on_its_check() -> None:
    @dsl.pipeline
    def pipeline():
        serve(IMAGE, name="digits")

    assert tasks_of(compiled(pipeline)[0]) == {"check-serve-digits": [], "serve-digits": ["check-serve-digits"]}


def test_a_job_depends_on_the_check_and_its_model_is_served(shared_cache: Cache) -> None:
    @dsl.pipeline
    def pipeline():
        trained = job(train, nodes=2)(rows=1).set_memory_limit("1Gi")
        serve(Digits, name="digits", model=trained.outputs["model"])

    published = compile(pipeline, builder=StandInBuilder(), cache=shared_cache, own_image=OWN)
    specification = documents(published.text)[0]

    assert set(published.images) == {"digits", "train"}
    assert tasks_of(specification) == {
        "check-serve-digits": [],
        "train": ["check-serve-digits"],
        "serve-digits": ["train"],
    }
    model = specification["root"]["dag"]["tasks"]["serve-digits"]["inputs"]["artifacts"]["model"]
    assert model["taskOutputArtifact"] == {"outputArtifactKey": "model", "producerTask": "train"}
    executors = specification["deploymentSpec"]["executors"]
    assert {executor["container"]["image"] for executor in executors.values()} == {OWN}
    trains = train_spec_of(executors["exec-train"]["container"])
    assert (trains.kind, trains.nodes, trains.image) == ("job", 2, published.images["train"])
    for label in ("exec-check-serve-digits", "exec-serve-digits"):
        assert [spec.image for spec in specs_of(specification, label)] == [published.images["digits"]]


def test_the_check_is_outside_of_conditions_and_loops() -> None:
    @dsl.pipeline
    def pipeline(best: float = 0.5):
        trained = train(rows=1)
        with dsl.If(trained.outputs["Output"] > best), dsl.ParallelFor([1, 2]) as _:
            serve(Digits, name="digits", model=trained.outputs["model"])

    specification, _ = compiled(pipeline)

    assert tasks_of(specification) == {
        "check-serve-digits": [],
        "train": ["check-serve-digits"],
        "condition-1": ["train"],
    }


def test_the_check_precedes_a_nested_pipeline() -> None:
    @dsl.pipeline
    def inner():
        serve(Digits, name="digits", model=train(rows=1).outputs["model"])

    @dsl.pipeline
    def pipeline():
        waited = prepare()
        inner().after(waited)

    assert tasks_of(compiled(pipeline)[0]) == {
        "check-serve-digits": [],
        "prepare": ["check-serve-digits"],
        "inner": ["prepare"],
    }


def test_an_exit_task_runs_after_a_failed_check() -> None:
    @dsl.pipeline
    def pipeline():
        with dsl.ExitHandler(report()):
            serve(Digits, name="digits", model=train(rows=1).outputs["model"])

    specification, _ = compiled(pipeline)

    assert set(tasks_of(specification)) == {"exit-handler-1", "report"}
    assert tasks_of(specification, "comp-exit-handler-1") == {
        "check-serve-digits": [],
        "train": ["check-serve-digits"],
        "serve-digits": ["train"],
    }


def test_serve_steps_share_a_check_unless_their_credentials_differ() -> None:
    @dsl.pipeline
    def pipeline():
        trained = train(rows=1)
        for name, secret in (("one", ""), ("two", ""), ("three", "login")):
            serve(Digits, name=name, model=trained.outputs["model"], registry_secret=secret)

    specification, platform = compiled(pipeline)

    assert tasks_of(specification)["train"] == ["check-serve-three", "check-serving"]
    assert {spec.name for spec in specs_of(specification, "exec-check-serving")} == {"one", "two"}
    container = specification["deploymentSpec"]["executors"]["exec-check-serve-three"]["container"]
    assert container["env"] == [{"name": "DOCKER_CONFIG", "value": "/etc/fairing-kfp/registry"}]
    (mounted,) = platform["exec-check-serve-three"]["secretAsVolume"]
    assert (mounted["secretName"], mounted["mountPath"]) == ("login", "/etc/fairing-kfp/registry")
    assert "exec-check-serving" not in platform


def test_the_check_has_the_pod_settings_of_the_step() -> None:
    @dsl.pipeline
    def pipeline():
        task = serve(Digits, name="digits")
        kubernetes.set_image_pull_secrets(task, ["pull"])
        kubernetes.mount_pvc(task, "data", "/data")

    assert set(compiled(pipeline)[1]["exec-check-serve-digits"]) == {"imagePullSecret"}


def test_serve_steps_have_the_registry_settings(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")

    @dsl.pipeline
    def pipeline():
        serve(Digits, name="digits", sample=[[1]])

    specification, _ = compiled(pipeline, insecure=("registry.example.com",), ca=str(tmp_path / "ca.pem"))
    for label in ("exec-serve-digits", "exec-check-serve-digits"):
        (spec,) = specs_of(specification, label)
        assert (spec.insecure, spec.ca) == (("registry.example.com",), "-----BEGIN CERTIFICATE-----\n")
    (tmp_path / "ca.pem").write_text("x" * 70_000)
    with pytest.raises(ConfigError, match="too large to pass"):
        compiled(pipeline, ca=str(tmp_path / "ca.pem"))
    with pytest.raises(ConfigError, match="cannot read the CA certificates"):
        compiled(pipeline, ca=str(tmp_path / "missing.pem"))


def test_serve_steps_and_checks_are_never_reused_from_the_cache() -> None:
    @dsl.pipeline
    def pipeline():
        serve(Digits, name="digits").set_caching_options(False)
        report()

    tasks = compiled(pipeline)[0]["root"]["dag"]["tasks"]
    assert tasks["serve-digits"]["cachingOptions"] == tasks["check-serve-digits"]["cachingOptions"] == {}
    assert tasks["report"]["cachingOptions"] == {"enableCache": True}


def test_pipelines_without_serve_steps_are_unchanged() -> None:
    @dsl.pipeline
    def pipeline():
        report()

    traced = trace(pipeline)
    assert traced.for_cluster(Settings(insecure=("a",))) is traced
