"""The graph of a pipeline as it is drawn: its tasks, with those of loops, conditions and nested pipelines in them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fairing_kfp.display.graph import Node
from fairing_kfp.pipeline.specification import is_exit_task

_DEPTH = 20
_LONGEST = 30
_VALUE = re.compile(r"inputs\.parameter_values\['(?:pipelinechannel--)?([^']*)'\]")
_ITERATORS = ("parameterIterator", "artifactIterator")


def graph_of(document: Mapping[str, Any]) -> tuple[Node, ...]:
    """The tasks of a compiled pipeline (PipelineSpec)."""
    return _nodes(document["root"], document, _DEPTH)


def _nodes(component: Mapping[str, Any], document: Mapping[str, Any], depth: int) -> tuple[Node, ...]:
    tasks = component["dag"].get("tasks", {})
    return tuple(_node(name, tasks[name], document, depth) for name in sorted(tasks))


def _node(name: str, task: Mapping[str, Any], document: Mapping[str, Any], depth: int) -> Node:
    component = document.get("components", {}).get(task["componentRef"]["name"], {})
    inner = _nodes(component, document, depth - 1) if "dag" in component and depth else ()
    after = tuple(task.get("dependentTasks", ()))
    condition = task.get("triggerPolicy", {}).get("condition", "")
    if condition:
        return Node(name, after, "if", _VALUE.sub(r"\1", condition), inner)
    for iterator in _ITERATORS:
        if iterator in task:
            return Node(name, after, "for", _items(task[iterator]), inner)
    if is_exit_task(task):
        return Node(name, after, "at the end:", "", inner)
    executor = document.get("deploymentSpec", {}).get("executors", {}).get(component.get("executorLabel"), {})
    return Node(name, after, "import" if "importer" in executor else "", "", inner)


def _items(iterator: Mapping[str, Any]) -> str:
    """What a loop iterates over."""
    items = iterator.get("items", {})
    if "raw" in items:
        values = json.loads(items["raw"])
        return f"{len(values)} items" if len(items["raw"]) > _LONGEST else f"each of {items['raw']}"
    name = str(items.get("inputParameter", items.get("inputArtifact", ""))).removeprefix("pipelinechannel--")
    return f"each of {name}"
