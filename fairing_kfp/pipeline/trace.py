"""Tracing: from a pipeline function to its specification, parsed once and handed on."""

from __future__ import annotations

import inspect
import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fairing_kfp.errors import PipelineError
from fairing_kfp.frozen import dataclass
from fairing_kfp.pipeline.input_types import TypedInputs, check_constants, describe_parameters, typed_inputs
from fairing_kfp.pipeline.integers import check_integers
from fairing_kfp.pipeline.lock_place import files_of, folder_of
from fairing_kfp.pipeline.loop_fields import select_loop_fields
from fairing_kfp.pipeline.loop_items import type_loop_items
from fairing_kfp.pipeline.notebook_gate import add_gates
from fairing_kfp.pipeline.script_values import check_script_values
from fairing_kfp.pipeline.serving_check import add_serving_checks
from fairing_kfp.pipeline.specification import Specification
from fairing_kfp.pipeline.yaml_header import yaml_header
from fairing_kfp.preprocess.defaults import wrong_default
from fairing_kfp.preprocess.kfp_errors import translate
from fairing_kfp.preprocess.source import OWN_IMAGES, ComponentSource, placeholders
from fairing_kfp.settings import Settings

_KNOWN = ("2.17.",)
"""Versions of kfp whose compiler was read."""


@dataclass(frozen=True)
class TracedPipeline:
    """A pipeline as kfp compiles it. Placeholders stand for its images, and tasks after notebooks check their status.

    Attributes:
        specification: the parsed documents; read-only.
        sources: its components, by placeholder, in order of first appearance.
        folder: the folder of the file that defines it; None for a notebook or a REPL.
        files: the file or notebook cell that defines it, if it is known.
    """

    specification: Specification
    sources: Mapping[str, ComponentSource]
    folder: Path | None = None
    files: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The pipeline's name in KFP."""
        return self.specification.name

    @property
    def own_images(self) -> tuple[str, ...]:
        """Placeholders of our own images that its steps run in."""
        used = {container.get("image") for container in self.specification.containers}
        return tuple(image for image in OWN_IMAGES if image in used)

    @property
    def typed_inputs(self) -> TypedInputs:
        """The inputs of types that KFP does not know, to which its parameters are passed."""
        return typed_inputs(self.specification, self.sources)

    def for_cluster(self, settings: Settings) -> TracedPipeline:
        """The pipeline whose serve steps get the registry settings, and are checked before training starts.

        Raises:
            ConfigError: the CA certificates cannot be read.
        """
        specification = self.specification.copy()
        return replace(self, specification=specification) if add_serving_checks(specification, settings) else self

    def text(self, images: Mapping[str, str]) -> str:
        """The pipeline as YAML.

        Args:
            images: references by placeholder.
        """
        text = self.specification.text()
        for placeholder, reference in images.items():
            text = text.replace(placeholder, reference)
        return text


def trace(pipeline: Any) -> TracedPipeline:
    """Compiles a pipeline with kfp and parses the result.

    Args:
        pipeline: the result of `@dsl.pipeline` or `@fairing_component`.

    Raises:
        PipelineError: the object is not a pipeline, an integer is beyond 2**53, a default is not of its type, or a
            script cannot be given a value.
        ComponentError: a placeholder belongs to a component of another process.
    """
    if not hasattr(pipeline, "pipeline_spec"):
        raise PipelineError(f"{pipeline!r} is not a pipeline", "decorate a function with @dsl.pipeline")
    # Not parsed from kfp's YAML: a default of several lines ends its comment in the first.
    try:
        document, platform = map(_document, (pipeline.pipeline_spec, pipeline.platform_spec))
        header = yaml_header(document, pipeline.description)
        specification = Specification(header, document, [platform] if platform else [])
        if _needs_check(specification):
            _check(pipeline)
    except Exception as error:  # of kfp and protobuf
        raise _refused(pipeline, error) from error
    sources = placeholders(json.dumps([document, platform]))
    check_integers(specification)
    check_constants(specification, sources)
    check_script_values(specification, sources)
    describe_parameters(specification, typed_inputs(specification, sources))
    select_loop_fields(specification)
    type_loop_items(specification)
    add_gates(specification, [image for image, source in sources.items() if source.code.needs_gate])
    return TracedPipeline(specification, sources, folder_of(pipeline), files_of(pipeline))


def _refused(pipeline: Any, error: Exception) -> PipelineError:
    """The error for a pipeline that kfp's decorators have accepted, and its compiler has not."""
    function = getattr(pipeline, "pipeline_func", None) or getattr(pipeline, "python_func", None)
    wrong = wrong_default(inspect.signature(function).parameters.values()) if function else None
    message, remedy = wrong or translate(error) or (" ".join(str(error).split()), "correct the pipeline")
    return PipelineError(f"the pipeline {pipeline.name}: {message}", remedy)


def _document(message: Any) -> Any:
    """A message of protobuf as a dictionary, in the order of the YAML; maps of protobuf have none."""
    from google.protobuf import json_format

    return json.loads(json.dumps(json_format.MessageToDict(message), sort_keys=True))


def _needs_check(specification: Specification) -> bool:
    """Whether kfp's compiler may refuse what its decorators have accepted.

    These versions only refuse importers that download to a workspace which the pipeline lacks. They write YAML in
    pure Python, which takes most of the time of a large pipeline.
    """
    import kfp

    importers = [one["importer"] for one in specification.executors.values() if "importer" in one]
    return not kfp.__version__.startswith(_KNOWN) or any("downloadToWorkspace" in importer for importer in importers)


def _check(pipeline: Any) -> None:
    """Compiles a pipeline with kfp for the errors that it raises."""
    from kfp import compiler

    with tempfile.TemporaryDirectory() as folder:
        compiler.Compiler().compile(pipeline, str(Path(folder, "pipeline.yaml")))
