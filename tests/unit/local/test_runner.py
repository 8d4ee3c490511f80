"""Pipelines whose steps become launchers."""

import sys
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl, kubernetes

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.display.event import Event
from fairing_kfp.errors import PipelineError, StepFailedError
from fairing_kfp.local import runner
from fairing_kfp.local.image import LocalImage
from fairing_kfp.local.launch import Launch
from fairing_kfp.local.result import RunResult
from fairing_kfp.local.runner import run_pipeline
from fairing_kfp.local.step import StepRunner
from fairing_kfp.local.task import Values
from fairing_kfp.pipeline.trace import TracedPipeline, trace


@fairing_kfp.fairing_component
def train() -> int:
    return 1


@fairing_kfp.fairing_component
class Digits:
    def load(self, model_path: str) -> None: ...

    def predict(self, instances): ...


@dsl.pipeline
def trains():
    fairing_kfp.job(train, nodes=2)().set_env_variable("A", "1")


@dsl.pipeline
def serves():
    fairing_kfp.serve(Digits, name="digits")


def local_images(traced: TracedPipeline) -> dict[str, LocalImage]:
    return {
        placeholder: LocalImage(
            f"fairing.local/{source.name}", Launch(source.name, "subprocess", ["python", "step.py"], {}), ("beware",)
        )
        for placeholder, source in traced.sources.items()
    }


class FakeGraph:
    """Stands for the walk through the graph: reports events, and fails if there are no outputs."""

    def __init__(self, *events: Event, outputs: Values | None = Values({"Output": 1})) -> None:  # noqa: B008
        self.events, self.outputs = events, outputs
        self.runner: StepRunner | None = None

    def __call__(self, _: object, __: object, ___: object, runner: StepRunner, *____: object) -> Values | None:
        self.runner = runner
        for event in self.events:
            runner.on_event(event)
        return self.outputs

    @property
    def launches(self) -> list[Launch]:
        assert self.runner
        return list(self.runner.launches.values())


def run(
    pipeline: Any, graph: FakeGraph, tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[RunResult, list[Event]]:
    monkeypatch.setattr(runner, "run_graph", graph)
    traced, events = trace(pipeline), list[Event]()
    images = local_images(traced)
    result = run_pipeline(traced, images, {}, tmp_path, cache, reuse=True, on_event=events.append, **options)
    return result, events


def test_steps_become_launches(tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = FakeGraph(Event("succeed", "train", outputs={"Output": 1}))
    result, events = run(trains, graph, tmp_path, cache, monkeypatch)

    assert result.outputs == {"Output": 1}
    assert [step.state for step in result.steps] == ["succeeded"]
    (launch,) = graph.launches
    assert (launch.name, launch.image, launch.env) == ("train", "fairing.local/train", {"A": "1"})
    assert launch.command == ["python", "step.py", "--executor_input", "{{$}}"]
    warnings = [event.text for event in events if event.kind == "warn"]
    assert warnings[0] == "beware"
    assert "train runs here as one process; on Kubernetes it is a" in warnings[1]


def test_tasks_of_one_component_have_their_own_variables(
    tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dsl.pipeline
    def pipeline():
        train().set_env_variable("A", "1")
        train().set_env_variable("A", "2")
        train()

    graph = FakeGraph()
    run(pipeline, graph, tmp_path, cache, monkeypatch)

    assert [launch.env for launch in graph.launches] == [{"A": "1"}, {"A": "2"}, {}]


def test_serve_steps_have_their_spec(tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = FakeGraph()
    run(serves, graph, tmp_path, cache, monkeypatch)

    (launch,) = graph.launches
    assert (launch.name, launch.runner, launch.image) == ("digits", "serve", "fairing.local/digits")
    assert launch.command == ["python", "step.py"]
    assert '"name":"digits"' in launch.serving_spec


def test_an_image_cannot_be_served(tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    @dsl.pipeline
    def pipeline():
        fairing_kfp.serve("registry.example.com/server:1", name="other")

    with pytest.raises(PipelineError, match="other cannot be served in a local run"):
        run(pipeline, FakeGraph(), tmp_path / "out", cache, monkeypatch)
    assert not (tmp_path / "out").exists()


def test_failures(tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.txt"
    log.write_text("ValueError\n")
    failed = FakeGraph(Event("fail", "train", "exit code 1", log=str(log)), outputs=None)
    with pytest.raises(StepFailedError, match=r"the step train failed.*\nValueError"):
        run(trains, failed, tmp_path, cache, monkeypatch)


@dsl.container_component
def greet(name: str):
    return dsl.ContainerSpec(image="registry.example.com/tool:1", command=["echo", name])


@dsl.pipeline
def greets():
    greet(name="you").set_env_variable("A", "1")


@dsl.component(base_image="python:3.11")
def lightweight() -> int:
    return 1


@dsl.pipeline
def mounts():
    kubernetes.mount_pvc(train(), pvc_name="disk", mount_path="/data")


def test_a_command_of_another_image_needs_a_container(
    tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = FakeGraph()
    with pytest.raises(
        PipelineError, match=r"greet runs a command of the image registry\.example\.com/tool:1"
    ) as caught:
        run(greets, graph, tmp_path / "out", cache, monkeypatch)
    assert "--runner docker" in caught.value.remedy
    assert not (tmp_path / "out").exists()

    run(greets, graph, tmp_path, cache, monkeypatch, docker={"network_mode": "host"})
    (launch,) = graph.launches
    assert (launch.runner, launch.docker, launch.has_executor) == ("docker", {"network_mode": "host"}, False)
    assert (launch.command, launch.env) == (["echo", "{{$.inputs.parameters['name']}}"], {"A": "1"})


def test_lightweight_components_run_with_this_interpreter(
    tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dsl.pipeline
    def pipeline():
        lightweight()

    graph = FakeGraph()
    run(pipeline, graph, tmp_path, cache, monkeypatch)

    (launch,) = graph.launches
    assert (launch.runner, launch.has_executor) == ("subprocess", True)
    assert launch.env["PATH"].startswith(str(Path(sys.executable).parent))


def test_a_volume_needs_a_container(tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    _, events = run(mounts, FakeGraph(), tmp_path, cache, monkeypatch)
    _, docker_events = run(mounts, FakeGraph(), tmp_path, cache, monkeypatch, docker={})

    warnings = [event.text for event in events if event.kind == "warn"]
    assert "train runs here without its volume at /data; --runner docker mounts a folder there" in warnings
    assert not any("volume" in event.text for event in docker_events)
