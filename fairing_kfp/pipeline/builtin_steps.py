"""Built-in steps of a compiled pipeline, which run in our own image: train steps and serve steps.

The modules of their specs are imported for pipelines that have such steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fairing_kfp.json_spec import OPTION

if TYPE_CHECKING:
    from fairing_kfp.serving.spec import ServingSpec
    from fairing_kfp.train.spec import JobSpec
    from fairing_kfp.train.vertex.spec import VertexJobSpec


def runs_own_module(container: Mapping[str, Any]) -> bool:
    """Whether a container runs a module of this package."""
    command = tuple(container.get("command", ()))
    return command[:2] == ("python3", "-m") and command[2:3] != () and command[2].startswith("fairing_kfp.")


def train_spec_of(container: Mapping[str, Any]) -> JobSpec | VertexJobSpec | None:
    """The spec of a train step; None for a container of another kind."""
    if not runs_own_module(container):
        return None
    from fairing_kfp.train.spec import TRAIN_COMMAND, JobSpec
    from fairing_kfp.train.vertex.spec import VERTEX_COMMAND, VertexJobSpec

    specs: dict[tuple[str, ...], type[JobSpec] | type[VertexJobSpec]] = {
        TRAIN_COMMAND: JobSpec,
        VERTEX_COMMAND: VertexJobSpec,
    }
    spec, text = specs.get(tuple(container["command"])), _option(container)
    return spec.parse(text) if spec and text is not None else None


def serving_spec_of(container: Mapping[str, Any]) -> ServingSpec | None:
    """The spec of a serve step; None for a container of another kind, such as a check of serve steps."""
    if not runs_own_module(container):
        return None
    from fairing_kfp.serving.spec import CHECK, SERVE_COMMAND, ServingSpec

    if tuple(container["command"]) != SERVE_COMMAND or CHECK in container.get("args", ()):
        return None
    text = _option(container)
    return ServingSpec.parse(text) if text is not None else None


def image_of(container: Mapping[str, Any]) -> str:
    """The image with a step's code: the container's own, or that of the job that a train step creates."""
    spec = train_spec_of(container)
    return spec.image if spec is not None else str(container.get("image", ""))


def _option(container: Mapping[str, Any]) -> str | None:
    arguments = list(container.get("args", ()))
    return str(arguments[arguments.index(OPTION) + 1]) if OPTION in arguments else None
