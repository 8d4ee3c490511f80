"""What components share that run a command of an image as a job: inputs, outputs, and the run itself."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.mutators import Mutator, composed, gpu, non_root, resources, service_account
from fairing_kfp.cluster.program import log_line
from fairing_kfp.components.declaration import Input, Output, StepInputs, StepResult, TaskSetting
from fairing_kfp.components.registries import CACHING, image_reference
from fairing_kfp.errors import ConfigError, JobFailedError
from fairing_kfp.runtime.node_files import files_below
from fairing_kfp.train.any_image.launch import launch_command
from fairing_kfp.train.size import human_size
from fairing_kfp.train.spec import JobSpec
from fairing_kfp.train.step import train
from fairing_kfp.train.task_config import TASK_CONFIG

IMAGE = Input("image", "str", "Image with Python 3.9 or later, such as the output of append-image.")
COMMAND = Input("command", "list", 'Command in the image, such as `["python3", "train.py"]`.')
ARGUMENTS = Input(
    "arguments",
    "list",
    "Arguments of the command; `{dataset}`, `{model}` and `{metrics}` are the paths of the artifacts.",
    default=[],
)
ENV = Input("env", "dict", "Environment variables of the command, with the same paths.", default={})
DATASET = Input("dataset", "artifact", "File or folder that the command reads at `{dataset}`.", optional=True)
POD_INPUTS = (
    Input("cpu", "str", "CPUs of a node, such as `2` or `500m`.", default=""),
    Input("memory", "str", "Memory of a node, such as `4Gi`.", default=""),
    Input("gpus", "int", "Number of GPUs of a node.", default=0),
    Input("gpu_resource", "str", "Resource name of the GPUs.", default="nvidia.com/gpu"),
    Input("service_account", "str", "Service account of the pods, with its token.", default=""),
    Input(
        "run_as_user",
        "int",
        "User ID of the pods, which then fulfil the restricted Pod Security Standard; 0 for the user of the image.",
        default=0,
    ),
)
START_WITHIN = Input("start_within", "int", "How long a pod may stay unschedulable, in seconds.", default=900)
DEADLINE = Input("deadline", "int", "Maximum duration of the job, in seconds; 0 for none.", default=0)

OUTPUTS = (
    Output("model", "model", "What the command wrote to `{model}`: a file or a folder."),
    Output("metrics", "metrics", "The scalars in the JSON object that the command wrote to `{metrics}`."),
)

TASK_SETTINGS = tuple(
    TaskSetting(name)
    for name in (
        "RESOURCES",
        "KUBERNETES_TOLERATIONS",
        "KUBERNETES_NODE_SELECTOR",
        "KUBERNETES_AFFINITY",
        "ENV",
        "KUBERNETES_VOLUMES",
    )
)
"""All settings of the task apply to the pods of the job."""

PLACEHOLDERS = (
    "The command reads the artifact `dataset` at the path `{dataset}`, and writes its outputs to `{model}` (a file or "
    "a folder) and `{metrics}` (a JSON object of numbers): the step replaces these words in `command`, `arguments` and "
    "`env`."
)
"""A paragraph of READMEs."""

ARTIFACTS = (
    f"{PLACEHOLDERS} The step sends the files to every node and fetches those of the first, through its own connection "
    "to the pods on port 9473; no object store, volume or credential is needed. For that the container starts with a "
    "small program that the step passes to it, so the image needs `python3` (3.9 or later) and a writable `/tmp`, and "
    "nothing of fairing-kfp. The command starts when all nodes run, in the working directory of the image. Settings of "
    f"the task, such as volumes, environment variables and tolerations, apply to the pods of the job. {CACHING}"
)
"""A paragraph of READMEs about jobs on Kubernetes."""


def job_inputs(framework: str = "", *more: Input) -> tuple[Input, ...]:
    """The inputs of a component that runs a job on Kubernetes.

    Args:
        framework: the default framework.
        more: further inputs.
    """
    return (
        IMAGE,
        COMMAND,
        ARGUMENTS,
        ENV,
        DATASET,
        Input("nodes", "int", "Number of pods.", default=1),
        Input(
            "framework",
            "str",
            "Framework that connects the nodes: `torch` (starts the command with torchrun), `tensorflow`, `jax`, "
            "`lightgbm`, or empty for none.",
            default=framework,
        ),
        Input("processes", "int", "Processes per node, for torchrun.", default=1),
        *POD_INPUTS,
        *more,
        DEADLINE,
        Input("retries", "int", "How many times a failed node is restarted.", default=0),
        START_WITHIN,
        Input("logs", "str", "Nodes whose log is shown: `first` or `all`.", default="first"),
    )


def run_job(component: str, kind: str, given: StepInputs) -> StepResult:
    """Runs the command as a job on Kubernetes, and returns when its outputs are here.

    Args:
        component: name of the component.
        kind: kind of job, one of `fairing_kfp.train.kinds.select.KINDS`.
        given: inputs of the step, as `job_inputs` declares them.

    Raises:
        ConfigError: the value of an input is invalid.
        InvalidReferenceError: the image is malformed.
        ClusterError: the job cannot be created, or was deleted.
        JobFailedError: the job failed, cannot run, or wrote no model.
    """
    values = given.values
    image_reference(component, "image", values["image"])
    words = command_of(given)
    check_words(component, given, words)
    spec = JobSpec(
        kind=kind,
        name=component,
        image=values["image"],
        nodes=values["nodes"],
        processes=None if values["processes"] == 1 else values["processes"],
        framework=values["framework"] or None,
        pod=job_pod(values),
        deadline=values["deadline"] or None,
        retries=values["retries"],
        start_within=values["start_within"],
        logs=values["logs"],
        runtime=values.get("runtime", ""),
    )
    start = time.monotonic()
    train(spec, command_input(given, words, os.devnull), Cluster(), log=given.log, log_line=log_line)
    asked = {name: values[name] for name in ("cpu", "memory", "gpus") if values[name]}
    rows = (("resources of a node", ", ".join(f"{value} {name}" for name, value in asked.items())),) if asked else ()
    return result(component, spec.shown, time.monotonic() - start, given, words, rows)


def command_of(given: StepInputs) -> list[Any]:
    """The command with its arguments."""
    return [*given.values["command"], *given.values["arguments"]]


def check_words(component: str, given: StepInputs, words: Sequence[Any]) -> None:
    """Checks a command and the input `env`.

    Raises:
        ConfigError: a word is not text, or names the data set, which the task does not have.
    """
    for name, listed in (("command, arguments", words), ("env", given.values["env"].values())):
        for word in listed:
            if not isinstance(word, (str, int, float)) or isinstance(word, bool):
                raise ConfigError(f"{component}: {word!r} in the input {name} is not a string", "write it in quotes")
    if "dataset" not in given.artifacts and _mentions(given, words, "dataset"):
        raise ConfigError(
            f"{component}: the command reads {{dataset}}, but the task has no dataset",
            "set the input dataset, or leave {dataset} out of command, arguments and env",
        )


def command_input(given: StepInputs, words: Sequence[Any], output_file: str) -> dict[str, Any]:
    """The executor input of a command with the outputs `model` and `metrics`; see `node_input`."""
    outputs = {name: path for name, path in given.outputs.items() if name in ("model", "metrics")}
    return node_input(given, words, given.artifacts, outputs, output_file)


def node_input(
    given: StepInputs,
    words: Sequence[Any],
    inputs: Mapping[str, Path],
    outputs: Mapping[str, Path],
    output_file: str = os.devnull,
) -> dict[str, Any]:
    """The executor input of the program that runs the command; see `command_program`.

    Args:
        given: inputs of the step.
        words: the command with its arguments.
        inputs: paths of input artifacts.
        outputs: paths of output artifacts.
        output_file: file for the list of outputs.
    """
    env = {name: str(value) for name, value in given.values["env"].items()}
    return {
        "inputs": {
            "parameterValues": {"command": list(map(str, words)), "env": env, TASK_CONFIG: dict(given.task_config)},
            "artifacts": _artifacts(inputs),
        },
        "outputs": {"artifacts": _artifacts(outputs), "outputFile": output_file},
    }


def result(
    component: str, job: str, seconds: float, given: StepInputs, words: Sequence[Any], rows: tuple[tuple[str, str], ...]
) -> StepResult:
    """The result of a job that succeeded, whose outputs are here.

    Args:
        component: name of the component.
        job: the job in messages.
        seconds: how long it took.
        given: inputs of the step.
        words: the command with its arguments.
        rows: further rows of the report.

    Raises:
        JobFailedError: the command has the path of the model, and wrote nothing there.
    """
    model = written_model(component, job, given, words)
    scalars, problem = _scalars(given.outputs.get("metrics"))
    if problem:
        given.log(f"the metrics are not shown: {problem}")
    metrics = {"no scalars": problem} if problem else {name: str(value) for name, value in scalars.items()}
    return StepResult(
        f"{job} succeeded in {seconds:.0f} s",
        (
            *metrics.items(),
            ("model", model),
            ("image", given.values["image"]),
            ("command", " ".join(map(str, words))),
            *rows,
        ),
        {},
        {"metrics": scalars},
    )


def written_model(component: str, job: str, given: StepInputs, words: Sequence[Any]) -> str:
    """The size of the model that a command wrote, for the report.

    Raises:
        JobFailedError: the command has the path of the model, and wrote nothing there.
    """
    model = given.outputs.get("model")
    files = list(files_below(str(model))) if model else []
    if not files and _mentions(given, words, "model"):
        raise JobFailedError(
            f"{job} of {component} succeeded, but nothing was written to {{model}}",
            "write the model to that path, on the first node if there are several",
        )
    size = human_size(sum(size for _, size in files))
    return f"{size} in {len(files)} file{'s' if len(files) > 1 else ''}" if files else "none"


def job_pod(values: Mapping[str, Any]) -> dict[str, Any]:
    """The pod of a node that runs a command, with the resources and the service account in the inputs.

    Raises:
        ConfigError: a quantity is malformed.
    """
    changes: list[Mutator] = []
    if values["cpu"] or values["memory"]:
        changes.append(resources(cpu=values["cpu"] or None, memory=values["memory"] or None))
    if values["gpus"]:
        changes.append(gpu(values["gpus"], values["gpu_resource"]))
    if values["service_account"]:
        changes.append(service_account(values["service_account"], token=True))
    if values["run_as_user"]:
        changes.append(non_root(values["run_as_user"]))
    return composed(*changes)({"containers": [{"name": "main", "command": launch_command("--node")}]})


def _mentions(given: StepInputs, words: Sequence[Any], artifact: str) -> bool:
    return any(f"{{{artifact}}}" in str(word) for word in (*words, *given.values["env"].values()))


def _artifacts(paths: Mapping[str, Path]) -> dict[str, Any]:
    return {name: {"artifacts": [{"name": name, "uri": str(path), "metadata": {}}]} for name, path in paths.items()}


def _scalars(path: Path | None) -> tuple[dict[str, Any], str]:
    """The scalars in the file of metrics; or why there are none although there is a file."""
    if path is None or not path.exists():
        return {}, ""
    try:
        scalars = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return {}, f"the file is not JSON: {error}"
    if not isinstance(scalars, dict) or not all(type(value) in (int, float) for value in scalars.values()):
        return {}, "the file is not a JSON object of numbers"
    return scalars, ""
