"""Why a pod does not run, or how it ended: in one sentence, with a remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fairing_kfp.cluster.client import Object
from fairing_kfp.cluster.events import Event

_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
_UNSCHEDULABLE = "Unschedulable"
_DENIED = ("unauthorized", "forbidden", "denied", "no basic auth", "authorization failed")


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a pod.

    Attributes:
        reason: one word, as Kubernetes has it: `OOMKilled`.
        message: the sentence.
        remedy: what to do.
        container: the container that it is about; empty if it is the pod.
        exit_code: its container's, if that ended.
        ended: whether the pod is over; else it waits, and might still come to run.
    """

    reason: str
    message: str
    remedy: str
    container: str = ""
    exit_code: int | None = None
    ended: bool = True


def trouble(pod: Object, events: Iterable[Event] = ()) -> Trouble | None:
    """What is wrong with a pod; None if it runs, waits its turn, or succeeded.

    Args:
        pod: as Kubernetes has it.
        events: the pod's, the newest last; they say what a state leaves out.
    """
    status, name = pod.get("status") or {}, pod["metadata"]["name"]
    of_pod = _whole(name, status)
    if of_pod and status.get("phase") == "Failed":
        return of_pod
    statuses = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    ended = [found for found in (_ended(name, pod, one) for one in statuses) if found]
    if ended:
        # The container that ran out of memory says more than the one that was told to stop.
        return max(ended, key=lambda found: (found.reason == "OOMKilled", found.exit_code not in (143, 137)))
    said = list(events)
    waiting = [found for found in (_waiting(name, one, said) for one in statuses) if found]
    return waiting[0] if waiting else (of_pod or _unscheduled(name, status) or _unmounted(name, status, said))


def _whole(name: str, status: Mapping[str, Any]) -> Trouble | None:
    """What befell the pod as a whole."""
    reason, message = status.get("reason") or "", status.get("message") or ""
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    target = conditions.get("DisruptionTarget") or {}
    if reason == "Evicted":
        return Trouble(
            reason, f"pod {name} was evicted: {message}", "request what it really needs, so it is placed well"
        )
    if reason == "DeadlineExceeded":
        return Trouble(reason, f"pod {name} ran out of time: {message}", "allow it more time, or let it do less")
    if reason == "NodeLost" or target.get("reason") == "DeletionByTaintManager":
        return Trouble("NodeLost", f"pod {name} lost its node: {message or target.get('message', '')}", "run it again")
    if target.get("status") == "True":
        why = f"{target.get('reason', '')}: {target.get('message', '')}"
        return Trouble("Disrupted", f"pod {name} was taken off its node: {why}", "run it again, or raise its priority")
    if reason:
        return Trouble(reason, f"pod {name} failed: {reason}: {message}", "see its events: kubectl describe pod")
    return None


def _ended(name: str, pod: Object, found: Mapping[str, Any]) -> Trouble | None:
    state = found.get("state") or {}
    over = state.get("terminated")
    for_good = over is not None and pod["spec"].get("restartPolicy") == "Never"
    if over is None and (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff":
        over = (found.get("lastState") or {}).get("terminated")
    if not over or not over.get("exitCode"):
        return None
    code, reason, container = int(over["exitCode"]), over.get("reason") or "Error", found["name"]
    said = f": {over['message'].strip()}" if over.get("message") else ""
    who = f"container {container} of pod {name}"
    if reason == "OOMKilled":
        limit = _limit(pod, container)
        text = f"{who} was killed for want of memory (OOMKilled, exit code {code}{limit})"
        return Trouble(reason, text, "raise its memory limit, or have it hold less at once", container, code, for_good)
    if reason in ("ContainerCannotRun", "StartError"):
        text = f"{who} could not be started (exit code {code}){said}"
        return Trouble(reason, text, "check its command, and that the image has it", container, code, for_good)
    killed = f", killed by signal {code - 128}" if 128 < code < 160 else ""
    text = f"{who} ended with exit code {code}{killed} ({reason}){said}"
    return Trouble(reason, text, "see its last lines", container, code, for_good)


def _waiting(name: str, found: Mapping[str, Any], events: list[Event]) -> Trouble | None:
    waiting = (found.get("state") or {}).get("waiting") or {}
    reason, message, container = waiting.get("reason") or "", waiting.get("message") or "", found["name"]
    if reason in _IMAGE:
        words = _pulling(events) or message
        remedy = "check the image's name and tag, and that the node reaches its registry"
        if any(word in words.lower() for word in _DENIED):
            remedy = "give the pod's service account, or the pod, a pull secret for that registry (imagePullSecrets)"
        text = f"the image {found.get('image', '')} of container {container} of pod {name} cannot be pulled: {words}"
        return Trouble(reason, text, remedy, container, ended=False)
    if reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
        text = f"container {container} of pod {name} cannot be made: {message}"
        remedy = "create what is missing in the pod's namespace" if "not found" in message else "correct what is named"
        return Trouble(reason, text, remedy, container, ended=False)
    return None


def _pulling(events: list[Event]) -> str:
    """The registry's words, which the state loses when the kubelet backs off."""
    words = [event.message for event in events if event.message.startswith("Failed to pull image")]
    return words[-1] if words else ""


def _unscheduled(name: str, status: Mapping[str, Any]) -> Trouble | None:
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition.get("reason") == _UNSCHEDULABLE:
            text = f"pod {name} cannot be placed on any node: {condition.get('message', '')}"
            remedy = "ask for less, or for what a node has: resources, node selector, tolerations, volumes"
            return Trouble(_UNSCHEDULABLE, text, remedy, ended=False)
    return None


def _unmounted(name: str, status: Mapping[str, Any], events: list[Event]) -> Trouble | None:
    """A volume that does not come is told by events alone."""
    if status.get("phase") != "Pending":
        return None
    for event in reversed(events):
        if event.warning and event.reason in ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"):
            text = f"pod {name} cannot start: {event.message}"
            return Trouble(event.reason, text, "check the volume, secret or config map that is named", ended=False)
    return None


def _limit(pod: Object, container: str) -> str:
    for found in pod["spec"].get("containers") or []:
        memory = ((found.get("resources") or {}).get("limits") or {}).get("memory")
        if found["name"] == container and memory:
            return f", limit {memory}"
    return ""
