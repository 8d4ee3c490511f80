"""Runs a traced pipeline: launches of its steps, and the walk through its graph."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.display.event import Event
from fairing_kfp.errors import PipelineError
from fairing_kfp.local.details import ImageDetails, RunDetails
from fairing_kfp.local.graph import run_graph
from fairing_kfp.local.journal import JournalWriter
from fairing_kfp.local.launches import launch_of
from fairing_kfp.local.result import RunResult, StepResult, pipeline_outputs, step_error, step_result
from fairing_kfp.local.serve_step import lifeline
from fairing_kfp.local.step import StepRunner
from fairing_kfp.local.volumes import Volumes
from fairing_kfp.pipeline.builtin_steps import serving_spec_of, train_spec_of

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.local.image import LocalImage
    from fairing_kfp.local.rerun import Rerun
    from fairing_kfp.pipeline.specification import Specification
    from fairing_kfp.pipeline.trace import TracedPipeline


def run_pipeline(
    traced: TracedPipeline,
    images: Mapping[str, LocalImage],
    arguments: Mapping[str, Any],
    output: Path,
    cache: Cache,
    *,
    reuse: bool,
    on_event: Callable[[Event], None],
    docker: Mapping[str, Any] | None = None,
    parallel: int = 1,
    rerun: Rerun | None = None,
) -> RunResult:
    """Runs a pipeline on this machine.

    Args:
        traced: the pipeline.
        images: local images of its components, by placeholder.
        arguments: arguments of the pipeline, checked by `check_arguments`.
        output: folder in which to create the run's folder.
        cache: cache on disk; keeps the outputs of steps for reuse.
        reuse: whether to reuse the outputs of earlier steps with the same code and inputs.
        on_event: called with each event.
        docker: extra arguments of docker's `containers.create`; None without the docker runner.
        parallel: how many steps run at a time.
        rerun: an earlier run, of which some tasks run again.

    Raises:
        PipelineError: a step cannot run on this machine, or a value does not have the type of a parameter.
        StepFailedError: a step failed; the message contains the end of its log.
    """
    specification, name = traced.specification, traced.name
    for image in images.values():
        for warning in image.warnings:
            on_event(Event("warn", image.launch.name, warning))
    _warn_of_train_steps(specification, images, on_event)
    serves = _check_serve_steps(specification, images)
    run = output.absolute() / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{time.monotonic_ns() % 10_000:04}"
    volumes = Volumes(specification, run.parent / ".volumes", run.name)
    launches = {
        label: launch_of(label, executor["container"], images, docker)
        for label, executor in specification.executors.items()
        if "container" in executor and not volumes.handles(executor)
    }
    if docker is None:
        _warn_of_mounts(specification, on_event)
    run.mkdir(parents=True)
    steps: list[tuple[tuple[int, ...], StepResult]] = []
    lock = threading.Lock()

    def collect(event: Event) -> None:
        with lock:  # steps that run side by side report in threads of their own
            result = step_result(event)
            if result:
                before = max(time.monotonic() - start - result.seconds, 0.0)
                steps.append((event.position, replace(result, start=before)))
            on_event(event)

    called = any(image.launch.call for image in images.values())
    runner_name = "docker" if docker is not None else "in-process" if called else "subprocess"
    began, start = time.time(), time.monotonic()
    journal = JournalWriter(run, name, next(iter(traced.files), ""), runner_name, arguments)
    runner = StepRunner(
        specification.executors, launches, volumes, run, cache, reuse, collect, journal=journal, rerun=rerun
    )
    with lifeline(run) if serves else contextlib.nullcontext():
        outputs = run_graph(specification, arguments, run.name, runner, parallel, runner.stop)
    ordered = tuple(step for _, step in sorted(steps, key=lambda one: one[0]))
    details = RunDetails(
        name,
        specification.document,
        arguments,
        runner_name,
        tuple(_image_details(image) for image in images.values()),
        began,
        time.monotonic() - start,
    )
    if outputs is None:
        failed = next(step for _, step in steps if step.state == "failed")
        raise step_error(failed, RunResult(run, {}, ordered, details))
    return RunResult(run, pipeline_outputs(outputs), ordered, details)


def _image_details(image: LocalImage) -> ImageDetails:
    layers = tuple((layer.name, layer.digest, layer.size) for layer in image.layers)
    return ImageDetails(image.launch.name, image.image, layers, image.packages)


def _warn_of_train_steps(
    specification: Specification, images: Mapping[str, LocalImage], on_event: Callable[[Event], None]
) -> None:
    """Warns of train steps, which run as one process or container instead of a job."""
    for spec in [spec for spec in map(train_spec_of, specification.containers) if spec]:
        unit = "container" if images[spec.image].launch.runner == "docker" else "process"
        on_event(Event("warn", spec.name, f"{spec.name} runs here as one {unit}; on {spec.where} it is a {spec.shown}"))


def _check_serve_steps(specification: Specification, images: Mapping[str, LocalImage]) -> bool:
    """Whether the pipeline has serve steps.

    Raises:
        PipelineError: one serves an image, or a model format.
    """
    specs = [spec for spec in map(serving_spec_of, specification.containers) if spec]
    for spec in specs:
        if spec.image not in images:
            raise PipelineError(
                f"{spec.name} cannot be served in a local run: {spec.image or spec.model_format} is not a predictor of "
                "this pipeline",
                "run it on KFP, or serve a class decorated by @fairing_component",
            )
    return bool(specs)


def _warn_of_mounts(specification: Specification, on_event: Callable[[Event], None]) -> None:
    """Warns of volumes, since a process sees the folders of this machine only."""
    for label in specification.executors:
        for mount in specification.kubernetes_settings(label).get("pvcMount", ()):
            step, path = label.removeprefix("exec-"), mount["mountPath"]
            text = f"{step} runs here without its volume at {path}; --runner docker mounts a folder there"
            on_event(Event("warn", step, text))
