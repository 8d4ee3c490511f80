"""TrainJob of Kubeflow Trainer 2: what it has fields for itself, and the rest laid over its runtime.

The field for the rest has another name in each release, and holds more with each. So the installed version is asked
for its schema, and what has no place in it is an error before anything is created.

Source: https://www.kubeflow.org/docs/components/trainer/operator-guides/runtime-patches/
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from fairing_kfp.cluster.apply import preflight
from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import find_kind
from fairing_kfp.cluster.names import object_name
from fairing_kfp.cluster.schema import schema_of
from fairing_kfp.errors import ClusterError, ConfigError, ForbiddenError, MissingObjectError
from fairing_kfp.train.order import Order
from fairing_kfp.train.overrides import Overrides
from fairing_kfp.train.workload import Outcome, condition, exhausted

DEFAULT_RUNTIME = "torch-distributed"
"""Every release of Trainer brings it, and what it adds (variables for torchrun, a port) disturbs no other framework."""

_GROUP = "trainer.kubeflow.org"
_NODE = "node"
"""The replicated job of a runtime whose pods are the nodes."""
_JOB_SET = "jobset.sigs.k8s.io/jobset-name"
_REPLICATED = "jobset.sigs.k8s.io/replicatedjob-name"
_INDEX = "batch.kubernetes.io/job-completion-index"


@dataclass(frozen=True)
class TrainJob:
    """A TrainJob, as the installed version has it.

    Attributes:
        schema: of its `spec`; empty before `check`.
    """

    schema: Object = field(default_factory=dict)
    api_version: str = "trainer.kubeflow.org/v1alpha1"
    kind: str = "TrainJob"
    container: str = "node"

    def manifest(self, order: Order, name: str, template: Object) -> Object:
        """The TrainJob; see `Workload`."""
        overrides = Overrides.of(self.schema)
        self._refuse_lost(order, overrides, template)
        main = template["spec"]["containers"][0]
        trainer = {key: main[key] for key in ("image", "command", "args", "env") if key in main}
        trainer["numNodes"] = order.nodes
        if main.get("resources"):
            trainer["resourcesPerNode"] = main["resources"]
        if order.processes is not None:
            trainer["numProcPerNode"] = order.processes
        spec: Object = {"runtimeRef": _runtime(order), "trainer": trainer, **overrides.fields(_NODE, template)}
        if order.deadline is not None:
            spec["activeDeadlineSeconds"] = order.deadline
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": {"name": name}, "spec": spec}

    def check(self, cluster: Cluster, order: Order) -> TrainJob:
        """Sees that Trainer is installed and knows the runtime; see `Workload`.

        Raises:
            NotInstalledError: Trainer is not.
            MissingObjectError: there is no such runtime.
            ClusterError: Kubernetes refuses or does not answer.
        """
        kind = find_kind(cluster, self.api_version, self.kind)
        runtime = _runtime(order)
        smallest = {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": {"name": object_name(order.name, "check")},
            "spec": {"runtimeRef": runtime},
        }
        try:
            preflight(cluster, smallest)
        except ForbiddenError as error:
            # Trainer's webhook looks for the runtime, so that we need no right to.
            if not re.search(r"not found.*must be created|unsupported runtime", error.message):
                raise
            raise MissingObjectError(
                f"{order.name}: there is no {runtime['kind']} {runtime['name']} for its TrainJob",
                f"name one with runtime=…, or have it installed; {_known(cluster, runtime['kind'])}",
                status=404,
            ) from error
        return TrainJob(schema_of(cluster, kind)["properties"]["spec"])

    def pods(self, name: str) -> str:
        """By the JobSet that Trainer makes, which has the same name; see `Workload`."""
        return f"{_JOB_SET}={name}"

    def rank(self, pod: Object) -> int | None:
        """The completion index among the nodes; see `Workload`."""
        labels = pod["metadata"].get("labels") or {}
        return int(labels[_INDEX]) if labels.get(_REPLICATED) == _NODE and _INDEX in labels else None

    def outcome(self, state: Object, pods: Iterable[Object] = (), retries: int = 0) -> Outcome | None:
        """By the conditions Complete and Failed, or as its nodes failed too often; see `Workload`.

        How often a node is started anew is the runtime's, and six times in those that Trainer brings.
        """
        if condition(state, "Complete"):
            return Outcome(succeeded=True)
        failed = condition(state, "Failed")
        if failed:
            return Outcome(False, failed.get("reason", ""), failed.get("message", ""))
        return exhausted(pods, self.container, retries)

    def _refuse_lost(self, order: Order, overrides: Overrides, template: Object) -> None:
        lost = overrides.lost(template)
        if (order.labels or order.annotations) and not overrides.holds_metadata:
            lost.append("metadata")
        if lost:
            raise ConfigError(
                f"{order.name}: TrainJobs of the installed Kubeflow Trainer have no place for {', '.join(lost)} "
                f"of their pods",
                "leave it out, name a runtime that has it (runtime=…), or run it as a job",
            )
        if order.deadline is not None and "activeDeadlineSeconds" not in self.schema["properties"]:
            raise ConfigError(
                f"{order.name}: TrainJobs of the installed Kubeflow Trainer have no deadline",
                "leave deadline= out, or have Kubeflow Trainer 2.2 or later installed",
            )


def _runtime(order: Order) -> dict[str, str]:
    """The runtime that an order names: `NAME`, or `TrainingRuntime/NAME` for one of the namespace."""
    kind, _, name = (order.runtime or DEFAULT_RUNTIME).rpartition("/")
    return {"apiGroup": _GROUP, "kind": kind or "ClusterTrainingRuntime", "name": name}


def _known(cluster: Cluster, kind: str) -> str:
    """Which runtimes there are, as far as we may see."""
    try:
        found = find_kind(cluster, f"{_GROUP}/v1alpha1", kind)
        items = cluster.request("GET", found.path(cluster.namespace)).get("items") or []
    except ClusterError:
        return "see which there are: kubectl get clustertrainingruntimes,trainingruntimes"
    return "there are " + (", ".join(sorted(item["metadata"]["name"] for item in items)) or "none")


WORKLOAD = TrainJob()
