"""One of two pipelines that are compared: compiled YAML, a run on Kubeflow Pipelines, or the working tree."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fairing_kfp.errors import PipelineError
from fairing_kfp.pipeline.specification import Specification
from fairing_kfp.settings import Settings

_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class Side:
    """A pipeline to compare.

    Attributes:
        name: what the user named.
        specification: the pipeline.
        arguments: the arguments of a run; None for a pipeline that has none.
        pipeline: the loaded pipeline of the working tree, from whose code the images are made; else None.
    """

    name: str
    specification: Specification
    arguments: Mapping[str, Any] | None = field(default=None, hash=False)
    pipeline: Any = field(default=None, hash=False)


def is_run(text: str) -> bool:
    """Whether a text is the id of a run."""
    return _RUN.fullmatch(text) is not None and not Path(text).exists()


def is_yaml(text: str) -> bool:
    """Whether a text is the path of compiled YAML."""
    return Path(text).suffix.lower() in _YAML


def read_run(run_id: str, settings: Mapping[str, Any], token_file: str | None) -> Side:
    """The pipeline of a run, with its arguments.

    Args:
        run_id: the run's id.
        settings: the settings that reach Kubeflow Pipelines.
        token_file: a file with a bearer token.

    Raises:
        KfpError: there is no such run, or Kubeflow Pipelines does not answer.
        PipelineError: it has no pipeline of version 2.
    """
    from fairing_kfp.remote.run import Run

    run = Run.get(run_id, token_file=token_file, **settings)
    document = run.pipeline
    if not document.pipeline:
        raise PipelineError(f"the run {run.name} has no compiled pipeline", "compare a run of a pipeline of version 2")
    platforms = [dict(document.platform)] if document.platform else []
    return Side(run.name or run_id, Specification("", dict(document.pipeline), platforms), run.arguments)


def read_yaml(path: str) -> Side:
    """A compiled pipeline.

    Raises:
        PipelineError: the file cannot be read, or is not a compiled pipeline.
    """
    try:
        specification = Specification.parse(Path(path).read_text("utf-8"))
    except OSError as error:
        raise PipelineError(f"cannot read {path}: {error.strerror or error}", "give a compiled pipeline") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise PipelineError(f"{path} is not a compiled pipeline: {reason}", "compile the pipeline again") from error
    document = specification.document
    if not isinstance(document, dict) or not {"root", "pipelineInfo"} <= document.keys():
        raise PipelineError(f"{path} is not a compiled pipeline", "give the output of `fairing-kfp compile`")
    return Side(path, specification)


def read_tree(target: str | Any, settings: Settings) -> Side:
    """A pipeline of the working tree, as `compile` would write it, with placeholders for its images.

    Args:
        target: `FILE[:NAME]`, or the result of `@dsl.pipeline`.
        settings: the project's settings.

    Raises:
        PipelineError: there is no such pipeline, or it cannot be compiled.
    """
    from fairing_kfp.component.load import load_pipeline
    from fairing_kfp.pipeline.trace import trace

    pipeline = load_pipeline(target) if isinstance(target, str) else target
    traced = trace(pipeline).for_cluster(settings)
    name = target if isinstance(target, str) else traced.name
    return Side(name, traced.specification, pipeline=traced)


def with_images(specification: Specification, references: Mapping[str, str]) -> Specification:
    """A pipeline with references in place of placeholders."""
    text = json.dumps([specification.document, specification.platforms])
    for placeholder, reference in references.items():
        text = text.replace(json.dumps(placeholder)[1:-1], json.dumps(reference)[1:-1])
    document, platforms = json.loads(text)
    return Specification("", document, platforms)
