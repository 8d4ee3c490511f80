"""An attempt of a step at its job. Of two live attempts, the one that took over the job last goes on with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import POD, Kind
from fairing_kfp.cluster.objects import Applied, find
from fairing_kfp.errors import ForeignObjectError
from fairing_kfp.train.node_client import verifier_of
from fairing_kfp.train.pod_template import ANNOTATION

ATTEMPT = "fairing-kfp/attempt"
"""Annotation of a job: the attempt that it belongs to."""


def attempt_annotation(token: str) -> Mapping[str, str]:
    """The annotation of a job that belongs to the attempt with a token."""
    return {ATTEMPT: hashlib.sha256(verifier_of(token).encode()).hexdigest()[:32]}


@dataclass(frozen=True)
class Attempt:
    """An attempt that has created or adopted the job.

    Attributes:
        cluster: cluster of the job.
        resource: the job's kind in the API.
        job: the job.
        token: token of the attempt.
    """

    cluster: Cluster
    resource: Kind
    job: Applied
    token: str

    @property
    def namespace(self) -> str:
        """The namespace of the job."""
        return str(self.job.object["metadata"]["namespace"])

    def check(self, job: Object | None = None) -> None:
        """Checks that the job still belongs to this attempt.

        Args:
            job: state of the job; by default the current one.

        Raises:
            ForeignObjectError: another attempt took it over.
            ClusterError: the job cannot be read.
        """
        state = job if job is not None else find(self.cluster, self.resource, self.job.name, self.namespace)
        metadata = (state or {"metadata": {"uid": ""}})["metadata"]
        annotations = metadata.get("annotations") or {}
        if metadata["uid"] != self.job.uid or not attempt_annotation(self.token).items() <= annotations.items():
            raise ForeignObjectError(
                f"another attempt of this task took over {self.resource.kind} {self.job.name} in the namespace "
                f"{self.namespace}",
                "see the log of the latest attempt; the job and its outputs are its own",
            )

    def announce(self, pod: Object) -> None:
        """Writes the verifier of this attempt to a pod that an earlier attempt created.

        Raises:
            ForeignObjectError: another attempt took over the job.
            ClusterError: the pod cannot be changed.
        """
        self.check()
        path = POD.path(pod["metadata"]["namespace"], pod["metadata"]["name"])
        verifier = verifier_of(self.token)
        while (pod["metadata"].get("annotations") or {}).get(ANNOTATION) != verifier:
            # With the version of the pod, so that an attempt that lost meanwhile does not overwrite the winner's.
            known = {key: pod["metadata"][key] for key in ("uid", "resourceVersion")}
            body = {"metadata": {**known, "annotations": {ANNOTATION: verifier}}}
            try:
                self.cluster.request("PATCH", path, body=body, content_type="application/merge-patch+json")
                return
            except ForeignObjectError:
                pod = self.cluster.request("GET", path)
                self.check()
