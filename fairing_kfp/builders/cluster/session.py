"""A Job of the cluster builder and the connection to it, from its creation to its deletion."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from fairing_kfp.builders.cluster.client import BrokenConnectionError, BuildClient, ServerSettings
from fairing_kfp.builders.cluster.job import job
from fairing_kfp.builders.cluster.options import ClusterOptions
from fairing_kfp.builders.job_pod import CONTAINER, pod_failure, running_pod
from fairing_kfp.builders.progress import Progress
from fairing_kfp.cluster.attach import attach
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.kinds import JOB, POD
from fairing_kfp.cluster.objects import create, delete, preflight
from fairing_kfp.cluster.owner import MANAGED_BY, MANAGER
from fairing_kfp.cluster.pods import phase_of
from fairing_kfp.errors import ClusterError, JobFailedError
from fairing_kfp.image.layer import Layer
from fairing_kfp.registry.stop import Stop

_POLL = 0.5  # seconds between requests for the pod
_STATUS = 4.0  # seconds until the status of a pod shows that its container ended

LABELS = {MANAGED_BY: MANAGER}
"""Labels of Jobs."""

Upload = Callable[[Layer, Callable[[int], None]], str]


@dataclass(frozen=True)
class Session:
    """A running Job, and the client that calls it.

    Attributes:
        cluster: client of the cluster.
        name: name of the Job.
        namespace: namespace of the Job.
        uid: uid of the Job.
        pod: name of its pod.
        client: the client.
    """

    cluster: Cluster
    name: str
    namespace: str
    uid: str
    pod: str
    client: BuildClient

    def failure(self) -> JobFailedError | None:
        """Why the connection broke; None if the pod does not tell, so that another Job may succeed."""
        return _cause(self.cluster, self.name, self.namespace, self.pod)

    def close(self) -> None:
        """Ends the program, and deletes the Job."""
        self.client.close()
        delete(self.cluster, JOB, self.name, self.namespace, uid=self.uid)


def start(
    cluster: Cluster,
    options: ClusterOptions,
    settings: ServerSettings,
    name: str,
    stop: Stop,
    log: Callable[[str], None],
    progress: Progress,
    upload: Upload | None,
) -> Session:
    """Creates a Job, waits for its pod, and connects to it. On an error, the Job is deleted.

    Args:
        cluster: client of the cluster.
        options: options of the Job.
        settings: settings of the program.
        name: name of the Job.
        stop: cancels the start and the connection.
        log: receives messages about the Job.
        progress: called with layers as they move.
        upload: as for `BuildClient`.

    Raises:
        JobFailedError: its pod cannot start, or fails.
        ClusterError: Kubernetes rejects the Job, or does not answer.
        StoppedError: the start was cancelled.
    """
    namespace = options.namespace or cluster.namespace
    manifest = job(options, name, namespace)
    preflight(cluster, manifest)
    created = create(cluster, manifest, LABELS)
    try:
        log(f"created Job {name} in namespace {namespace}")
        pod = running_pod(cluster, name, namespace, created.uid, stop, log)
        try:
            attached = attach(cluster, namespace, pod, CONTAINER, lambda text: log(text.rstrip()))
        except ClusterError as error:
            raise _cause(cluster, name, namespace, pod) or error from None
        stop.watch(attached.socket)
        try:
            client = BuildClient(attached, settings, progress, upload)
        except BrokenConnectionError:
            attached.close()
            stop.check()
            raise _cause(cluster, name, namespace, pod) or ClusterError(
                f"the connection to pod {pod} broke before the build started", "run it again"
            ) from None
        log(f"building in pod {pod}")
        return Session(cluster, name, namespace, created.uid, pod, client)
    except BaseException:
        delete(cluster, JOB, name, namespace, uid=created.uid)
        raise


def _cause(cluster: Cluster, name: str, namespace: str, pod: str) -> JobFailedError | None:
    """Why the pod of a broken connection failed; None if it runs, or was deleted."""
    end = time.monotonic() + _STATUS
    with contextlib.suppress(ClusterError):
        while time.monotonic() < end:
            state = cluster.request("GET", POD.path(namespace, pod))
            if "deletionTimestamp" in state["metadata"]:  # by a person, or since its node is drained
                return None
            if (failure := pod_failure(cluster, name, state)) or phase_of(state) == "Succeeded":
                return failure
            time.sleep(_POLL)
    return None
