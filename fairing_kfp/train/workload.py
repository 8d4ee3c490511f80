"""What the kinds of jobs have in common: an object that is made of an order, and that says how it ended.

Each kind is a module of its own with one class; `workload` picks it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.train.order import Order

PORT = 9473
"""Where a node listens for its step."""

DEADLINE = "DeadlineExceeded"
"""The reason of a job that ran out of time, whatever its kind calls it."""


KEPT = 3600
"""Seconds for which a job that is over is kept, if nobody is left to delete it and its kind can do that itself."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        succeeded: whether it did what it was for.
        reason: one word, as Kubernetes has it: `BackoffLimitExceeded`.
        message: the rest.
    """

    succeeded: bool
    reason: str = ""
    message: str = ""


class Workload(Protocol):
    """A kind of jobs."""

    api_version: str
    kind: str
    container: str
    """The name of the container in its pods that runs the component's code."""

    def manifest(self, order: Order, name: str, template: Object) -> Object:
        """The object.

        Args:
            order: what is to be run.
            name: the object's.
            template: `metadata` and `spec` of the pods, as `fairing_kfp.train.template.pod_template` makes them; the
                container that runs the code is the first, and already named `container`.

        Raises:
            ConfigError: the kind has no place for something that the order wants.
        """
        ...

    def check(self, cluster: Cluster, order: Order) -> Workload:
        """Sees, before anything is created, that the cluster can run the order.

        Returns:
            The kind as this cluster has it, which makes the manifests.

        Raises:
            ClusterError: what it lacks, such as the kind or the runtime.
        """
        ...

    def pods(self, name: str) -> str:
        """The selector of the job's pods."""
        ...

    def rank(self, pod: Object) -> int | None:
        """Which node a pod is, counted from 0; None if it is none of the nodes."""
        ...

    def outcome(self, state: Object, pods: Iterable[Object] = (), retries: int = 0) -> Outcome | None:
        """How the job ended; None while it has not.

        Args:
            state: the job.
            pods: those of its nodes: some kinds would start nodes anew for longer than the order allows.
            retries: how often nodes that failed are started anew.
        """
        ...


def workload(kind: str) -> Workload:
    """The kind of jobs that an order names."""
    module = importlib.import_module(f"fairing_kfp.train.{kind}")
    made: Workload = module.WORKLOAD
    return made


def exhausted(pods: Iterable[Object], container: str, retries: int) -> Outcome | None:
    """The end of a job whose containers, which the kubelet starts anew in their pods, failed too often.

    Args:
        pods: those of its nodes.
        container: the name of the container that runs the code.
        retries: how many failures of all nodes together are allowed.
    """
    failures = sum(_failures(pod, container) for pod in pods)
    if failures <= retries:
        return None
    return Outcome(False, "BackoffLimitExceeded", f"its nodes failed {failures} times, and {retries} are allowed")


def _failures(pod: Object, container: str) -> int:
    for found in (pod.get("status") or {}).get("containerStatuses") or []:
        if found["name"] == container:
            state = found.get("state") or {}
            over = state.get("terminated") or {}
            again = (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff"
            return int(found.get("restartCount") or 0) + bool(over.get("exitCode") or again)
    return int((pod.get("status") or {}).get("phase") == "Failed")


def condition(state: Object, kind: str) -> dict[str, Any] | None:
    """A condition of an object's status that holds."""
    for found in (state.get("status") or {}).get("conditions") or []:
        if found["type"] == kind and found["status"] == "True":
            return dict(found)
    return None


def labelled_rank(pod: Object, label: str) -> int | None:
    """The number that a label of a pod holds; None if it has no such label."""
    index = (pod["metadata"].get("labels") or {}).get(label)
    return int(index) if index is not None else None
