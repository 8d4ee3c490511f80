"""The program of a replayed task: its image, or the working tree's code of the same task."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fairing_kfp.dependencies.pipeline_lock import PipelineLock
from fairing_kfp.errors import ConfigError, PipelineError
from fairing_kfp.local.image import LocalImage, unpacked_image
from fairing_kfp.local.launch import Launch
from fairing_kfp.local.launches import launch_of
from fairing_kfp.local.secrets import check_secrets
from fairing_kfp.pipeline.builtin_steps import image_of, serving_spec_of, train_spec_of
from fairing_kfp.pipeline.lock_place import lock_path
from fairing_kfp.pipeline.trace import TracedPipeline, trace
from fairing_kfp.preprocess.image_paths import COMMAND
from fairing_kfp.replay.recording import Recording, find_task

if TYPE_CHECKING:
    from pathlib import Path

    from fairing_kfp.cache.store import Cache
    from fairing_kfp.pipeline.specification import Specification
    from fairing_kfp.settings import Settings


@dataclass(frozen=True)
class Program:
    """The program of a task.

    Attributes:
        specification: the pipeline that it belongs to.
        component: its component (ComponentSpec).
        launch: starts it.
        warnings: how it differs from the task of the run.
    """

    specification: Specification
    component: Mapping[str, Any]
    launch: Launch
    warnings: tuple[str, ...] = ()


def image_program(recording: Recording) -> Program:
    """The program of a task in the image of its run, which Docker runs.

    Raises:
        PipelineError: the task runs no code, or serves a model.
        ConfigError: the environment does not have a variable that Kubernetes reads from a Secret.
    """
    specification, component, name = recording.specification, recording.component, recording.step.name
    label, container = _container(name, specification, component)
    image, images = image_of(container), {}
    if train_spec_of(container) or tuple(container.get("command", ())) == COMMAND:
        images[image] = LocalImage(image, Launch(name, "docker", list(COMMAND), {}, image, {}))
    launch = launch_of(label, container, images, {})
    kubernetes = specification.kubernetes_settings(label)
    secrets = tuple(_secret_variables(name, kubernetes))
    warnings = tuple(f"{name} runs here without {text}" for text in _missing(kubernetes))
    if train := train_spec_of(container):
        warnings = (f"{name} runs here as one container; on {train.where} it is a {train.shown}", *warnings)
    return Program(specification, component, replace(launch, secrets=secrets), warnings)


def code_program(
    recording: Recording, pipeline: Any, settings: Settings, cache: Cache, start: Path | None = None
) -> Program:
    """The program of a task from the working tree's code, which this interpreter runs.

    Args:
        recording: the recorded step.
        pipeline: the result of `@dsl.pipeline`, or of `@fairing_component`.
        settings: the project's settings.
        cache: the cache on disk.
        start: the folder in which the lock file is looked up.

    Raises:
        PipelineError: the pipeline has no task of this name, or it runs no code of a component.
        ConfigError: the environment does not have a variable that Kubernetes reads from a Secret.
        FairingError: the code cannot be packed, or its packages cannot be resolved.
    """
    traced, name = trace(pipeline), recording.step.name
    component = _component_of(recording, traced)
    label, container = _container(name, traced.specification, component)
    placeholder = image_of(container)
    source = traced.sources.get(placeholder)
    if source is None:
        raise PipelineError(
            f"the task {name} of the pipeline {traced.name} is not a component of @fairing_component",
            "replay it from its image, without code",
        )
    check_secrets([source])
    path = lock_path(traced.folder, settings, start)
    local = unpacked_image(source, settings, cache, PipelineLock(cache, path, traced.name, locked=settings.locked))
    launch = launch_of(label, container, {placeholder: local}, None)
    kubernetes = traced.specification.kubernetes_settings(label)
    mounts = [f"{name} runs here without {text}" for text in _missing(kubernetes)]
    return Program(traced.specification, component, launch, (*local.warnings, *mounts))


def _container(name: str, specification: Specification, component: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The label and the container of a component.

    Raises:
        PipelineError: it has none, or serves a model.
    """
    label = component.get("executorLabel", "")
    container: Mapping[str, Any] | None = specification.executors.get(label, {}).get("container")
    image = str(container.get("image", "")) if container else ""
    if container is None or image.startswith("argostub/"):
        raise PipelineError(f"the task {name} runs no code of its own", "replay a task that runs a component")
    if serving_spec_of(container):
        raise PipelineError(
            f"the task {name} serves a model, which a replay does not do",
            "serve it here: fairing-kfp serve FILE:CLASS --model MODEL",
        )
    return label, container


def _component_of(recording: Recording, traced: TracedPipeline) -> Mapping[str, Any]:
    """The component of the same task in another pipeline.

    Raises:
        PipelineError: there is no such task, or several.
    """
    specification, name = traced.specification, recording.step.task
    found = find_task(specification, recording.execution.tasks)
    if found is None:
        names = sorted(specification.task_names())
        raise PipelineError(
            f"the pipeline {traced.name} has {'several tasks' if name in names else 'no task'} {name}",
            f"its tasks: {', '.join(names)}; or name the component itself, FILE:NAME",
        )
    return found[1]


def _secret_variables(name: str, kubernetes: Mapping[str, Any]) -> Iterator[str]:
    """The variables that a task gets from Secrets.

    Raises:
        ConfigError: one is not set here.
    """
    for secret in kubernetes.get("secretAsEnv", ()):
        for entry in secret.get("keyToEnv", ()):
            variable = str(entry["envVar"])
            if variable in os.environ:
                yield variable
            elif not secret.get("optional"):
                raise ConfigError(
                    f"the step {name} needs {variable}, which is not set here; on Kubernetes it comes from a Secret",
                    f"export {variable} before the replay",
                )


def _missing(kubernetes: Mapping[str, Any]) -> Iterator[str]:
    """What a task gets from Kubernetes and has not here."""
    for mount in kubernetes.get("pvcMount", ()):
        yield f"the content of its volume at {mount['mountPath']}"
    for kind in ("secretAsVolume", "configMapAsVolume"):
        for mount in kubernetes.get(kind, ()):
            yield f"its files at {mount['mountPath']}"
    for source in kubernetes.get("configMapAsEnv", ()):
        for entry in source.get("keyToEnv", ()):
            yield f"the variable {entry['envVar']} of a ConfigMap"
