"""Names of a step's pods, from ids of the workflow's nodes.

Argo names a node by the path of its tasks, `digits-x7k2p.root.train.executor`. The node's id ends in a hash of this
name (FNV-1a, 32 bit), and its pod's name consists of the workflow, the template and this hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_PRIME, _OFFSET = 0x01000193, 0x811C9DC5


def fnv1a(text: str, value: int = _OFFSET) -> int:
    """The hash of a text, or with `value`, the hash of a text that this one extends."""
    for byte in text.encode():
        value = ((value ^ byte) * _PRIME) & 0xFFFFFFFF
    return value


def pod_names(node: str, task: str, document: Mapping[str, Any], platform: Mapping[str, Any]) -> Iterator[str]:
    """The names that the pod of a step may have: that of its last attempt first.

    Args:
        node: id of its executor's node.
        task: the task's name in the pipeline.
        document: the pipeline (PipelineSpec).
        platform: its platform document (PlatformSpec); empty if it has none.
    """
    workflow, _, digits = node.rpartition("-")
    if not digits.isdecimal():
        yield node
        return
    retries, template = _retries(document, task), "system-container-impl"
    if retries:
        template = f"retry-{template}"
    ends = _attempts(int(digits), retries) if retries else [int(digits)]
    for prefix in dict.fromkeys((_metadata_prefix(document, platform, task), "")):
        for end in ends:
            yield f"{workflow}-{prefix}{template}-{end}"
    yield node  # if the workflow controller is set to POD_NAMES=v1


def node_hashes(node: str, task: str, document: Mapping[str, Any]) -> list[str]:
    """The ends of the names that the pods of a step may have, whatever their template: its last attempt first."""
    digits = node.rpartition("-")[2]
    if not digits.isdecimal():
        return [digits]
    return [*map(str, _attempts(int(digits), _retries(document, task))), digits]


def driver_pod_name(workflow: str, task: str) -> str:
    """The name of the driver's pod of a task of the pipeline itself, in no loop, condition or nested pipeline."""
    return f"{workflow}-system-container-driver-{fnv1a(f'{workflow}.root.{task}-driver')}"


def _attempts(value: int, retries: int) -> list[int]:
    """With retries, the pods are nodes of their own: `executor(0)`, `executor(1)`."""
    return [fnv1a(f"({number})", value) for number in reversed(range(retries + 1))] if retries else []


def _tasks(document: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    for one in (document.get("root", {}), *document.get("components", {}).values()):
        task = one.get("dag", {}).get("tasks", {}).get(name)
        if task:
            yield task


def _retries(document: Mapping[str, Any], name: str) -> int:
    return max((int(task.get("retryPolicy", {}).get("maxRetryCount", 0)) for task in _tasks(document, name)), default=0)


def _metadata_prefix(document: Mapping[str, Any], platform: Mapping[str, Any], name: str) -> str:
    """KFP makes a template for each number of annotations and labels: `metadata-1-2-`."""
    executors = platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
    for task in _tasks(document, name):
        component = document.get("components", {}).get(task.get("componentRef", {}).get("name"), {})
        metadata = executors.get(component.get("executorLabel"), {}).get("podMetadata")
        if metadata:
            return f"metadata-{len(metadata.get('annotations', {}))}-{len(metadata.get('labels', {}))}-"
    return ""
