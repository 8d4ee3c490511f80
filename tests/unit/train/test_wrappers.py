"""Components that run as jobs, with the same interface."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kfp import compiler, dsl, kubernetes

from fairing_kfp import fairing_component, job, pytorchjob, tfjob, trainjob
from fairing_kfp.cluster.mutators import gpu, resources
from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.pipeline.builtin_steps import image_of, train_spec_of
from fairing_kfp.preprocess.source import OWN_IMAGE, placeholders
from fairing_kfp.train.spec import JobSpec
from fairing_kfp.train.wrappers import run_as
from tests.support.yaml_documents import documents


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


def compiled(tmp_path: Path, component: Any, configure: Any = lambda task: None) -> tuple[Any, list[Any]]:
    """The pipeline's specification and those of its platform."""

    @dsl.pipeline(name="p")
    def pipeline(depth: int = 4) -> float:
        task = component(data=load().outputs["data"], depth=depth)
        configure(task)
        return task.outputs["score"]

    compiler.Compiler().compile(pipeline, str(tmp_path / "p.yaml"))
    specification, *platform = documents((tmp_path / "p.yaml").read_text())
    return specification, platform


def test_step_is_ours_and_its_interface_the_components(tmp_path: Path) -> None:
    here, _ = compiled(tmp_path, train)
    there, _ = compiled(tmp_path, job(train, nodes=2, mutators=[gpu(1)], labels={"team": "a"}))
    container = there["deploymentSpec"]["executors"]["exec-train"]["container"]
    assert container["image"] == OWN_IMAGE
    assert container["command"] == ["python3", "-m", "fairing_kfp.train"]
    spec = train_spec_of(container)
    assert isinstance(spec, JobSpec)
    assert (spec.kind, spec.name, spec.nodes, spec.labels) == ("job", "train", 2, {"team": "a"})
    assert spec.image == here["deploymentSpec"]["executors"]["exec-train"]["container"]["image"] == image_of(container)
    assert spec.pod["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    inputs = there["components"]["comp-train"]["inputDefinitions"]
    task_config = inputs["parameters"].pop("fairing_task_config")
    assert task_config["parameterType"] == "TASK_CONFIG"
    assert inputs == here["components"]["comp-train"]["inputDefinitions"]
    assert (
        there["components"]["comp-train"]["outputDefinitions"] == here["components"]["comp-train"]["outputDefinitions"]
    )
    assert there["root"]["dag"]["outputs"] == here["root"]["dag"]["outputs"]
    assert "{{" not in spec.text()


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
    spec = train_spec_of(specification["deploymentSpec"]["executors"]["exec-train"]["container"])
    assert isinstance(spec, JobSpec)
    assert (spec.kind, spec.framework) == (kind, framework)
    assert spec.runtime == ("mine" if (kind, framework) == ("trainjob", None) else "")


@pytest.mark.parametrize("other", ["train", None, 3])
def test_other_objects_are_rejected(other: Any) -> None:
    with pytest.raises(ComponentError, match="is not a component of fairing-kfp"):
        job(other)


def test_components_of_kfp_are_rejected() -> None:
    @dsl.component(base_image="python:3.12")
    def plain() -> int:
        return 1

    with pytest.raises(ComponentError, match=r"job\('plain'\): this is not a component of fairing-kfp"):
        job(plain)
    with pytest.raises(ComponentError, match="is not a component of fairing-kfp"):
        job(job(train))  # it runs as a job already


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"node": 2}, ComponentError, "node"),
        ({"nodes": 0}, ConfigError, "nodes=0 of its Job"),
        ({"framework": "mpi"}, ConfigError, "use one of torch"),
    ],
)
def test_invalid_options_are_rejected(options: Any, error: Any, words: str) -> None:
    with pytest.raises(error) as caught:
        job(train, **options)
    assert words in str(caught.value)


def test_unknown_kind_is_rejected() -> None:
    with pytest.raises(ConfigError, match="'mpijob' is not a kind of training job") as caught:
        run_as("mpijob", train)
    assert "job, trainjob, pytorchjob, tfjob" in caught.value.remedy


def test_options_of_a_kind_are_in_its_spec_only(tmp_path: Path) -> None:
    for options in ({}, {"a": 1}):
        specification, _ = compiled(tmp_path, run_as("job", train, options, nodes=2))
        container = specification["deploymentSpec"]["executors"]["exec-train"]["container"]
        spec = train_spec_of(container)
        assert isinstance(spec, JobSpec)
        assert (spec.options, spec.nodes) == (options, 2)
        assert ('"options"' in container["args"][-1]) == bool(options)


def test_quantities_are_checked_when_the_pipeline_is_made() -> None:
    with pytest.raises(ConfigError, match="4gb"):
        job(train, mutators=[resources(memory="4gb")])


def test_its_image_is_found_by_its_placeholder(tmp_path: Path) -> None:
    specification, _ = compiled(tmp_path, job(train))
    assert {source.name for source in placeholders(json.dumps(specification)).values()} == {"train", "load"}
