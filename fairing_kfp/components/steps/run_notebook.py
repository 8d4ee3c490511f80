"""`run_notebook`: a notebook, executed in full in an image or in the step → the executed notebook and its report."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.program import log_line
from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.registries import image_reference
from fairing_kfp.components.source import EXCLUDE, packed_files, source_file, source_folder, source_path
from fairing_kfp.components.steps.preprocess_notebook import full_bundle, notebook_parameters
from fairing_kfp.components.train_command import (
    DATASET,
    DEADLINE,
    ENV,
    OUTPUTS,
    POD_INPUTS,
    START_WITHIN,
    TASK_SETTINGS,
    check_words,
    job_pod,
    node_input,
    written_model,
)
from fairing_kfp.errors import ConfigError, JobFailedError
from fairing_kfp.preprocess.image_paths import ROOT
from fairing_kfp.preprocess.notebooks.document import read_notebook
from fairing_kfp.preprocess.notebooks.parameters import Parameter
from fairing_kfp.preprocess.secrets.gate import refuse
from fairing_kfp.train.spec import JobSpec
from fairing_kfp.train.step import train

_NAME = "run-notebook"
_PACKAGES = "papermill, ipykernel, mistune and pygments"


def run(given: StepInputs) -> StepResult:
    """Executes the notebook, and returns what it made, whatever became of it.

    Raises:
        ConfigError: the value of an input is invalid, or a parameter unknown or missing.
        ComponentError: the notebook is missing, or a parameter has a reserved name.
        PackError: the file is not a notebook.
        SecretError: a file or cell seems to contain a credential.
        ClusterError: the job cannot be created, or was deleted.
        JobFailedError: the notebook could not be executed, or wrote no model.
    """
    values = given.values
    place = source_path(_NAME, "notebook", values["notebook"], ".ipynb", "notebook")
    if values["image"]:
        image_reference(_NAME, "image", values["image"])
    elif importlib.util.find_spec("papermill") is None:
        raise ConfigError(
            f"{_NAME}: the image of this step has no papermill", f"set the input image to one with {_PACKAGES}"
        )
    status = given.outputs["report"].with_name("status.txt")  # the same in each attempt of the task
    with source_folder(_NAME, given, place) as root, tempfile.TemporaryDirectory(prefix="fairing-notebook-") as scratch:
        path = source_file(_NAME, root, place, "notebook")
        document = read_notebook(path)
        refuse(_NAME, document.findings())
        words = ["python3", "-u", "{program}/code/run.py", "--report={report}", "--notebook={executed}"]
        words += ["--status={status}", *_arguments(values["parameters"], notebook_parameters(document))]
        check_words(_NAME, given, words)
        found = packed_files(root, values["exclude"], path, str(place.parent))
        del found[place.name]
        for file in full_bundle(document, found, {}).image_files():
            target = Path(scratch, file.path.removeprefix(f"{ROOT}/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.data)
        start = time.monotonic()
        inputs = {**given.artifacts, "program": Path(scratch)}
        inputs.pop("source", None)
        shown = _execute(given, words, inputs, {**given.outputs, "status": status})
        seconds = time.monotonic() - start
    failed = status.read_text(encoding="utf-8")
    status.unlink()
    verdict = f"{place} ran in {seconds:.0f} s" if not failed else f"{place} failed: {failed}"
    if not failed:
        written_model(_NAME, shown, given, words)
    page = given.outputs["report"].read_text(encoding="utf-8")
    return StepResult(verdict, (), {"status": failed}, page=page)


def _arguments(given: Mapping[str, Any], known: tuple[Parameter, ...]) -> list[str]:
    """The arguments of the program that executes the notebook."""
    by_name = {one.name: one for one in known}
    for name in given:
        if name not in by_name:
            raise ConfigError(
                f"{_NAME}: the notebook has no parameter {name!r}",
                f"use {', '.join(by_name)}" if by_name else "tag the cell with its parameters `parameters`",
            )
    missing = [one.name for one in known if one.required and one.name not in given]
    if missing:
        raise ConfigError(f"{_NAME}: the parameter {missing[0]} is missing", "set it in the input parameters")
    return [f"--{name}={_text(by_name[name], value)}" for name, value in given.items()]


def _text(parameter: Parameter, value: Any) -> str:
    if parameter.type is not str and isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = json.loads(value)  # KFP passes outputs of tasks in dictionaries as text
    if parameter.type is int and isinstance(value, float) and value.is_integer():
        value = int(value)  # and numbers as floats
    if parameter.type is float and type(value) is int:
        value = float(value)
    if type(value) is not parameter.type:
        raise ConfigError(
            f"{_NAME}: the parameter {parameter.name} is {value!r}, not of type {parameter.type.__name__}",
            "correct the input parameters",
        )
    return value if isinstance(value, str) else json.dumps(value)


def _execute(given: StepInputs, words: list[str], inputs: Mapping[str, Path], outputs: Mapping[str, Path]) -> str:
    """Executes the notebook, as a Job in the image or in this step; gives the name of that for messages."""
    values = given.values
    if not values["image"]:
        _execute_here(given, words, {**inputs, **outputs})
        return "the step"
    spec = JobSpec(
        kind="job",
        name=_NAME,
        image=values["image"],
        pod=job_pod(values),
        deadline=values["deadline"] or None,
        start_within=values["start_within"],
    )
    outputs = {name: path for name, path in outputs.items() if name != "metrics"}
    train(spec, node_input(given, words, inputs, outputs), Cluster(), log=given.log, log_line=log_line)
    return spec.shown


def _execute_here(given: StepInputs, words: list[str], paths: Mapping[str, Path]) -> None:
    def filled(text: str) -> str:
        for name, path in paths.items():
            text = text.replace(f"{{{name}}}", str(path))
        return text

    env = {**os.environ, **{name: filled(str(value)) for name, value in given.values["env"].items()}}
    for path in paths.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([sys.executable, *map(filled, words[1:])], env=env, check=False)
    if done.returncode:
        raise JobFailedError(
            f"{_NAME}: the notebook was ended with exit code {done.returncode}", "see the lines of the log above"
        )


RUN_NOTEBOOK = ReusableComponent(
    name=_NAME,
    category="training",
    description="Executes a notebook in an image, and keeps it with its outputs and as HTML, also when a cell fails.",
    details=(
        "The notebook runs in the folder of its files, by papermill. `parameters` are the variables of the cell that "
        "is tagged `parameters`; a text in them can contain `{dataset}` and `{model}`, the paths of the artifacts. "
        f"With an `image`, which needs {_PACKAGES}, it runs there as a Kubernetes Job, as in train-job; the step then "
        "needs the role in `components/rbac/job.yaml`. Without, it runs in the step, whose image needs the same "
        "packages: publish it on such a base, by `fairing-kfp components publish --base-image`.\n\n"
        "KFP keeps no artifacts of a step that fails. So the step succeeds if a cell fails, with both artifacts and "
        "the failure in `status`, and the task `check-notebook` that follows fails the run. `fairing-kfp compile` adds "
        "that task; with kfp alone, add it as in the example pipeline, and let tasks that use the results run after "
        "it. The step fails if the notebook cannot be executed at all."
    ),
    inputs=(
        Input("notebook", "str", "Path of the notebook in the source, such as `train.ipynb`."),
        Input("source", "artifact", "Folder with the notebook and its files, or the notebook alone.", optional=True),
        Input("text", "str", "Text of the notebook's file, instead of a source.", default=""),
        Input("parameters", "dict", "Parameters of the notebook, by name.", default={}),
        Input("image", "str", f"Image with {_PACKAGES}; the step's own by default.", default=""),
        EXCLUDE,
        ENV,
        DATASET,
        *POD_INPUTS,
        DEADLINE,
        START_WITHIN,
    ),
    outputs=(
        Output("executed", "artifact", "The executed notebook."),
        OUTPUTS[0],
        Output("status", "str", "The failure, with its cell; empty if all cells ran."),
    ),
    run=run,
    example='''\
run_notebook = load("training/run_notebook")
check_notebook = load("training/check_notebook")


@dsl.pipeline(name="run-notebook-example")
def example(image: str = "registry.example.com/team/jupyter:1", source: str = "s3://bucket/source", depth: int = 8):
    """Runs the notebook train.ipynb of a folder, and fails after its artifacts are kept."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    ran = run_notebook(
        notebook="train.ipynb",
        source=folder.output,
        image=image,
        parameters={"depth": depth, "path": "{model}"},
        memory="4Gi",
    )
    ran.set_caching_options(False)  # a notebook that failed runs again
    check_notebook(status=ran.outputs["status"])
''',
    needs=("Kubernetes",),
    tags=("training", "notebook", "jupyter"),
    cached=False,
    task_settings=TASK_SETTINGS,
)
