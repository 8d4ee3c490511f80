"""Specs of built-in steps as JSON: braces that KFP would take for a placeholder, and defaults that are omitted."""

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from kfp import dsl
from kfp.compiler import Compiler

from fairing_kfp import fairing_component, job, mutators, serve, vertexjob
from fairing_kfp.errors import ConfigError
from fairing_kfp.json_spec import OMIT_DEFAULT, OPTION, JsonSpec
from fairing_kfp.serving.spec import ServingSpec
from fairing_kfp.train.spec import JobSpec
from fairing_kfp.train.vertex.spec import VertexJobSpec
from tests.support.yaml_documents import documents

BRACES = "{{workflow.name}} {{{$.inputs}}} {{{{"


@fairing_component
def train(depth: int = 3) -> float:
    """Trains."""
    return depth / 2


@fairing_component
class Digits:
    """Predicts."""

    def load(self, model_path: str) -> None:
        """Loads."""

    def predict(self, instances: list[float]) -> list[float]:
        """Predicts."""
        return instances


def compiled(task: Any, tmp_path: Any) -> str:
    """The spec in the arguments of a step, as it is in the compiled pipeline."""

    @dsl.pipeline(name="p")
    def pipeline() -> None:
        task()

    Compiler().compile(pipeline, str(tmp_path / "p.yaml"))
    (specification, *_) = documents((tmp_path / "p.yaml").read_text())
    (executor,) = specification["deploymentSpec"]["executors"].values()
    arguments = executor["container"]["args"]
    return str(arguments[arguments.index(OPTION) + 1])


def texts(pod: Any) -> list[str]:
    return [one["value"] for one in pod["containers"][0]["env"] if one["name"] == "TEXT"]


def test_braces_of_a_training_step_are_escaped(tmp_path: Any) -> None:
    options: Any = {"mutators": [mutators.environment({"TEXT": BRACES})], "labels": {"a": BRACES}}
    text = compiled(job(train, annotations={"b": BRACES}, **options), tmp_path)
    assert "{{" not in text
    spec = JobSpec.parse(text)
    assert texts(spec.pod) == [BRACES]
    assert (spec.labels, spec.annotations) == ({"a": BRACES}, {"b": BRACES})


def test_braces_of_a_training_step_on_vertex_ai_are_escaped(tmp_path: Any) -> None:
    staging = "gs://my-bucket/{{workflow.name}}"
    text = compiled(vertexjob(train, project="my-project", region="europe-west4", staging=staging), tmp_path)
    assert "{{" not in text
    assert VertexJobSpec.parse(text).staging == staging


def test_braces_of_a_serving_step_are_escaped(tmp_path: Any) -> None:
    options: Any = {"mutators": [mutators.environment({"TEXT": BRACES})], "env": {"MORE": BRACES}}
    options |= {"labels": {"a": BRACES}, "annotations": {"b": BRACES}, "sample": [BRACES]}
    text = compiled(lambda: serve(Digits, name="digits", **options), tmp_path)
    assert "{{" not in text
    spec = ServingSpec.parse(text)
    assert texts(spec.pod) == [BRACES]
    assert (spec.labels, spec.annotations) == ({"a": BRACES}, {"b": BRACES})
    assert BRACES in json.dumps(spec.sample)


@dataclass(frozen=True)
class _Spec(JsonSpec):
    _step: ClassVar[str] = "test"

    name: str = "n"
    more: dict[str, str] = field(default_factory=dict, metadata=OMIT_DEFAULT)


def test_a_field_may_be_omitted_while_it_has_its_default() -> None:
    assert _Spec().text() == '{"name":"n"}'
    assert _Spec(more={"a": "b"}).text() == '{"more":{"a":"b"},"name":"n"}'
    assert _Spec.parse('{"name":"n"}') == _Spec()


@pytest.mark.parametrize("text", ["", "[]", "3", '{"colour":"red"}'])
def test_malformed_json_names_the_step(text: str) -> None:
    with pytest.raises(ConfigError, match="the spec of the test step cannot be parsed") as caught:
        _Spec.parse(text)
    assert caught.value.remedy == "compile the pipeline again"
