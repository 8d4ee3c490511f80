"""Jobs of Kubeflow Training Operator 1, with identical numbered workers. PyTorchJob and TFJob are made from it.

There is no master or chief in addition to the workers. The job succeeds when all nodes have succeeded, so that no
failure goes unnoticed after the first node has finished. Without a master, the operator adds no init container to the
workers, which would pull an image from Docker Hub and resolve the master's address; nodes get addresses from the step.

Source: https://www.kubeflow.org/docs/components/trainer/legacy-v1/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import find_kind
from fairing_kfp.cluster.rule import Rule
from fairing_kfp.train.kinds.kind import DEADLINE, TTL, JobResult, rank_label, retries_exhausted, true_condition
from fairing_kfp.train.spec import Framework, JobSpec

_NAME = "training.kubeflow.org/job-name"
_INDEX = "training.kubeflow.org/replica-index"
_PAST_DEADLINE = "longer than specified deadline"


@dataclass(frozen=True)
class OperatorJob:
    """A kind of job of the Training Operator.

    Attributes:
        kind: `kind` of the job.
        container: name that the operator requires for the container that runs the code.
        framework: framework of components that set none.
        rule: the RBAC rule for the job.
        replicas_field: name of the field that contains the workers.
        extra_fields: returns the fields of a spec that only this kind has.
    """

    kind: str
    container: str
    framework: Framework | None
    rule: Rule
    replicas_field: str
    extra_fields: Callable[[JobSpec], Object]
    api_version: str = "kubeflow.org/v1"
    controllers: tuple[Rule, ...] = ()

    def manifest(self, spec: JobSpec, name: str, template: Object) -> Object:
        """The job; see `TrainingKind`."""
        policy: Object = {"cleanPodPolicy": "Running", "ttlSecondsAfterFinished": TTL}
        if spec.deadline is not None:
            policy["activeDeadlineSeconds"] = spec.deadline
            # The operator checks the deadline only on events. The kubelet's deadline for the pods causes one.
            template = {**template, "spec": {"activeDeadlineSeconds": spec.deadline, **template["spec"]}}
        if spec.retries:
            # The operator counts restarts by the kubelet, and fails the job when their number reaches the limit.
            policy["backoffLimit"] = spec.retries + 1
        worker = {
            "replicas": spec.nodes,
            "restartPolicy": "OnFailure" if spec.retries else "Never",
            "template": template,
        }
        body = {**self.extra_fields(spec), "runPolicy": policy, self.replicas_field: {"Worker": worker}}
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": {"name": name}, "spec": body}

    def preflight(self, cluster: Cluster, spec: JobSpec) -> OperatorJob:
        """Checks that the operator is installed; see `TrainingKind`."""
        find_kind(cluster, self.api_version, self.kind)
        return self

    def pods(self, name: str) -> str:
        """The label selector of the job's pods; see `TrainingKind`."""
        return f"{_NAME}={name}"

    def rank(self, pod: Object) -> int | None:
        """The index of the worker; see `TrainingKind`."""
        return rank_label(pod, _INDEX)

    def result(self, job: Object, pods: Iterable[Object] = (), retries: int = 0) -> JobResult | None:
        """The result by the conditions `Failed` and `Succeeded`, which may both be true; see `TrainingKind`."""
        failed = true_condition(job, "Failed")
        if failed:
            message = failed.get("message", "")
            reason = DEADLINE if _PAST_DEADLINE in message else failed.get("reason", "")
            return JobResult(False, reason, message)
        if true_condition(job, "Succeeded"):
            return JobResult(succeeded=True)
        return retries_exhausted(pods, self.container, retries) if retries else None
