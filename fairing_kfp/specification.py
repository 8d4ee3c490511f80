"""Compiled pipelines as documents: read, looked through, added to and written again."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

_COMPLETED = "ALL_UPSTREAM_TASKS_COMPLETED"
# What decides where a pod may run and whence it is pulled; not what one step alone needs.
_POD_SETTINGS = ("imagePullPolicy", "imagePullSecret", "nodeSelector", "podMetadata", "securityContext", "tolerations")


@dataclass(frozen=True)
class Specification:
    """A compiled pipeline, whose documents may be changed.

    Attributes:
        header: the comments at its beginning.
        document: the pipeline.
        platforms: what it says of platforms, that is of Kubernetes.
    """

    header: str
    document: Any
    platforms: list[Any]

    @classmethod
    def parse(cls, text: str) -> Specification:
        """Reads a compiled pipeline."""
        document, *platforms = yaml.safe_load_all(text)
        header = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
        return cls(header, document, platforms)

    def text(self) -> str:
        """The pipeline as YAML."""
        return self.header + "---\n".join(yaml.dump(one, sort_keys=True) for one in (self.document, *self.platforms))

    @property
    def executors(self) -> dict[str, Any]:
        """What the steps run, by their labels."""
        found: dict[str, Any] = self.document["deploymentSpec"]["executors"]
        return found

    @property
    def components(self) -> dict[str, Any]:
        """The components by their names; those with a DAG hold tasks."""
        found: dict[str, Any] = self.document.get("components", {})
        return found

    def graphs(self) -> Iterator[dict[str, Any]]:
        """The tasks of each DAG."""
        for component in (self.document["root"], *list(self.components.values())):
            if "dag" in component:
                yield component["dag"]["tasks"]

    def settings(self, label: str) -> dict[str, Any]:
        """What Kubernetes is told of an executor."""
        found: dict[str, Any] = {}
        for document in self.platforms:
            found |= document["platforms"]["kubernetes"]["deploymentSpec"]["executors"].get(label, {})
        return found

    def put_settings(self, label: str, settings: dict[str, Any]) -> None:
        """Tells Kubernetes of another executor, wherever it is told of some."""
        for document in self.platforms:
            if settings:
                document["platforms"]["kubernetes"]["deploymentSpec"]["executors"][label] = settings

    def pod_settings(self, label: str) -> dict[str, Any]:
        """Those settings that an executor beside this one needs, too, as far as it could know their values."""
        kept = {key: value for key, value in self.settings(label).items() if key in _POD_SETTINGS}
        return copy.deepcopy({key: value for key, value in kept.items() if not _refers(value)})


def is_exit(task: Any) -> bool:
    """Whether KFP runs a task when others are over, however they ended."""
    return bool(task.get("triggerPolicy", {}).get("strategy") == _COMPLETED)


def free(name: str, taken: Collection[str]) -> str:
    """A name that is not taken."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found


def _refers(value: Any) -> bool:
    """Whether a setting is an input of its step or another task's output, which no other step has."""
    if isinstance(value, dict):
        return any(key in ("componentInputParameter", "taskOutputParameter") or _refers(v) for key, v in value.items())
    return isinstance(value, list) and any(map(_refers, value))
