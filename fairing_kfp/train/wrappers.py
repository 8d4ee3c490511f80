"""Components that run as jobs on Kubernetes, with the same code, inputs and outputs.

    @dsl.pipeline
    def digits(depth: int = 8):
        trained = trainjob(train, nodes=2, framework="torch")(depth=depth).set_memory_limit("8Gi")

Settings of the task (resources, accelerators, environment, volumes, node selector, tolerations, affinity) apply to the
job's pods: KFP passes them to the step in its TaskConfig.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from fairing_kfp.errors import ComponentError
from fairing_kfp.option_check import check_given
from fairing_kfp.option_signature import lists_options
from fairing_kfp.preprocess.source import OWN_IMAGE
from fairing_kfp.train.builtin_step import builtin_step, image_placeholder
from fairing_kfp.train.spec import TRAIN_COMMAND, Framework, Logs

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.train.builtin_step import C


class JobOptions(TypedDict, total=False):
    """Options of all kinds of jobs.

    Attributes:
        nodes: number of pods; 1 by default.
        processes: processes per node, for torchrun; 1 by default.
        framework: framework of distributed training: `torch` (starts with torchrun), `tensorflow` (reads TF_CONFIG),
            `jax` or `lightgbm`. By default that of the kind: `torch` for a PyTorchJob, `tensorflow` for a TFJob.
        mutators: functions that configure the pods, in addition to the settings of the task; see
            `fairing_kfp.mutators`.
        labels: labels of the job and its pods.
        annotations: annotations of the job and its pods.
        deadline: maximum duration of the job, in seconds; no limit by default.
        retries: how many times a failed node is restarted; 0 by default. KFP's `set_retry` recreates the job.
        start_within: how long a pod may stay unschedulable before the step fails, in seconds; 900 by default.
        logs: nodes whose log is shown: `first` (the default) or `all`.
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


@lists_options(JobOptions)
def job(component: C, **options: Unpack[JobOptions]) -> C:
    """A component that runs as a Job (`batch/v1`), which every cluster serves.

    Args:
        component: result of `@fairing_component`, `from_script` or `from_notebook`.
        options: see `JobOptions`.

    Returns:
        A component with the same inputs and outputs; outputs are those of the node with rank 0.

    Raises:
        ComponentError: the object is not a component of fairing-kfp, or an option is unknown.
        ConfigError: the value of an option is invalid.
        UnavailableError: the installed kfp is older than 2.15.
    """
    return run_as("job", component, **options)


@lists_options(JobOptions)
def trainjob(component: C, *, runtime: str = "", **options: Unpack[JobOptions]) -> C:
    """A component that runs as a TrainJob of Kubeflow Trainer 2; otherwise like `job`.

    Args:
        component: see `job`.
        runtime: name of a ClusterTrainingRuntime, `torch-distributed` by default; or `TrainingRuntime/NAME` for one in
            the namespace.
        options: see `JobOptions`.
    """
    return _run_as("trainjob", component, options, runtime=runtime)


@lists_options(JobOptions)
def pytorchjob(component: C, **options: Unpack[JobOptions]) -> C:
    """A component that runs as a PyTorchJob of Kubeflow Training Operator 1; otherwise like `job`.

    Args:
        component: see `job`.
        options: see `JobOptions`.
    """
    return run_as("pytorchjob", component, **options)


@lists_options(JobOptions)
def tfjob(component: C, **options: Unpack[JobOptions]) -> C:
    """A component that runs as a TFJob of Kubeflow Training Operator 1; otherwise like `job`.

    Args:
        component: see `job`.
        options: see `JobOptions`.
    """
    return run_as("tfjob", component, **options)


def run_as(kind: str, component: C, kind_options: Mapping[str, Any] | None = None, **options: Unpack[JobOptions]) -> C:
    """A component that runs as a job of any kind; otherwise like `job`.

    Args:
        kind: name of a kind of job, a row in `fairing_kfp.train.kinds.select`.
        component: see `job`.
        kind_options: options that only this kind has; values that can be written as JSON.
        options: see `JobOptions`.
    """
    return _run_as(kind, component, options, options=dict(kind_options or {}))


def _run_as(kind: str, component: C, job_options: Mapping[str, Any], **fields: Any) -> C:
    from kfp import dsl

    from fairing_kfp.cluster.mutators import composed
    from fairing_kfp.train.kinds.kind import training_kind
    from fairing_kfp.train.spec import JobSpec
    from fairing_kfp.train.task_config import require_task_config

    image = image_placeholder(component, kind)
    require_task_config(f"{kind}({component.name})")
    check_given(f"{kind}({component.name})", job_options, JobOptions)
    given: dict[str, Any] = {"framework": training_kind(kind).framework, **job_options}
    mutators = given.pop("mutators", ())
    try:
        spec = JobSpec(
            kind=kind,
            name=component.name,
            image=image,
            pod=composed(*mutators)({"containers": [{"name": "main"}]}),
            **fields,
            **given,
        )
    except TypeError as error:
        known = ", ".join(JobOptions.__annotations__)
        raise ComponentError(f"{kind} of {component.name}: {error}", f"the options are {known}") from error
    passthroughs = [dsl.TaskConfigPassthrough(field=one) for one in dsl.TaskConfigField]
    return builtin_step(component, OWN_IMAGE, TRAIN_COMMAND, spec, passthroughs)
