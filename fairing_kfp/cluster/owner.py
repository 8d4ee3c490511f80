"""The owner of objects: a task of a run."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.cluster.names import label_value, object_name

MANAGER = "fairing-kfp"
RUN, TASK = "fairing-kfp/run", "fairing-kfp/task"
MANAGED_BY = "app.kubernetes.io/managed-by"
_RUN_OF_KFP = "pipeline/runid"
_NODE_OF_ARGO = "workflows.argoproj.io/node-name"


@dataclass(frozen=True)
class Owner:
    """A task of a run. A retry is the same owner, and adopts the objects of the earlier attempt.

    Attributes:
        run: id of the run.
        task: name of the task, unique in the run; in a loop it includes the iteration.
        pod: name of the task's pod; empty outside Kubernetes.
        pod_uid: uid of that pod.
    """

    run: str
    task: str
    pod: str = ""
    pod_uid: str = ""

    @classmethod
    def here(cls, run: str, task: str) -> Owner:
        """The owner with this step's pod, from the environment variables that KFP sets."""
        return cls(run, task, os.environ.get("KFP_POD_NAME", ""), os.environ.get("KFP_POD_UID", ""))

    @classmethod
    def of_step(cls, cluster: Cluster, spec: str) -> Owner:
        """The owner of this step's objects, from its pod's labels and annotations.

        KFP's placeholders for run and task would be inputs of the step, which disable its cache.

        Args:
            cluster: client of the cluster with the pod.
            spec: spec of the step, which identifies it outside KFP.

        Raises:
            ClusterError: the pod cannot be read.
        """
        name = os.environ.get("KFP_POD_NAME")
        if not name:
            return cls.outside_kfp(spec)
        metadata = cluster.request("GET", POD.path(cluster.namespace, name))["metadata"]
        run = (metadata.get("labels") or {}).get(_RUN_OF_KFP) or name
        node = (metadata.get("annotations") or {}).get(_NODE_OF_ARGO) or name
        return cls.here(run, re.sub(r"\(\d+\)$", "", node))  # Argo appends the number of the attempt

    @classmethod
    def outside_kfp(cls, spec: str) -> Owner:
        """The owner of the objects of a step outside KFP: its spec stands for run and task."""
        return cls(hashlib.sha256(spec.encode()).hexdigest()[:16], "step")

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of its objects."""
        return {MANAGED_BY: MANAGER, RUN: label_value(self.run), TASK: label_value(self.task)}

    def name(self, stem: str = "") -> str:
        """The name of an object; the same in each retry."""
        return object_name(stem or self.task, self.run, self.task)

    def references(self) -> list[Object]:
        """Owner references, so that an object is deleted with the step's pod. For jobs; a served model must outlive it.

        Argo deletes a workflow within an hour after its run, and its pods and their dependents with it.
        """
        if not (self.pod and self.pod_uid):
            return []
        return [{"apiVersion": "v1", "kind": "Pod", "name": self.pod, "uid": self.pod_uid}]
