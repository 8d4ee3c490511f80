"""Serve steps in compiled pipelines: what they are told, and the checks before them."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import dsl, kubernetes

from fairing_kfp import compile, fairing_component, job, serve, serve_model
from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.own_step import OWN_IMAGE, order_of
from fairing_kfp.pipeline import traced
from fairing_kfp.serving.compiled import serve_order, with_serving
from fairing_kfp.serving.order import Order
from fairing_kfp.settings import Settings
from tests.stand_in_builder import StandInBuilder

IMAGE = "registry.example.com/me/server@sha256:" + "a" * 64


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
    first, *rest = yaml.safe_load_all(with_serving(traced(pipeline), Settings(**settings)))
    return first, rest[0]["platforms"]["kubernetes"]["deploymentSpec"]["executors"] if rest else {}


def tasks_of(specification: Any, component: str = "") -> Any:
    found = specification["components"][component] if component else specification["root"]
    return {name: task.get("dependentTasks", []) for name, task in found["dag"]["tasks"].items()}


def orders_of(specification: Any, label: str) -> list[Order]:
    arguments = specification["deploymentSpec"]["executors"][label]["container"]["args"]
    return [Order.parse(text) for text in arguments if text.startswith('{"')]


def test_a_check_goes_before_all_that_the_serve_step_waits_for() -> None:
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
    assert serve_order(container) is None
    assert [order.image for order in orders_of(specification, "exec-check-serve-digits")] == [Digits.placeholder]


def test_a_serve_step_that_waits_for_nothing_waits_for_its_check() -> None:
    @dsl.pipeline
    def pipeline():
        serve(IMAGE, name="digits")

    assert tasks_of(compiled(pipeline)[0]) == {"check-serve-digits": [], "serve-digits": ["check-serve-digits"]}


def test_a_job_that_trains_elsewhere_waits_for_the_check_and_its_model_is_served(cache: Cache) -> None:
    @dsl.pipeline
    def pipeline():
        trained = job(train, nodes=2)(rows=1).set_memory_limit("1Gi")
        serve(Digits, name="digits", model=trained.outputs["model"])

    published = compile(pipeline, builder=StandInBuilder(), cache=cache)
    specification = next(yaml.safe_load_all(published.text))

    assert set(published.images) == {"digits", "train", "fairing-kfp"}
    assert tasks_of(specification) == {
        "check-serve-digits": [],
        "train": ["check-serve-digits"],
        "serve-digits": ["train"],
    }
    model = specification["root"]["dag"]["tasks"]["serve-digits"]["inputs"]["artifacts"]["model"]
    assert model["taskOutputArtifact"] == {"outputArtifactKey": "model", "producerTask": "train"}
    executors = specification["deploymentSpec"]["executors"]
    assert {executor["container"]["image"] for executor in executors.values()} == {published.images["fairing-kfp"]}
    trains = order_of(executors["exec-train"]["container"])
    assert (trains.kind, trains.nodes, trains.image) == ("job", 2, published.images["train"])
    for label in ("exec-check-serve-digits", "exec-serve-digits"):
        assert [order.image for order in orders_of(specification, label)] == [published.images["digits"]]


def test_within_conditions_and_loops_the_check_is_outside() -> None:
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


def test_within_another_pipeline_the_check_is_before_that() -> None:
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


def test_an_exit_task_runs_after_a_failed_check_too() -> None:
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


def test_several_are_checked_at_once_unless_their_logins_differ() -> None:
    @dsl.pipeline
    def pipeline():
        trained = train(rows=1)
        for name, secret in (("one", ""), ("two", ""), ("three", "login")):
            serve(Digits, name=name, model=trained.outputs["model"], registry_secret=secret)

    specification, platform = compiled(pipeline)

    assert tasks_of(specification)["train"] == ["check-serve-three", "check-serving"]
    assert {order.name for order in orders_of(specification, "exec-check-serving")} == {"one", "two"}
    container = specification["deploymentSpec"]["executors"]["exec-check-serve-three"]["container"]
    assert container["env"] == [{"name": "DOCKER_CONFIG", "value": "/etc/fairing-kfp/registry"}]
    (mounted,) = platform["exec-check-serve-three"]["secretAsVolume"]
    assert (mounted["secretName"], mounted["mountPath"]) == ("login", "/etc/fairing-kfp/registry")
    assert "exec-check-serving" not in platform


def test_the_check_runs_where_the_step_may() -> None:
    @dsl.pipeline
    def pipeline():
        task = serve(Digits, name="digits")
        kubernetes.set_image_pull_secrets(task, ["pull"])
        kubernetes.mount_pvc(task, "data", "/data")

    assert set(compiled(pipeline)[1]["exec-check-serve-digits"]) == {"imagePullSecret"}


def test_steps_learn_the_settings_of_registries(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")

    @dsl.pipeline
    def pipeline():
        serve(Digits, name="digits", sample=[[1]])

    specification, _ = compiled(pipeline, insecure=("registry.example.com",), ca=str(tmp_path / "ca.pem"))
    for label in ("exec-serve-digits", "exec-check-serve-digits"):
        (order,) = orders_of(specification, label)
        assert (order.insecure, order.ca) == (("registry.example.com",), "-----BEGIN CERTIFICATE-----\n")
    (tmp_path / "ca.pem").write_text("x" * 70_000)
    with pytest.raises(ConfigError, match="too much to tell"):
        compiled(pipeline, ca=str(tmp_path / "ca.pem"))
    with pytest.raises(ConfigError, match="cannot be read"):
        compiled(pipeline, ca=str(tmp_path / "missing.pem"))


def test_it_is_never_answered_from_the_cache() -> None:
    @dsl.pipeline
    def pipeline():
        serve(Digits, name="digits").set_caching_options(False)
        report()

    tasks = compiled(pipeline)[0]["root"]["dag"]["tasks"]
    assert tasks["serve-digits"]["cachingOptions"] == tasks["check-serve-digits"]["cachingOptions"] == {}
    assert tasks["report"]["cachingOptions"] == {"enableCache": True}


def test_pipelines_that_serve_nothing_stay_as_they_are() -> None:
    @dsl.pipeline
    def pipeline():
        report()

    text = traced(pipeline)
    assert with_serving(text, Settings(insecure=("a",))) is text


def test_a_model_format_takes_an_artifact_or_a_uri() -> None:
    @dsl.pipeline
    def pipeline():
        serve_model("sklearn", name="one", model=train(rows=1).outputs["model"])
        serve_model("onnx", name="two", storage="minio://bucket/model")
        with pytest.raises(ConfigError, match="needs one model"):
            serve_model("onnx", name="three")
        with pytest.raises(ConfigError, match="cannot load a model from 'file:///model'"):
            serve_model("onnx", name="four", storage="file:///model")

    specification, _ = compiled(pipeline)
    (one,), (two,) = orders_of(specification, "exec-serve-one"), orders_of(specification, "exec-serve-two")
    assert (one.target, one.model_format, one.storage) == ("kserve", "sklearn", "")
    assert (two.target, two.model_format, two.storage) == ("kserve", "onnx", "s3://bucket/model")


@pytest.mark.parametrize(
    ("predictor", "options", "error", "message"),
    [
        (train, {}, ComponentError, "no predictor"),
        (object, {}, ComponentError, "no predictor"),
        (IMAGE, {"replica": 2}, ComponentError, "use some of"),
        (IMAGE, {"sample": object()}, ConfigError, "nothing that JSON has"),
        (IMAGE, {"sample": float("nan")}, ConfigError, "nothing that JSON has"),
        (IMAGE, {"target": "docker"}, ConfigError, "use one of"),
    ],
)
def test_what_cannot_be_served_is_refused(predictor: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        serve(predictor, name="digits", **options)
    assert message in str(caught.value)


def test_env_and_mutators_are_what_pods_get() -> None:
    from fairing_kfp.cluster.mutators import gpu

    @dsl.pipeline
    def pipeline():
        serve(Digits, name="digits", env={"A": "1"}, mutators=[gpu(1)])

    (order,) = orders_of(compiled(pipeline)[0], "exec-serve-digits")
    (container,) = order.pod["containers"]
    assert container["env"] == [{"name": "A", "value": "1"}]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "1"}
