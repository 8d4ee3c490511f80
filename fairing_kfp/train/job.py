"""`batch/v1` Job: one node, or several that are counted by their index.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

from collections.abc import Iterable

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.train.order import Order
from fairing_kfp.train.workload import KEPT, Outcome, condition, labelled_rank

_INDEX = "batch.kubernetes.io/job-completion-index"
_NAME = "batch.kubernetes.io/job-name"


class Job:
    """A Job; several nodes are its completions, all at once."""

    api_version = "batch/v1"
    kind = "Job"
    container = "main"

    def manifest(self, order: Order, name: str, template: Object) -> Object:
        """The Job; see `Workload`."""
        spec: Object = {
            "completionMode": "Indexed",
            "completions": order.nodes,
            "parallelism": order.nodes,
            "ttlSecondsAfterFinished": KEPT,
            **_retries(order),
            "template": {**template, "spec": {**template["spec"], "restartPolicy": "Never"}},
        }
        if order.deadline is not None:
            spec["activeDeadlineSeconds"] = order.deadline
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": {"name": name}, "spec": spec}

    def check(self, cluster: Cluster, order: Order) -> Job:
        """Every cluster has Jobs."""
        return self

    def pods(self, name: str) -> str:
        """By the Job's name; see `Workload`."""
        return f"{_NAME}={name}"

    def rank(self, pod: Object) -> int | None:
        """The completion index; see `Workload`."""
        return labelled_rank(pod, _INDEX)

    def outcome(self, state: Object, pods: Iterable[Object] = (), retries: int = 0) -> Outcome | None:
        """By the conditions Complete and Failed; see `Workload`."""
        if condition(state, "Complete"):
            return Outcome(succeeded=True)
        failed = condition(state, "Failed")
        return Outcome(False, failed.get("reason", ""), failed.get("message", "")) if failed else None


def _retries(order: Order) -> Object:
    """How often nodes are started anew; of several that fail with one another, each as often as it may."""
    if order.nodes > 1 and order.retries:
        return {"backoffLimitPerIndex": order.retries, "maxFailedIndexes": 0}
    return {"backoffLimit": order.retries}


WORKLOAD = Job()
