"""`batch/v1` Job: one pod for each completion index.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

from collections.abc import Iterable

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.rbac import FOLLOWED
from fairing_kfp.cluster.rule import Rule
from fairing_kfp.train.kinds.kind import TTL, JobResult, rank_label, result_by_conditions
from fairing_kfp.train.spec import Framework, JobSpec

_INDEX = "batch.kubernetes.io/job-completion-index"
_NAME = "batch.kubernetes.io/job-name"


class Job:
    """A Job whose nodes are its completions, all in parallel."""

    api_version = "batch/v1"
    kind = "Job"
    container = "main"
    framework: Framework | None = None
    rule = Rule("batch", "jobs", FOLLOWED)
    controllers = ()

    def manifest(self, spec: JobSpec, name: str, template: Object) -> Object:
        """The Job; see `TrainingKind`."""
        body: Object = {
            "completionMode": "Indexed",
            "completions": spec.nodes,
            "parallelism": spec.nodes,
            "ttlSecondsAfterFinished": TTL,
            **_retries(spec),
            "template": {**template, "spec": {**template["spec"], "restartPolicy": "Never"}},
        }
        if spec.deadline is not None:
            body["activeDeadlineSeconds"] = spec.deadline
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": {"name": name}, "spec": body}

    def preflight(self, cluster: Cluster, spec: JobSpec) -> Job:
        """Checks nothing, since every cluster serves Jobs."""
        return self

    def pods(self, name: str) -> str:
        """The label selector of the Job's pods; see `TrainingKind`."""
        return f"{_NAME}={name}"

    def rank(self, pod: Object) -> int | None:
        """The completion index; see `TrainingKind`."""
        return rank_label(pod, _INDEX)

    def result(self, job: Object, pods: Iterable[Object] = (), retries: int = 0) -> JobResult | None:
        """The result by the conditions `Complete` and `Failed`; see `TrainingKind`."""
        return result_by_conditions(job, "Complete")


def _retries(spec: JobSpec) -> Object:
    """The backoff limit, per node if there are several: nodes that fail together are each restarted `retries` times."""
    if spec.nodes > 1 and spec.retries:
        return {"backoffLimitPerIndex": spec.retries, "maxFailedIndexes": 0}
    return {"backoffLimit": spec.retries}


KIND = Job()
