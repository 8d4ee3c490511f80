"""`serve` and `serve_model` in pipelines."""

from typing import Any

import pytest
from kfp import dsl

from fairing_kfp import Registration, fairing_component, serve, serve_model
from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.pipeline.builtin_steps import serving_spec_of
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.serving.spec import ServingSpec

IMAGE = "registry.example.com/me/server@sha256:" + "a" * 64


@fairing_component
class Digits:
    def load(self, model_path: str) -> None: ...

    def predict(self, instances): ...


@fairing_component
def train(rows: int, model: dsl.Output[dsl.Model]) -> float:
    return 1.0


def spec_of(pipeline: Any, label: str) -> ServingSpec:
    spec = serving_spec_of(trace(pipeline).specification.executors[label]["container"])
    assert spec is not None
    return spec


def test_a_model_format_takes_an_artifact_or_a_uri() -> None:
    @dsl.pipeline
    def pipeline():
        serve_model("sklearn", name="one", model=train(rows=1).outputs["model"])
        serve_model("onnx", name="two", storage="minio://bucket/model")
        with pytest.raises(ConfigError, match="needs exactly one model"):
            serve_model("onnx", name="three")
        with pytest.raises(ConfigError, match="cannot load a model from 'file:///model'"):
            serve_model("onnx", name="four", storage="file:///model")

    one, two = spec_of(pipeline, "exec-serve-one"), spec_of(pipeline, "exec-serve-two")
    assert (one.target, one.model_format, one.storage) == ("kserve", "sklearn", "")
    assert (two.target, two.model_format, two.storage) == ("kserve", "onnx", "s3://bucket/model")


def test_the_uri_of_a_model_is_an_output_of_another_task() -> None:
    from fairing_kfp.components import model_image

    @dsl.pipeline
    def pipeline(uri: str = "s3://bucket/model"):
        image = model_image(model=train(rows=1).outputs["model"], repository="registry.example.com/models")
        serve_model("onnx", name="one", storage=image.outputs["uri"])
        serve_model("onnx", name="two", storage=f"oci+native://{image.outputs['image']}")
        serve_model("onnx", name="three", storage=uri)
        with pytest.raises(ConfigError, match="needs exactly one model"):
            serve_model("onnx", name="four", storage=uri, model=train(rows=1).outputs["model"])

    found = trace(pipeline).specification
    tasks = found.document["root"]["dag"]["tasks"]
    given = {name: task["inputs"]["parameters"]["storage"] for name, task in tasks.items() if "serve" in name}
    assert given["serve-one"]["taskOutputParameter"] == {"outputParameterKey": "uri", "producerTask": "model-image"}
    assert given["serve-two"]["runtimeValue"]["constant"].startswith("oci+native://{{$.inputs.parameters[")
    assert given["serve-three"] == {"componentInputParameter": "uri"}
    assert {spec_of(pipeline, f"exec-serve-{name}").storage for name in ("one", "two", "three")} == {""}


def test_metadata_of_the_model_registry_is_known_at_run_time() -> None:
    @fairing_component
    def judge(model: dsl.Input[dsl.Model], metrics: dsl.Output[dsl.Metrics]) -> float:
        return 1.0

    @dsl.pipeline
    def pipeline(rows: int = 3):
        model = train(rows=rows).outputs["model"]
        judged = judge(model=model)
        metadata = {"accuracy": judged.outputs["Output"], "rows": rows, "team": "vision"}
        registration = Registration("digits", metadata=metadata, token_secret="registry")
        serve(Digits, name="one", model=model, register=registration)
        serve(Digits, name="two", register="digits")
        for value in (None, float("inf"), judged.outputs["metrics"]):
            with pytest.raises(ConfigError, match="'x' in the metadata of"):
                serve(Digits, name="three", register=Registration("digits", metadata={"x": value}))

    found = trace(pipeline).specification
    tasks = found.document["root"]["dag"]["tasks"]
    given = tasks["serve-one"]["inputs"]["parameters"]
    types = found.components["comp-serve-one"]["inputDefinitions"]["parameters"]

    assert given["run_id"] == {"runtimeValue": {"constant": "{{$.pipeline_job_uuid}}"}}
    assert given["metadata_accuracy"]["taskOutputParameter"]["producerTask"] == "judge"
    assert given["metadata_rows"] == {"componentInputParameter": "rows"}
    assert {name: one["parameterType"] for name, one in types.items()} == {
        "metadata_accuracy": "NUMBER_DOUBLE",
        "metadata_rows": "NUMBER_INTEGER",
        "run_id": "STRING",
        "run_name": "STRING",
    }
    spec = spec_of(pipeline, "exec-serve-one")
    assert spec.register == Registration("digits", metadata={"team": "vision"}, token_secret="registry")
    assert spec_of(pipeline, "exec-serve-two").register == Registration("digits")
    (mounted,) = found.kubernetes_settings("exec-serve-one")["secretAsVolume"]
    assert mounted["mountPath"] == "/etc/fairing-kfp/model-registry"


@pytest.mark.parametrize(
    ("predictor", "options", "error", "message"),
    [
        (train, {}, ComponentError, "not a predictor"),
        (object, {}, ComponentError, "not a predictor"),
        (IMAGE, {"replica": 2}, ComponentError, "did you mean replicas?"),
        (IMAGE, {"sample": object()}, ConfigError, "cannot be written as JSON"),
        (IMAGE, {"sample": float("nan")}, ConfigError, "cannot be written as JSON"),
        (IMAGE, {"target": "docker"}, ConfigError, "use one of"),
        (IMAGE, {"register": 3}, ConfigError, "register=3 is not supported"),
        (IMAGE, {"max_wait": "1"}, ConfigError, "max_wait"),
    ],
)
def test_objects_and_options_that_cannot_be_served(
    predictor: Any, options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        serve(predictor, name="digits", **options)
    assert message in str(caught.value)


def test_env_and_mutators_change_the_pods() -> None:
    from fairing_kfp.cluster.mutators import gpu

    @dsl.pipeline
    def pipeline():
        serve(Digits, name="digits", env={"A": "1"}, mutators=[gpu(1)])

    spec = spec_of(pipeline, "exec-serve-digits")
    (container,) = spec.pod["containers"]
    assert container["env"] == [{"name": "A", "value": "1"}]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "1"}
