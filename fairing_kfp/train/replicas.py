"""What PyTorchJob and TFJob of Kubeflow's Training Operator 1 have in common: numbered workers that are all alike.

There is no master or chief beside the workers. The job is over when all nodes are, so that none fails unseen after the
first one has ended; and no worker gets the operator's init container, which pulls an image of its own from Docker Hub
and asks the cluster's DNS for a master whose address our nodes know anyway.

Source: https://www.kubeflow.org/docs/components/trainer/legacy-v1/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import find_kind
from fairing_kfp.train.order import Order
from fairing_kfp.train.workload import DEADLINE, KEPT, Outcome, condition, exhausted, labelled_rank

_NAME = "training.kubeflow.org/job-name"
_INDEX = "training.kubeflow.org/replica-index"
_PAST_DEADLINE = "longer than specified deadline"


@dataclass(frozen=True)
class ReplicaJob:
    """A kind of jobs of the Training Operator.

    Attributes:
        kind: its name.
        container: what the operator wants the container to be called that runs the code.
        replicas: the field that holds its workers.
        own: the other fields that only this kind has, of an order.
    """

    kind: str
    container: str
    replicas: str
    own: Callable[[Order], Object]
    api_version: str = "kubeflow.org/v1"

    def manifest(self, order: Order, name: str, template: Object) -> Object:
        """The job; see `Workload`."""
        policy: Object = {"cleanPodPolicy": "Running", "ttlSecondsAfterFinished": KEPT}
        if order.deadline is not None:
            policy["activeDeadlineSeconds"] = order.deadline
            # The operator looks at the clock only when something happens; the kubelet sees to it that something does.
            template = {**template, "spec": {"activeDeadlineSeconds": order.deadline, **template["spec"]}}
        if order.retries:
            # The operator counts what the kubelet started anew, and ends the job when that reaches the limit.
            policy["backoffLimit"] = order.retries + 1
        worker = {
            "replicas": order.nodes,
            "restartPolicy": "OnFailure" if order.retries else "Never",
            "template": template,
        }
        spec = {**self.own(order), "runPolicy": policy, self.replicas: {"Worker": worker}}
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": {"name": name}, "spec": spec}

    def check(self, cluster: Cluster, order: Order) -> ReplicaJob:
        """Sees that the operator is installed; see `Workload`."""
        find_kind(cluster, self.api_version, self.kind)
        return self

    def pods(self, name: str) -> str:
        """By the job's name; see `Workload`."""
        return f"{_NAME}={name}"

    def rank(self, pod: Object) -> int | None:
        """The worker's number; see `Workload`."""
        return labelled_rank(pod, _INDEX)

    def outcome(self, state: Object, pods: Iterable[Object] = (), retries: int = 0) -> Outcome | None:
        """By the conditions Failed, which holds beside an earlier Succeeded, and Succeeded; see `Workload`."""
        failed = condition(state, "Failed")
        if failed:
            message = failed.get("message", "")
            reason = DEADLINE if _PAST_DEADLINE in message else failed.get("reason", "")
            return Outcome(False, reason, message)
        if condition(state, "Succeeded"):
            return Outcome(succeeded=True)
        return exhausted(pods, self.container, retries) if retries else None
