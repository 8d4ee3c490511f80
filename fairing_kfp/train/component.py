"""Components that run elsewhere: the same code, inputs and outputs, as a job of Kubernetes.

    @dsl.pipeline
    def digits(depth: int = 8):
        trained = trainjob(train, nodes=2, framework="torch")(depth=depth).set_memory_limit("8Gi")

What KFP lets one set of the task (resources, accelerators, environment, volumes, node selector, tolerations, affinity)
holds for the pods of the job: KFP hands it on by its TaskConfig.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from fairing_kfp.errors import ComponentError
from fairing_kfp.own_step import ORDER, OWN_IMAGE, TRAIN

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.train.order import Framework, Kind, Logs


class JobOptions(TypedDict, total=False):
    """What all kinds of jobs may be told.

    Attributes:
        nodes: how many pods work together; 1 by default.
        processes: per node, for torchrun; 1 by default.
        framework: whose processes find each other: `torch` (started by torchrun), `tensorflow` (TF_CONFIG), `jax` or
            `lightgbm`.
        mutators: what is wanted of the pods beside KFP's settings of the task: `fairing_kfp.cluster.mutators`.
        labels: of the job and its pods.
        annotations: likewise.
        deadline: seconds after which the job is ended; never by default.
        retries: how often nodes that failed are started anew; 0 by default. KFP's `set_retry` makes the job anew.
        start_within: seconds in which a node that fits nowhere must find its place; 900 by default.
        logs: `first` (the default) shows the lines of the first node, `all` those of all.
    """

    nodes: int
    processes: int | None
    framework: Framework | None
    mutators: Sequence[Callable[[dict[str, Any]], dict[str, Any]]]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    deadline: int | None
    retries: int
    start_within: int
    logs: Logs


def job(component: Any, **options: Unpack[JobOptions]) -> Any:
    """A component that runs as a Job (`batch/v1`), which every cluster has.

    Args:
        component: what `@fairing_component`, `from_script` or `from_notebook` made.
        options: see `JobOptions`.

    Returns:
        A KFP component with the same inputs and outputs, which are those of the node with rank 0.

    Raises:
        ComponentError: it is no component of fairing-kfp.
        ConfigError: an option is one that no cluster could run.
    """
    return _elsewhere(component, "job", options)


def trainjob(component: Any, *, runtime: str = "", **options: Unpack[JobOptions]) -> Any:
    """A component that runs as a TrainJob of Kubeflow Trainer 2.

    Args:
        component: as for `job`.
        runtime: the name of a ClusterTrainingRuntime, by default `torch-distributed`; or `TrainingRuntime/NAME` for
            one of the namespace.
        options: see `JobOptions`.

    Returns:
        As `job` does.

    Raises:
        ComponentError: it is no component of fairing-kfp.
        ConfigError: an option is one that no cluster could run.
    """
    return _elsewhere(component, "trainjob", options, runtime=runtime)


def pytorchjob(component: Any, **options: Unpack[JobOptions]) -> Any:
    """A component that runs as a PyTorchJob of Kubeflow's Training Operator 1; by torchrun unless said otherwise.

    Args:
        component: as for `job`.
        options: see `JobOptions`.

    Returns:
        As `job` does.

    Raises:
        ComponentError: it is no component of fairing-kfp.
        ConfigError: an option is one that no cluster could run.
    """
    return _elsewhere(component, "pytorchjob", {"framework": "torch", **options})


def tfjob(component: Any, **options: Unpack[JobOptions]) -> Any:
    """A component that runs as a TFJob of Kubeflow's Training Operator 1, with TF_CONFIG unless said otherwise.

    Args:
        component: as for `job`.
        options: see `JobOptions`.

    Returns:
        As `job` does.

    Raises:
        ComponentError: it is no component of fairing-kfp.
        ConfigError: an option is one that no cluster could run.
    """
    return _elsewhere(component, "tfjob", {"framework": "tensorflow", **options})


def _elsewhere(component: Any, kind: Kind, options: Mapping[str, Any], runtime: str = "") -> Any:
    from kfp import dsl

    from fairing_kfp.cluster.mutators import composed
    from fairing_kfp.train.order import Order

    image = checked_image(component, kind)
    given = dict(options)
    mutators = given.pop("mutators", ())
    try:
        order = Order(
            kind=kind,
            name=component.name,
            image=image,
            pod=composed(*mutators)({"containers": [{"name": "main"}]}),
            runtime=runtime,
            **given,
        )
    except TypeError as error:
        known = ", ".join(JobOptions.__annotations__)
        raise ComponentError(f"{kind} of {component.name}: {error}", f"use some of {known}") from error
    passed = [dsl.TaskConfigPassthrough(field=one) for one in dsl.TaskConfigField]
    return told(component, OWN_IMAGE, TRAIN, order.text(), passed)


def checked_image(component: Any, kind: str) -> str:
    """The placeholder of a component's image.

    Raises:
        ComponentError: it is no component of fairing-kfp.
    """
    from fairing_kfp.source import placeholders

    container = getattr(getattr(component, "component_spec", None), "implementation", None)
    image = str(getattr(getattr(container, "container", None), "image", ""))
    if image not in placeholders(image):
        raise ComponentError(
            f"{kind}({getattr(component, 'name', component)!r}) is no component of fairing-kfp",
            "give what @fairing_component, from_script or from_notebook made",
        )
    return image


def told(component: Any, image: str, command: Sequence[str], order: str, passed: Sequence[Any]) -> Any:
    """A component of the same interface, whose step is one of ours.

    Args:
        component: the other.
        image: what stands for our own image.
        command: starts the step.
        order: what it is told to do.
        passed: KFP's settings of the task that it gets: `dsl.TaskConfigPassthrough`.
    """
    from kfp import dsl
    from kfp.dsl.structures import InputSpec

    from fairing_kfp.train.step import TASK_CONFIG

    specification = copy.deepcopy(component.component_spec)
    specification.inputs = {**(specification.inputs or {}), TASK_CONFIG: InputSpec("TaskConfig", optional=True)}
    specification.task_config_passthroughs = list(passed)
    ours = specification.implementation.container
    ours.image, ours.command = image, list(command)
    ours.args = ["--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER, ORDER, order]
    return type(component)(component_spec=specification, python_func=component.python_func)
