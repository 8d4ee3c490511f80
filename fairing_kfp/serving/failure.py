"""Why a version does not come to serve: what Kubernetes says of its pods, and what its server said last."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.events import Event, events_of
from fairing_kfp.cluster.kinds import EVENT
from fairing_kfp.cluster.logs import last_lines
from fairing_kfp.cluster.pods import Trouble
from fairing_kfp.errors import ClusterError, ServingError

_LINES = 20
_ABSENT = ("not found", "manifest unknown", "name unknown")


@dataclass(frozen=True)
class Failures:
    """Asks why a version fails.

    Attributes:
        cluster: where it is.
        namespace: likewise.
        name: of the object with the pods.
        shown: that object in words.
        container: the name of the container with the server.
    """

    cluster: Cluster
    namespace: str
    name: str
    shown: str
    container: str

    def of_pod(self, pod: Object, found: Trouble) -> ServingError:
        """The error of a pod that cannot run, or ended: with the reason that its server gave, if it gave one."""
        lines = self._last_lines(pod, found.container)
        said, told = _error(lines), _listed(lines)
        if said:
            text, remedy = f"{said} ({found.message}){told}", "correct the predictor, or what trained its model"
        else:
            text, remedy = f"{found.message}{told}", found.remedy
        return ServingError(f"{self.shown} does not come to serve: {text}", remedy)

    def of_time(self, waiting: Object | None, seconds: float) -> ServingError:
        """The error of pods that run, and do not come so far that they get requests."""
        text = f"{self.shown} did not come to serve within {seconds:.0f} seconds"
        if waiting is None:
            return ServingError(text, "see its events: kubectl describe")
        warned = [event.message for event in self.events(waiting) if event.warning]
        why = f": {warned[-1]}" if warned else ""
        told = _listed(self._last_lines(waiting, ""))
        return ServingError(f"{text}{why}{told}", "allow more time with load_within=, or have it load less")

    def refused(self, since: str) -> str:
        """Why Kubernetes makes no pods, such as a quota; empty if it does not say so.

        Args:
            since: the RFC 3339 time before which what was said does not count.
        """
        query = {"fieldSelector": "reason=FailedCreate,involvedObject.kind=ReplicaSet"}
        try:
            answer = self.cluster.request("GET", EVENT.path(self.namespace), query=query)
        except ClusterError:
            return ""
        made = re.compile(rf"{self.name}(?:-predictor)?-[a-z0-9]+")
        for item in answer.get("items") or []:
            time = item.get("lastTimestamp") or item.get("eventTime") or ""
            if made.fullmatch(item["involvedObject"]["name"]) and time >= since:
                return str(item.get("message") or "").strip()
        return ""

    def events(self, pod: Object) -> list[Event]:
        """What was said about a pod, as far as it is known."""
        try:
            return events_of(self.cluster, pod)
        except ClusterError:
            return []  # they are a help, and no more

    def _last_lines(self, pod: Object, container: str) -> list[str]:
        try:
            return last_lines(
                self.cluster, self.namespace, pod["metadata"]["name"], container or self.container, _LINES
            )
        except ClusterError:
            return []


def is_hopeless(found: Trouble) -> bool:
    """Whether waiting for a pod is in vain, as its registry has no such image."""
    return found.reason == "ImagePullBackOff" and any(word in found.message for word in _ABSENT)


def _error(lines: list[str]) -> str:
    """The last error that our server logged."""
    said = [found["message"] for line in lines if (found := _read(line)).get("level") == "error"]
    return str(said[-1]) if said else ""


def _listed(lines: list[str]) -> str:
    shown = [part for line in lines for part in _shown(line)]
    return "; its last lines:\n" + "\n".join(f"  {part}" for part in shown) if shown else ""


def _shown(line: str) -> list[str]:
    """A line as people read it: of our server's JSON, the message and the traceback."""
    found = _read(line)
    if not found:
        return [line]
    return [f"{found.get('level', '')}: {found['message']}", *str(found.get("traceback", "")).splitlines()]


def _read(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and "message" in found else {}
