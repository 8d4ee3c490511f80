"""Pipelines with reusable components, compiled."""

from dataclasses import replace

import pytest
from kfp import dsl

from fairing_kfp import compile
from fairing_kfp.cache.store import Cache
from fairing_kfp.components import append_image, preprocess_script, train_job, train_vertex
from fairing_kfp.components.kfp_component import kfp_component
from fairing_kfp.components.table import COMPONENTS
from tests.support.yaml_documents import documents

_OWN = f"registry.example.com/me/fairing-kfp@sha256:{'a' * 64}"


@dsl.container_component
def train(depth: int):
    return dsl.ContainerSpec(image="python:3.12-slim", command=["python3", "train.py"], args=["--depth", depth])


@dsl.pipeline
def build_and_train(repository: str) -> None:
    packed = preprocess_script(script="train.py", text="print(1)")
    built = append_image(bundle=packed.outputs["bundle"], base_image="python:3.12-slim", repository=repository)
    train(depth=8).set_container_image(built.outputs["image"])


def test_the_steps_run_in_our_own_image_and_the_next_in_the_built_one(cache: Cache) -> None:
    compiled = compile(build_and_train, registry="registry.example.com/me", own_image=_OWN, cache=cache)

    executors = documents(compiled.text)[0]["deploymentSpec"]["executors"]
    images = {name: one["container"]["image"] for name, one in executors.items()}
    assert images["exec-preprocess-script"] == images["exec-append-image"] == _OWN
    assert images["exec-train"].startswith("{{$.inputs.parameters[")
    assert executors["exec-append-image"]["container"]["command"] == ["python3", "-m", "fairing_kfp.components"]


@pytest.mark.parametrize("cached", [True, False])
def test_a_component_that_changes_the_world_is_never_cached(cached: bool) -> None:
    component = kfp_component(replace(COMPONENTS["import-image"], cached=cached))

    @dsl.pipeline
    def pipeline() -> None:
        component(image="a", repository="b")

    (task,) = pipeline.pipeline_spec.root.dag.tasks.values()
    assert task.caching_options.enable_cache == cached


@dsl.pipeline
def train_twice(image: str) -> None:
    trained = train_job(image=image, command=["python3", "train.py"], nodes=2)
    trained.set_memory_limit("4Gi").set_env_variable("A", "1")
    train_vertex(
        image=image, command=["python3"], project="my-project", location="europe-west4", staging="gs://bucket/staging"
    ).set_env_variable("A", "1")


def test_settings_of_the_task_go_to_the_job(cache: Cache) -> None:
    compiled = compile(train_twice, registry="registry.example.com/me", own_image=_OWN, cache=cache)

    document = documents(compiled.text)[0]
    containers = {name: one["container"] for name, one in document["deploymentSpec"]["executors"].items()}
    assert {one["image"] for one in containers.values()} == {_OWN}
    passed = {
        name: {one["field"]: one.get("applyToTask", False) for one in component["taskConfigPassthroughs"]}
        for name, component in document["components"].items()
    }
    assert passed["comp-train-job"]["RESOURCES"] is False
    assert passed["comp-train-job"]["KUBERNETES_VOLUMES"] is False
    assert passed["comp-train-vertex"] == {"RESOURCES": False, "ENV": True, "KUBERNETES_VOLUMES": True}
    inputs = document["components"]["comp-train-job"]["inputDefinitions"]["parameters"]
    assert inputs["fairing_task_config"]["parameterType"] == "TASK_CONFIG"
