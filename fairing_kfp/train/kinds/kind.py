"""The interface of a kind of job: its manifest, its pods and its result.

Each kind is a module of this folder that declares `KIND`, and a row in `select.KINDS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.objects import condition
from fairing_kfp.cluster.pods import container_status, phase_of
from fairing_kfp.cluster.rbac import NODES
from fairing_kfp.cluster.rule import Rule
from fairing_kfp.errors import ConfigError
from fairing_kfp.train.kinds.select import KINDS, load
from fairing_kfp.train.spec import Framework, JobSpec

DEADLINE = "DeadlineExceeded"
"""Reason of a job that exceeded its deadline, for all kinds."""

TTL = 3600
"""How long a finished job is kept if the step did not delete it, in seconds; for kinds that have such a field."""


@dataclass(frozen=True)
class JobResult:
    """The result of a job.

    Attributes:
        succeeded: whether the job completed.
        reason: reason in CamelCase, such as `BackoffLimitExceeded`.
        message: human-readable details.
    """

    succeeded: bool
    reason: str = ""
    message: str = ""


class TrainingKind(Protocol):
    """A kind of job that runs a component's code."""

    @property
    def api_version(self) -> str:
        """`apiVersion` of the job."""

    @property
    def kind(self) -> str:
        """`kind` of the job, also in messages."""

    @property
    def container(self) -> str:
        """Name of the container that runs the component's code."""

    @property
    def framework(self) -> Framework | None:
        """Framework of components that set none; None for no framework."""

    @property
    def rule(self) -> Rule:
        """The RBAC rule for the job. The rules for its pods are those of all kinds."""

    @property
    def controllers(self) -> tuple[Rule, ...]:
        """The RBAC rules for the objects between the job and its pods, which the step reads; often none."""

    def manifest(self, spec: JobSpec, name: str, template: Object) -> Object:
        """The job as an object for the API server.

        Args:
            spec: spec of the step.
            name: name of the job.
            template: `metadata` and `spec` of the pods, as `pod_template` makes them. The first container runs the
                code; its name is `container`.

        Raises:
            ConfigError: the kind does not support something in the spec.
        """
        ...

    def preflight(self, cluster: Cluster, spec: JobSpec) -> TrainingKind:
        """Checks that the cluster can run the spec, before anything is created.

        Returns:
            The kind as this cluster serves it, which makes the manifests.

        Raises:
            ClusterError: the cluster lacks something, such as the kind or the runtime.
        """
        ...

    def pods(self, name: str) -> str:
        """The label selector of a job's pods.

        Args:
            name: name of the job.
        """
        ...

    def rank(self, pod: Object) -> int | None:
        """The rank of a pod's node, from 0; None if the pod is not a node."""
        ...

    def result(self, job: Object, pods: Iterable[Object] = (), retries: int = 0) -> JobResult | None:
        """The result of a job; None while it runs.

        Args:
            job: the job.
            pods: pods of its nodes, since some kinds restart nodes more often than the spec allows.
            retries: how many times a failed node is restarted.
        """
        ...


def training_kind(name: str) -> TrainingKind:
    """The kind of job with a name.

    Args:
        name: one of `select.KINDS`.

    Raises:
        ConfigError: there is no such kind.
    """
    if name not in KINDS:
        raise ConfigError(f"{name!r} is not a kind of training job", f"use one of {', '.join(KINDS)}")
    kind: TrainingKind = load(name)
    return kind


def rules_of(kind: TrainingKind) -> tuple[Rule, ...]:
    """The RBAC rules of a train step: those for the job, for its controllers and for its pods."""
    return (kind.rule, *kind.controllers, *NODES)


def retries_exhausted(pods: Iterable[Object], container: str, retries: int) -> JobResult | None:
    """The result of a job whose containers failed too often; None if they did not.

    For kinds whose containers are restarted in their pods by the kubelet.

    Args:
        pods: pods of the nodes.
        container: name of the container that runs the code.
        retries: number of failures allowed, over all nodes.
    """
    failures = sum(_failures(pod, container) for pod in pods)
    if failures <= retries:
        return None
    return JobResult(False, "BackoffLimitExceeded", f"its nodes failed {failures} times, and {retries} are allowed")


def _failures(pod: Object, container: str) -> int:
    status = container_status(pod, container)
    if status is None:
        return int(phase_of(pod) == "Failed")
    return status.restarts + bool((status.terminated or {}).get("exitCode") or status.backs_off)


def true_condition(job: Object, kind: str) -> Object | None:
    """A condition of an object's status that is true; None if it is missing or false."""
    found = condition(job, kind)
    return found if found.get("status") == "True" else None


def result_by_conditions(job: Object, complete: str, failed: str = "Failed") -> JobResult | None:
    """The result of a job by two conditions of its status; None if neither is true.

    Args:
        job: the job.
        complete: type of the condition of a job that succeeded.
        failed: type of the condition of a job that failed.
    """
    if true_condition(job, complete):
        return JobResult(succeeded=True)
    failure = true_condition(job, failed)
    return JobResult(False, failure.get("reason", ""), failure.get("message", "")) if failure else None


def rank_label(pod: Object, label: str) -> int | None:
    """The integer value of a pod's label; None if the pod does not have the label."""
    index = (pod["metadata"].get("labels") or {}).get(label)
    return int(index) if index is not None else None
