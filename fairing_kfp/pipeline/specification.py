"""The specification of a compiled pipeline, as parsed YAML documents that can be changed and written."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from typing import Any

import yaml

from fairing_kfp.errors import PipelineError
from fairing_kfp.frozen import dataclass
from fairing_kfp.pipeline.yaml_text import yaml_text

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where PyYAML has it, is ten times as fast
_COMPLETED = "ALL_UPSTREAM_TASKS_COMPLETED"
# Settings that decide where a pod may run and how its image is pulled, not those that only one step needs.
_POD_SETTINGS = ("imagePullPolicy", "imagePullSecret", "nodeSelector", "podMetadata", "securityContext", "tolerations")


@dataclass(frozen=True)
class Specification:
    """A compiled pipeline; its documents may be changed.

    Attributes:
        header: comments at the beginning.
        document: the pipeline (PipelineSpec).
        platforms: platform documents (PlatformSpec), with settings for Kubernetes.
    """

    header: str
    document: Any
    platforms: list[Any]

    @classmethod
    def parse(cls, text: str) -> Specification:
        """Parses a compiled pipeline."""
        document, *platforms = yaml.load_all(text, _LOADER)
        header = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
        return cls(header, document, platforms)

    def text(self) -> str:
        """The pipeline as YAML."""
        return self.header + "---\n".join(map(yaml_text, (self.document, *self.platforms)))

    def check_text(self, text: str) -> None:
        """Parses the YAML of this pipeline as Kubeflow Pipelines does.

        Args:
            text: the YAML, with references of images in place of placeholders.

        Raises:
            PipelineError: it is not YAML of this pipeline.
        """
        from google.protobuf import json_format
        from kfp.pipeline_spec import pipeline_spec_pb2

        try:
            document, *platforms = yaml.load_all(text, _LOADER)
            json_format.ParseDict(document, pipeline_spec_pb2.PipelineSpec())
            for platform in platforms:
                json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
            if (document["pipelineInfo"]["name"], len(platforms)) != (self.name, len(self.platforms)):
                raise ValueError(f"it contains the pipeline {document['pipelineInfo']['name']}")
        except (yaml.YAMLError, json_format.ParseError, ValueError, TypeError, KeyError) as error:
            raise PipelineError(
                f"the YAML of {self.name} cannot be read again: {error}",
                "look for unusual text in names, descriptions and defaults, and report it",
            ) from error

    def copy(self) -> Specification:
        """A copy whose documents may be changed."""
        return copy.deepcopy(self)

    @property
    def name(self) -> str:
        """The pipeline's name in KFP."""
        return str(self.document["pipelineInfo"]["name"])

    @property
    def parameters(self) -> dict[str, Any]:
        """The pipeline's input parameters."""
        found: dict[str, Any] = self.document["root"].get("inputDefinitions", {}).get("parameters", {})
        return found

    @property
    def containers(self) -> list[dict[str, Any]]:
        """The containers of all executors."""
        return [one["container"] for one in self.executors.values() if "container" in one]

    @property
    def executors(self) -> dict[str, Any]:
        """Executors by label."""
        found: dict[str, Any] = self.document.get("deploymentSpec", {}).get("executors", {})
        return found

    @property
    def components(self) -> dict[str, Any]:
        """Components by name; those with a DAG contain tasks."""
        found: dict[str, Any] = self.document.get("components", {})
        return found

    def graphs(self) -> Iterator[dict[str, Any]]:
        """The tasks of each DAG, by name."""
        for component in (self.document["root"], *list(self.components.values())):
            if "dag" in component:
                yield component["dag"]["tasks"]

    def task_names(self) -> set[str]:
        """The names of the tasks of all DAGs."""
        return {name for tasks in self.graphs() for name in tasks}

    def kubernetes_settings(self, label: str) -> dict[str, Any]:
        """The Kubernetes settings of an executor."""
        settings: dict[str, Any] = {}
        for document in self.platforms:
            settings |= document["platforms"]["kubernetes"]["deploymentSpec"]["executors"].get(label, {})
        return settings

    def set_kubernetes_settings(self, label: str, settings: dict[str, Any]) -> None:
        """Sets the Kubernetes settings of a new executor."""
        for document in self.platforms:
            if settings:
                document["platforms"]["kubernetes"]["deploymentSpec"]["executors"][label] = settings

    def pod_settings(self, label: str) -> dict[str, Any]:
        """The settings that another executor needs to run on the same nodes, except those from inputs of the step."""
        kept = {key: value for key, value in self.kubernetes_settings(label).items() if key in _POD_SETTINGS}
        return copy.deepcopy({key: value for key, value in kept.items() if not _has_reference(value)})


def is_exit_task(task: Any) -> bool:
    """Whether KFP runs a task after others even if they failed."""
    return bool(task.get("triggerPolicy", {}).get("strategy") == _COMPLETED)


def unused_name(name: str, taken: Collection[str]) -> str:
    """The name, with a number if it is taken."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found


def _has_reference(value: Any) -> bool:
    """Whether a setting comes from an input of the step or an output of another task."""
    if isinstance(value, dict):
        return any(
            key in ("componentInputParameter", "taskOutputParameter") or _has_reference(v) for key, v in value.items()
        )
    return isinstance(value, list) and any(map(_has_reference, value))
