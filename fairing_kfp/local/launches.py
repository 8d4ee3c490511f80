"""The launches of a pipeline's executors."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import PipelineError
from fairing_kfp.local.launch import Launch
from fairing_kfp.pipeline.builtin_steps import image_of, serving_spec_of, train_spec_of
from fairing_kfp.pipeline.notebook_gate import GATE
from fairing_kfp.preprocess.source import OWN_IMAGES
from fairing_kfp.runtime.frameworks import single_process_environment

if TYPE_CHECKING:
    from fairing_kfp.local.image import LocalImage

_EXECUTOR = "kfp.dsl.executor_main"
_INPUT = ["--executor_input", "{{$}}"]


def launch_of(
    label: str, container: Mapping[str, Any], images: Mapping[str, LocalImage], docker: Mapping[str, Any] | None
) -> Launch:
    """The launch of a container of a compiled pipeline.

    Args:
        label: label of its executor.
        container: the container (PipelineContainerSpec).
        images: local images of the pipeline's components, by placeholder.
        docker: extra arguments of docker's `containers.create`; None without the docker runner.

    Raises:
        PipelineError: the container cannot run on this machine.
    """
    spec = serving_spec_of(container)
    placeholder = spec.image if spec else image_of(container)
    env = {variable["name"]: variable.get("value", "") for variable in container.get("env", [])}
    if placeholder not in images:
        return _foreign(label.removeprefix("exec-"), container, env, docker)
    launch = replace(images[placeholder].launch, image=images[placeholder].launch.image or images[placeholder].image)
    if framework := getattr(train_spec_of(container), "framework", None):
        env = {**single_process_environment(framework, _free_port()), **env}
    launch = replace(launch, env={**launch.env, **env})
    if spec:
        image = images[placeholder].image
        return replace(launch, name=spec.name, runner="serve", image=image, serving_spec=spec.text())
    if GATE in container.get("args", ()):
        return replace(launch, command=[*launch.command, GATE, *_INPUT], secrets=())
    return replace(launch, command=[*launch.command, *_INPUT])


def _foreign(name: str, container: Mapping[str, Any], env: dict[str, str], docker: Mapping[str, Any] | None) -> Launch:
    """The launch of a component that this package did not pack."""
    command = [*container.get("command", ()), *container.get("args", ())]
    image = str(container.get("image", ""))
    if image in OWN_IMAGES:
        raise PipelineError(
            f"the step {name} runs in the image of fairing-kfp, which a local run does not have", "run it on KFP"
        )
    has_executor = any(_EXECUTOR in word for word in command)
    if docker is not None:
        return Launch(name, "docker", command, env, image, dict(docker), has_executor=has_executor)
    if not has_executor:
        raise PipelineError(
            f"the step {name} runs a command of the image {image}, which needs a container", "add --runner docker"
        )
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return Launch(name, "subprocess", command, {"PATH": path, **env}, image)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
