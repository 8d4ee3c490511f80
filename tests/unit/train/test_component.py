"""Components that run elsewhere: the same interface, another step."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from kfp import compiler, dsl, kubernetes

from fairing_kfp import fairing_component, job, pytorchjob, tfjob, trainjob
from fairing_kfp.cluster.mutators import gpu, resources
from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.own_step import OWN_IMAGE, image_of, order_of
from fairing_kfp.source import placeholders
from fairing_kfp.train.order import Order


class Made(NamedTuple):
    score: float
    count: int


@fairing_component
def train(data: dsl.Input[dsl.Dataset], model: dsl.Output[dsl.Model], depth: int = 3) -> Made:
    """Trains."""
    return Made(0.5, depth)


@fairing_component
def load(data: dsl.Output[dsl.Dataset]) -> None:
    """Loads."""


def compiled(tmp_path: Path, elsewhere: Any, configure: Any = lambda task: None) -> tuple[Any, list[Any]]:
    """The pipeline's specification and those of its platform."""

    @dsl.pipeline(name="p")
    def pipeline(depth: int = 4) -> float:
        task = elsewhere(data=load().outputs["data"], depth=depth)
        configure(task)
        return task.outputs["score"]

    compiler.Compiler().compile(pipeline, str(tmp_path / "p.yaml"))
    specification, *platform = yaml.safe_load_all((tmp_path / "p.yaml").read_text())
    return specification, platform


def test_step_is_ours_and_its_interface_the_components(tmp_path: Path) -> None:
    here, _ = compiled(tmp_path, train)
    there, _ = compiled(tmp_path, job(train, nodes=2, mutators=[gpu(1)], labels={"team": "a"}))
    container = there["deploymentSpec"]["executors"]["exec-train"]["container"]
    assert container["image"] == OWN_IMAGE
    assert container["command"] == ["python3", "-m", "fairing_kfp.train"]
    order = order_of(container)
    assert isinstance(order, Order)
    assert (order.kind, order.name, order.nodes, order.labels) == ("job", "train", 2, {"team": "a"})
    assert order.image == here["deploymentSpec"]["executors"]["exec-train"]["container"]["image"] == image_of(container)
    assert order.pod["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    inputs = there["components"]["comp-train"]["inputDefinitions"]
    task_config = inputs["parameters"].pop("fairing_task_config")
    assert task_config["parameterType"] == "TASK_CONFIG"
    assert inputs == here["components"]["comp-train"]["inputDefinitions"]
    assert (
        there["components"]["comp-train"]["outputDefinitions"] == here["components"]["comp-train"]["outputDefinitions"]
    )
    assert there["root"]["dag"]["outputs"] == here["root"]["dag"]["outputs"]
    assert "{{" not in order.text()


def test_component_itself_stays_as_it_is(tmp_path: Path) -> None:
    before, _ = compiled(tmp_path, train)
    job(train)
    assert compiled(tmp_path, train)[0] == before


def test_settings_of_the_task_are_handed_on(tmp_path: Path) -> None:
    def configure(task: Any) -> None:
        task.set_memory_limit("8Gi").set_env_variable("A", "1")
        kubernetes.add_node_selector(task, "pool", "gpu")

    specification, platform = compiled(tmp_path, job(train), configure)
    passed = specification["components"]["comp-train"]["taskConfigPassthroughs"]
    assert {one["field"] for one in passed} >= {"RESOURCES", "ENV", "KUBERNETES_NODE_SELECTOR", "KUBERNETES_VOLUMES"}
    assert "nodeSelector" in json.dumps(platform)


@pytest.mark.parametrize(
    ("made", "kind", "framework"),
    [
        (lambda: trainjob(train, runtime="mine"), "trainjob", None),
        (lambda: trainjob(train, framework="torch"), "trainjob", "torch"),
        (lambda: pytorchjob(train), "pytorchjob", "torch"),
        (lambda: pytorchjob(train, framework=None), "pytorchjob", None),
        (lambda: tfjob(train), "tfjob", "tensorflow"),
    ],
)
def test_kinds_have_their_frameworks(tmp_path: Path, made: Any, kind: str, framework: str | None) -> None:
    specification, _ = compiled(tmp_path, made())
    order = order_of(specification["deploymentSpec"]["executors"]["exec-train"]["container"])
    assert isinstance(order, Order)
    assert (order.kind, order.framework) == (kind, framework)
    assert order.runtime == ("mine" if (kind, framework) == ("trainjob", None) else "")


@pytest.mark.parametrize("other", ["train", None, 3])
def test_what_is_no_component_of_ours_is_refused(other: Any) -> None:
    with pytest.raises(ComponentError, match="is no component of fairing-kfp"):
        job(other)


def test_component_of_kfp_itself_is_refused() -> None:
    @dsl.component(base_image="python:3.12")
    def plain() -> int:
        return 1

    with pytest.raises(ComponentError, match=r"job\('plain'\) is no component of fairing-kfp"):
        job(plain)
    with pytest.raises(ComponentError, match="is no component of fairing-kfp"):
        job(job(train))  # it is elsewhere already


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"node": 2}, ComponentError, "node"),
        ({"nodes": 0}, ConfigError, "nodes=0 of its Job"),
        ({"framework": "mpi"}, ConfigError, "use one of torch"),
    ],
)
def test_options_that_cannot_be_are_refused(options: Any, error: Any, words: str) -> None:
    with pytest.raises(error) as caught:
        job(train, **options)
    assert words in str(caught.value)


def test_quantities_are_checked_when_the_pipeline_is_made() -> None:
    with pytest.raises(ConfigError, match="4gb"):
        job(train, mutators=[resources(memory="4gb")])


def test_its_image_is_found_by_its_placeholder(tmp_path: Path) -> None:
    specification, _ = compiled(tmp_path, job(train))
    assert {source.name for source in placeholders(json.dumps(specification)).values()} == {"train", "load"}
