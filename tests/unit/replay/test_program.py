"""What runs in place of a task of a run."""

import pytest
from kfp import dsl, kubernetes

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import PipelineError
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.remote.metadata import Execution
from fairing_kfp.remote.step import Step
from fairing_kfp.replay.program import code_program, image_program
from fairing_kfp.replay.recording import Recording, find_task
from fairing_kfp.settings import Settings


@fairing_kfp.fairing_component
def train() -> int:
    return 1


@fairing_kfp.fairing_component
class Digits:
    def load(self, model_path: str) -> None: ...

    def predict(self, instances): ...


@dsl.container_component
def copy(path: str):
    return dsl.ContainerSpec(image="busybox", command=["cp"], args=[path, "/data"])


@dsl.pipeline
def nested():
    copy(path="b")


@dsl.pipeline
def steps():
    fairing_kfp.job(train, nodes=2)()
    copied = copy(path="a")
    kubernetes.mount_pvc(copied, "claim", "/data")
    kubernetes.use_config_map_as_env(copied, "map", {"key": "VALUE"})
    dsl.importer(artifact_uri="s3://b/data", artifact_class=dsl.Dataset)
    fairing_kfp.serve(Digits, name="digits")
    nested()


def recording(*path: str) -> Recording:
    specification = trace(steps).specification
    found = find_task(specification, path)
    assert found
    return Recording(
        Step(path[-1], "failed", task=path[-1]),
        Execution(1, path[-1], ".".join(("root", *path)), {}, {}),
        specification,
        *found,
    )


def test_the_function_of_a_job_runs_in_its_image_as_one_container() -> None:
    program = image_program(recording("train"))

    assert "/train-" in program.launch.image
    assert program.launch.command == ["python3", "/opt/fairing/runtime/step.py", "--executor_input", "{{$}}"]
    assert program.warnings == ("train runs here as one container; on Kubernetes it is a Job of 2 nodes",)


def test_a_command_of_another_image_runs_in_it_without_what_kubernetes_gives() -> None:
    program = image_program(recording("copy"))

    assert (program.launch.image, program.launch.command[0]) == ("busybox", "cp")
    assert program.warnings == (
        "copy runs here without the content of its volume at /data",
        "copy runs here without the variable VALUE of a ConfigMap",
    )
    assert not image_program(recording("nested", "copy")).warnings
    with pytest.raises(PipelineError, match=r"copy of the pipeline steps is not a component of @fairing"):
        code_program(recording("copy"), steps, Settings(), Cache())


def test_tasks_without_code_are_refused() -> None:
    with pytest.raises(PipelineError, match="the task importer runs no code"):
        image_program(recording("importer"))
    with pytest.raises(PipelineError, match="serves a model") as raised:
        image_program(recording("serve-digits"))
    assert "fairing-kfp serve" in raised.value.remedy


def test_a_task_is_found_at_its_place_else_by_its_name_if_no_other_has_it() -> None:
    specification = trace(steps).specification
    nested_copy = find_task(specification, ("nested", "copy"))

    assert nested_copy is not None
    assert nested_copy != find_task(specification, ("copy",))
    assert find_task(specification, ("for-loop-1", "copy")) is None
    assert find_task(specification, ("for-loop-1", "importer")) == find_task(specification, ("importer",))
