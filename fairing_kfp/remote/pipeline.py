"""A compiled pipeline in the form in which the API takes and returns it."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fairing_kfp.pipeline.specification import Specification


@dataclass(frozen=True)
class PipelineDocument:
    """The documents of a pipeline.

    Attributes:
        pipeline: the PipelineSpec.
        platform: the PlatformSpec, with settings for Kubernetes; empty if it has none.
    """

    pipeline: Mapping[str, Any] = field(default_factory=dict)
    platform: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_yaml(cls, text: str) -> PipelineDocument:
        """Parses a compiled pipeline."""
        specification = Specification.parse(text)
        platform: dict[str, Any] = {}
        for document in specification.platforms:
            platform |= document or {}
        return cls(specification.document, platform)

    @classmethod
    def from_api(cls, value: Mapping[str, Any] | None) -> PipelineDocument:
        """Parses `pipeline_spec` of a run or a pipeline version."""
        value = value or {}
        if "pipeline_spec" in value:
            return cls(value["pipeline_spec"] or {}, value.get("platform_spec") or {})
        return cls(value)

    def for_api(self) -> dict[str, Any]:
        """The value of `pipeline_spec` in a request."""
        if not self.platform:
            return dict(self.pipeline)
        return {"pipeline_spec": dict(self.pipeline), "platform_spec": dict(self.platform)}

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return str(self.pipeline.get("pipelineInfo", {}).get("name", ""))

    def without_cache(self) -> PipelineDocument:
        """The same pipeline, none of whose tasks reuses outputs of earlier runs, in nested pipelines neither."""
        pipeline: Any = copy.deepcopy(self.pipeline)
        for component in (pipeline.get("root", {}), *pipeline.get("components", {}).values()):
            for task in component.get("dag", {}).get("tasks", {}).values():
                task["cachingOptions"] = {}
        return PipelineDocument(pipeline, self.platform)

    def equals(self, other: PipelineDocument) -> bool:
        """Whether two documents describe the same pipeline, however their numbers and defaults are written."""
        from google.protobuf import json_format
        from kfp.pipeline_spec import pipeline_spec_pb2

        def message(document: PipelineDocument) -> tuple[Any, Any]:
            return (
                json_format.ParseDict(document.pipeline, pipeline_spec_pb2.PipelineSpec(), ignore_unknown_fields=True),
                json_format.ParseDict(document.platform, pipeline_spec_pb2.PlatformSpec(), ignore_unknown_fields=True),
            )

        try:
            return message(self) == message(other)
        except json_format.ParseError:
            return False


def version_name(text: str) -> str:
    """The name of a pipeline version: equal for equal YAML."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
