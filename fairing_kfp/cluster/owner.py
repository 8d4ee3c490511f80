"""Whose an object is: the task of a run that made it."""

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
    """A task of a run; its retries are the same owner, and so adopt what the first attempt made.

    Attributes:
        run: the run's identity.
        task: the task's name, unique in the run: in a loop with the iteration.
        pod: the name of the pod that the task runs in; empty outside.
        pod_uid: that pod's uid.
    """

    run: str
    task: str
    pod: str = ""
    pod_uid: str = ""

    @classmethod
    def here(cls, run: str, task: str) -> Owner:
        """The owner that this step is; KFP tells it the name and uid of its pod."""
        return cls(run, task, os.environ.get("KFP_POD_NAME", ""), os.environ.get("KFP_POD_UID", ""))

    @classmethod
    def of_step(cls, cluster: Cluster, order: str) -> Owner:
        """The owner that this step is, as its pod's labels and annotations tell.

        KFP's own placeholders of run and task would have to be inputs, and keep it from ever using its cache.

        Args:
            cluster: is asked for the pod.
            order: what the step does; outside of KFP it stands for run and task.

        Raises:
            ClusterError: Kubernetes refuses to tell.
        """
        name = os.environ.get("KFP_POD_NAME")
        if not name:
            return cls.of_order(order)
        metadata = cluster.request("GET", POD.path(cluster.namespace, name))["metadata"]
        run = (metadata.get("labels") or {}).get(_RUN_OF_KFP) or name
        node = (metadata.get("annotations") or {}).get(_NODE_OF_ARGO) or name
        return cls.here(run, re.sub(r"\(\d+\)$", "", node))  # Argo numbers the attempts of a task

    @classmethod
    def of_order(cls, order: str) -> Owner:
        """The owner that a step outside of KFP is: what it does stands for run and task."""
        return cls(hashlib.sha256(order.encode()).hexdigest()[:16], "step")

    @property
    def labels(self) -> Mapping[str, str]:
        """What its objects are known by."""
        return {MANAGED_BY: MANAGER, RUN: label_value(self.run), TASK: label_value(self.task)}

    def name(self, stem: str = "") -> str:
        """The name of its object; the same in each retry."""
        return object_name(stem or self.task, self.run, self.task)

    def references(self) -> list[Object]:
        """What has Kubernetes collect an object when the step's pod is gone: right for jobs, wrong for what serves.

        Workflows are collected within the hour after a run, and what they own goes with them.
        """
        if not (self.pod and self.pod_uid):
            return []
        return [{"apiVersion": "v1", "kind": "Pod", "name": self.pod, "uid": self.pod_uid}]
