"""Why a version does not become ready: the state of its pods, their events, and the last lines of the server."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.events import Event, events_of
from fairing_kfp.cluster.kinds import EVENT
from fairing_kfp.cluster.logs import last_lines
from fairing_kfp.cluster.pods import PodProblem
from fairing_kfp.errors import ClusterError, ServingError

_LINES = 20
_NO_SUCH_IMAGE = ("not found", "manifest unknown", "name unknown")


@dataclass(frozen=True)
class Diagnosis:
    """Finds out why a version fails.

    Attributes:
        cluster: its cluster.
        namespace: its namespace.
        name: name of the main object.
        resource: kind and name of the main object.
        container: name of the container with the server.
    """

    cluster: Cluster
    namespace: str
    name: str
    resource: str
    container: str

    def pod_error(self, pod: Object, cause: PodProblem) -> ServingError:
        """The error for a pod that cannot run or has exited, with the server's own error if it logged one."""
        lines = self._last_lines(pod, cause.container)
        logged, excerpt = _last_error(lines), _excerpt(lines)
        if logged:
            text, remedy = f"{logged} ({cause.message}){excerpt}", "correct the predictor, or the step that trains"
        else:
            text, remedy = f"{cause.message}{excerpt}", cause.remedy
        return ServingError(f"{self.resource} does not become ready: {text}", remedy)

    def timeout_error(self, pod: Object | None, seconds: float) -> ServingError:
        """The error for pods that run but do not become ready in time.

        Args:
            pod: one of them, if there is one.
            seconds: time they were given.
        """
        text = f"{self.resource} did not become ready within {seconds:.0f} seconds"
        if pod is None:
            return ServingError(text, "see its events: kubectl describe")
        warnings = [event.message for event in self.events(pod) if event.warning]
        reason = f": {warnings[-1]}" if warnings else ""
        excerpt = _excerpt(self._last_lines(pod, self.container))
        return ServingError(f"{text}{reason}{excerpt}", "raise load_within=, or load a smaller model")

    def creation_failure(self, since: str) -> str:
        """Why Kubernetes rejects the pods, such as a quota; empty if there is no such event.

        Args:
            since: RFC 3339 time; earlier events do not count.
        """
        query = {"fieldSelector": "reason=FailedCreate,involvedObject.kind=ReplicaSet"}
        try:
            answer = self.cluster.request("GET", EVENT.path(self.namespace), query=query)
        except ClusterError:
            return ""
        replica_set = re.compile(rf"{self.name}(?:-predictor)?-[a-z0-9]+")
        for item in answer.get("items") or []:
            time = item.get("lastTimestamp") or item.get("eventTime") or ""
            if replica_set.fullmatch(item["involvedObject"]["name"]) and time >= since:
                return str(item.get("message") or "").strip()
        return ""

    def events(self, pod: Object) -> list[Event]:
        """The events of a pod; none if they cannot be read."""
        try:
            return events_of(self.cluster, pod)
        except ClusterError:
            return []  # they only add detail

    def _last_lines(self, pod: Object, container: str) -> list[str]:
        try:
            return last_lines(
                self.cluster, self.namespace, pod["metadata"]["name"], container or self.container, _LINES
            )
        except ClusterError:
            return []


def is_permanent(cause: PodProblem) -> bool:
    """Whether waiting cannot help, since the registry has no such image."""
    return cause.reason == "ImagePullBackOff" and any(text in cause.message for text in _NO_SUCH_IMAGE)


def _last_error(lines: list[str]) -> str:
    """The last error that our server logged."""
    errors = [record["message"] for line in lines if (record := _parse(line)).get("level") == "error"]
    return str(errors[-1]) if errors else ""


def _excerpt(lines: list[str]) -> str:
    plain = [part for line in lines for part in _plain(line)]
    return "; its last lines:\n" + "\n".join(f"  {part}" for part in plain) if plain else ""


def _plain(line: str) -> list[str]:
    """A line for people: the message and traceback of our server's JSON, or the line itself."""
    record = _parse(line)
    if not record:
        return [line]
    return [f"{record.get('level', '')}: {record['message']}", *str(record.get("traceback", "")).splitlines()]


def _parse(line: str) -> dict[str, object]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) and "message" in record else {}
