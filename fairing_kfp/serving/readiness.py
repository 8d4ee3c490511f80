"""Waiting until a version is ready: watches its main object and its pods, and fails early if it cannot become ready."""

from __future__ import annotations

import time
from collections.abc import Callable

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import ENDPOINT_SLICE, POD, kind_of
from fairing_kfp.cluster.objects import Applied
from fairing_kfp.cluster.pods import PodProblem, container_status, diagnose, phase_of
from fairing_kfp.cluster.watch import Change, Updates, follow, watch
from fairing_kfp.errors import ServingError, SupersededError
from fairing_kfp.serving.backend import Backend, has_version, is_pod_ready
from fairing_kfp.serving.endpoints import Endpoints
from fairing_kfp.serving.failure import Diagnosis, is_permanent
from fairing_kfp.serving.pod import BY, SERVES, VERSION

_QUOTA_REMEDY = "request less, or ask the cluster's administrator for a higher quota"
_STARTUP_SECONDS = 60.0  # to schedule a pod and pull its image
_SETTLE_SECONDS = 5.0  # a failure in the main object's status counts only if it lasts
_TERMINATION_SECONDS = 30.0  # then ending pods count as gone, as those of a lost node never end
_PROXY_SECONDS = 1.0  # nodes apply changes of endpoints so much later: kube-proxy's `minSyncPeriod`
_LOG_AGAIN_SECONDS = 60.0
_POLL_SECONDS = 0.1  # after the last update, so the end is at most so much late


class Readiness:
    """Waits for one version.

    Args:
        cluster: its cluster.
        backend: its backend.
        applied: the main object, as it was applied.
        timeout: time a pod may take to become ready, in seconds.
        log: called with each line for the step's log.
    """

    def __init__(
        self, cluster: Cluster, backend: Backend, applied: Applied, timeout: float, log: Callable[[str], None]
    ) -> None:
        self._cluster, self._backend, self._applied = cluster, backend, applied
        self._timeout, self._log = timeout, log
        metadata = applied.object["metadata"]
        self._namespace = str(metadata["namespace"])
        labels = backend.template(applied.object)["metadata"]["labels"]
        self._version, self._selector = str(labels[VERSION]), f"{SERVES}={labels[SERVES]},{BY}={labels[BY]}"
        self._resource = f"{applied.object['kind']} {applied.name}"
        self._diagnosis = Diagnosis(cluster, self._namespace, applied.name, self._resource, backend.container)
        self._began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._state = applied.object
        self._pods: dict[str, Object] = {}
        self._first_seen: dict[str, float] = {}
        self._ready, self._progressed = -1, time.monotonic()
        self._logged: tuple[str, float] = ("", 0.0)
        self._updates = Updates()
        self._listed = False
        service = backend.service(applied.object)
        endpoints = Endpoints(cluster, self._namespace, service) if service else None
        self._endpoints = endpoints if endpoints and endpoints.is_readable() else None

    def wait(self) -> Object:
        """Returns the main object as soon as its version is ready, and no other version gets requests.

        Raises:
            ServingError: it cannot become ready.
            SupersededError: another version was applied meanwhile.
            ClusterError: the object was deleted, or Kubernetes does not answer.
        """
        kind = kind_of(self._cluster, self._applied.object)
        self._updates.add(follow(self._cluster, kind, self._applied.name, self._namespace, uid=self._applied.uid))
        self._updates.add(watch(self._cluster, POD, self._namespace, labels=self._selector))
        if self._endpoints:
            self._updates.add(self._endpoints.watch())
        try:
            while True:
                self._receive()
                if not self._backend.is_ready(self._state, list(self._pods.values())):
                    self._check()
                elif self._is_alone():
                    return self._state
        finally:
            self._updates.close()

    def _receive(self) -> None:
        """Processes all updates that have arrived, waiting a moment for the first."""
        update = self._updates.get(timeout=_POLL_SECONDS)
        while update is not None:
            self._update(update)
            update = self._updates.get(timeout=0)

    def _update(self, update: Change | Object) -> None:
        if isinstance(update, Change) and self._endpoints and update.object["kind"] == ENDPOINT_SLICE.kind:
            self._endpoints.update(update)
            return
        if isinstance(update, Change):
            uid = update.object["metadata"]["uid"]
            if update.deleted:
                self._pods.pop(uid, None)
            else:
                self._pods[uid] = update.object
            return
        self._state = update
        version = self._backend.template(update)["metadata"]["labels"].get(VERSION)
        if version != self._version:
            raise SupersededError(
                f"another version of {self._resource} was applied before this one became ready",
                "let only one run at a time serve a name",
            )

    def _is_alone(self) -> bool:
        """Whether pods of other versions get no more requests.

        Without the Service's endpoints, these are pods that are gone: those that end get requests for some seconds.
        """
        if not self._listed:  # the object's state may arrive before those of the pods that it has just ended
            self._list_pods()
        others = {uid: pod["metadata"] for uid, pod in self._pods.items() if not has_version(pod, self._version)}
        if not any("deletionTimestamp" in metadata for metadata in others.values()):
            return True
        now = time.monotonic()
        if self._endpoints:
            pods = self._endpoints.pods
            if not pods or pods & set(others):
                self._first_seen.pop("alone", None)
            elif now - self._first_seen.setdefault("alone", now) > _PROXY_SECONDS:
                return True
        return now - self._first_seen.setdefault("ending", now) > _TERMINATION_SECONDS

    def _list_pods(self) -> None:
        query = {"labelSelector": self._selector}
        pods = self._cluster.request("GET", POD.path(self._namespace), query=query)["items"]
        self._pods, self._listed = {pod["metadata"]["uid"]: pod for pod in pods}, True

    def _check(self) -> None:
        """Logs what pods wait for, and raises if waiting cannot help."""
        now = time.monotonic()
        pods = [pod for pod in self._pods.values() if has_version(pod, self._version)]
        ready = sum(map(is_pod_ready, pods))
        if ready != self._ready:
            self._ready, self._progressed = ready, now
        self._check_object(now)
        for pod in pods:
            events = self._diagnosis.events(pod) if phase_of(pod) == "Pending" else []
            cause = diagnose(pod, events) if not is_pod_ready(pod) else None
            if cause is not None:
                self._check_pod(pod, cause, now)
        if not pods and now - self._progressed > _SETTLE_SECONDS:
            self._check_creation()
        if now - self._progressed > self._timeout + _STARTUP_SECONDS:
            waiting = next((pod for pod in pods if not is_pod_ready(pod)), None)
            raise self._diagnosis.timeout_error(waiting, self._timeout + _STARTUP_SECONDS)

    def _check_object(self, now: float) -> None:
        failure = self._backend.failure(self._state)
        if not failure:
            self._first_seen.pop("", None)
        elif now - self._first_seen.setdefault("", now) > _SETTLE_SECONDS:
            raise ServingError(f"{self._resource} does not become ready: {failure}", _QUOTA_REMEDY)

    def _check_creation(self) -> None:
        """Raises if Kubernetes rejects the pods. An InferenceService's status does not show it."""
        failure = self._diagnosis.creation_failure(self._began)
        if failure:
            raise ServingError(
                f"{self._resource} does not become ready: Kubernetes rejects its pods: {failure}", _QUOTA_REMEDY
            )

    def _check_pod(self, pod: Object, cause: PodProblem, now: float) -> None:
        if cause.exit_code is not None:
            # A first exit may be chance; a second is not.
            status = container_status(pod, cause.container)
            if status is not None and status.restarts:
                raise self._diagnosis.pod_error(pod, cause)
            return
        since = self._first_seen.setdefault(f"{pod['metadata']['uid']} {cause.reason}", now)
        if self._logged[0] != cause.reason or now - self._logged[1] > _LOG_AGAIN_SECONDS:
            self._logged = (cause.reason, now)
            self._log(f"waiting: {cause.message}")
        allowed = _SETTLE_SECONDS if is_permanent(cause) else _STARTUP_SECONDS
        if cause.reason != "Unschedulable" and now - since > allowed:
            raise self._diagnosis.pod_error(pod, cause)
