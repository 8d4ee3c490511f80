"""Pods: the status of their containers, and why a pod does not run or has failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fairing_kfp.cluster.client import Object
from fairing_kfp.cluster.events import Event
from fairing_kfp.cluster.objects import condition

_PULL_FAILURES = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
_CREATE_FAILURES = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_START_FAILURES = ("ContainerCannotRun", "StartError")
_MOUNT_FAILURES = ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
_UNSCHEDULABLE = "Unschedulable"
_DENIED = ("unauthorized", "forbidden", "denied", "no basic auth", "authorization failed")
_STOPPED = (137, 143)  # exit codes after SIGKILL and SIGTERM


@dataclass(frozen=True)
class ContainerStatus:
    """The status of a container, as the kubelet reports it.

    Attributes:
        name: name of the container.
        image: its image.
        restarts: how many times it was restarted.
        running: whether it runs.
        waiting: why it waits: `reason` and `message`; None if it does not wait.
        terminated: how it terminated: `exitCode`, `reason` and `message`; None if it has not.
        last_terminated: how it terminated before its last restart; None if it was not restarted.
    """

    name: str
    image: str = ""
    restarts: int = 0
    running: bool = False
    waiting: Object | None = None
    terminated: Object | None = None
    last_terminated: Object | None = None

    @classmethod
    def parse(cls, status: Mapping[str, Any]) -> ContainerStatus:
        """Parses an item of a pod's `containerStatuses`."""
        state = status.get("state") or {}
        return cls(
            name=status["name"],
            image=status.get("image") or "",
            restarts=int(status.get("restartCount") or 0),
            running="running" in state,
            waiting=state.get("waiting"),
            terminated=state.get("terminated") or None,
            last_terminated=(status.get("lastState") or {}).get("terminated") or None,
        )

    @property
    def backs_off(self) -> bool:
        """Whether the kubelet waits before it restarts the container, since it failed repeatedly."""
        return (self.waiting or {}).get("reason") == "CrashLoopBackOff"


ROOT_REMEDY = "use an image that runs as any user, or run it as root: mutators=[fairing_kfp.mutators.run_as_root()]"
"""Remedy if an image cannot run as the user of its pod."""


def container_statuses(pod: Object) -> list[ContainerStatus]:
    """The statuses of all containers of a pod, init containers first; none before the kubelet reports them."""
    status = pod.get("status") or {}
    statuses = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return [ContainerStatus.parse(one) for one in statuses]


def container_status(pod: Object, name: str) -> ContainerStatus | None:
    """The status of a container of a pod; None before the kubelet reports it."""
    return next((one for one in container_statuses(pod) if one.name == name), None)


def container_succeeded(pod: Object, name: str) -> bool:
    """Whether a container exited with code 0, which the phases of its pod and job show a second or two later."""
    status = container_status(pod, name)
    return status is not None and (status.terminated or {}).get("exitCode") == 0


def with_last_termination(pod: Object) -> Object:
    """A copy of a pod in which restarted containers have the state in which they terminated, which has the cause."""
    status = pod.get("status") or {}
    statuses = [_with_last_termination(one) for one in status.get("containerStatuses") or []]
    return {**pod, "status": {**status, "containerStatuses": statuses}}


def _with_last_termination(status: Object) -> Object:
    parsed = ContainerStatus.parse(status)
    if parsed.last_terminated is None or parsed.terminated is not None:
        return status
    return {**status, "state": {"terminated": parsed.last_terminated}}


def phase_of(pod: Object) -> str:
    """The phase of a pod, such as `Pending`; empty before it has one."""
    return (pod.get("status") or {}).get("phase") or ""


@dataclass(frozen=True)
class PodProblem:
    """Why a pod does not run, or has failed.

    Attributes:
        reason: reason of Kubernetes in one word: `OOMKilled`.
        message: the cause, in one sentence.
        remedy: what to do.
        container: name of the container; empty if the whole pod is concerned.
        exit_code: exit code of the container; None if it has not terminated.
        ended: whether it is final. Otherwise the pod waits, and may still run.
    """

    reason: str
    message: str
    remedy: str
    container: str = ""
    exit_code: int | None = None
    ended: bool = True

    @property
    def has_failed(self) -> bool:
        """Whether the pod or a container has failed, also if it is restarted."""
        return self.ended or bool(self.exit_code)

    @property
    def was_stopped(self) -> bool:
        """Whether the container was stopped by a signal, as Kubernetes does when another one has failed."""
        return self.exit_code in _STOPPED


def diagnose(pod: Object, events: Iterable[Event] = ()) -> PodProblem | None:
    """Why a pod does not run, or has failed; None if it runs, is being started, or succeeded.

    Args:
        pod: the pod.
        events: its events, oldest first, which have causes that its status lacks.
    """
    name, known_events, statuses = pod["metadata"]["name"], list(events), container_statuses(pod)
    disruption = _disruption(pod)
    if disruption and phase_of(pod) == "Failed":
        return disruption
    failed = [found for one in statuses if (found := _failed(pod, one))]
    if failed:
        # A container out of memory comes first, one that was stopped because of others comes last.
        return max(failed, key=lambda found: (found.reason == "OOMKilled", not found.was_stopped))
    waiting = [found for one in statuses if (found := _waiting(name, one, known_events))]
    if waiting:
        return waiting[0]
    return disruption or _unscheduled(pod) or _unmounted(pod, known_events)


def _disruption(pod: Object) -> PodProblem | None:
    """Why the whole pod was stopped."""
    status, shown = pod.get("status") or {}, f"pod {pod['metadata']['name']}"
    reason, message = status.get("reason") or "", status.get("message") or ""
    target = condition(pod, "DisruptionTarget")
    if reason == "Evicted":
        return PodProblem(reason, f"{shown} was evicted: {message}", "request as much as it needs")
    if reason == "DeadlineExceeded":
        return PodProblem(reason, f"{shown} exceeded its deadline: {message}", "allow more time, or reduce its work")
    if reason == "NodeLost" or target.get("reason") == "DeletionByTaintManager":
        return PodProblem("NodeLost", f"{shown} lost its node: {message or target.get('message', '')}", "run it again")
    if target.get("status") == "True":
        cause = f"{target.get('reason', '')}: {target.get('message', '')}"
        return PodProblem("Disrupted", f"{shown} was disrupted: {cause}", "run it again, or raise its priority")
    if reason:
        return PodProblem(reason, f"{shown} failed: {reason}: {message}", "see its events: kubectl describe pod")
    return None


def _failed(pod: Object, status: ContainerStatus) -> PodProblem | None:
    terminated = status.terminated or (status.last_terminated if status.backs_off else None)
    if not terminated or not terminated.get("exitCode"):
        return None
    code, reason = int(terminated["exitCode"]), terminated.get("reason") or "Error"
    message = f": {terminated['message'].strip()}" if terminated.get("message") else ""
    shown = f"container {status.name} of pod {pod['metadata']['name']}"
    if reason == "OOMKilled":
        text = f"{shown} ran out of memory (OOMKilled, exit code {code}{_memory_limit(pod, status.name)})"
        remedy = "raise its memory limit, or reduce its memory use"
    elif reason in _START_FAILURES:
        text = f"{shown} cannot be started (exit code {code}){message}"
        remedy = "check its command, and that the image has it"
        remedy = ROOT_REMEDY if "permission denied" in message.lower() else remedy
    else:
        killed = f", killed by signal {code - 128}" if 128 < code < 160 else ""
        text = f"{shown} ended with exit code {code}{killed} ({reason}){message}"
        remedy = "see the last lines of its log"
    final = status.terminated is not None and pod["spec"].get("restartPolicy") == "Never"
    return PodProblem(reason, text, remedy, status.name, code, final)


def _waiting(pod: str, status: ContainerStatus, events: list[Event]) -> PodProblem | None:
    waiting = status.waiting or {}
    reason, message = waiting.get("reason") or "", waiting.get("message") or ""
    if reason in _PULL_FAILURES:
        cause = _pull_failure(events) or message
        remedy = "check the image's name and tag, and that the node reaches its registry"
        if any(word in cause.lower() for word in _DENIED):
            remedy = "add a pull secret for that registry to the pod or its service account (imagePullSecrets)"
        text = f"the image {status.image} of container {status.name} of pod {pod} cannot be pulled: {cause}"
        return PodProblem(reason, text, remedy, status.name, ended=False)
    if reason in _CREATE_FAILURES:
        text = f"container {status.name} of pod {pod} cannot be created: {message}"
        missing = "not found" in message
        remedy = "create the missing object in the pod's namespace" if missing else "correct the named field"
        remedy = ROOT_REMEDY if "runAsNonRoot" in message or "permission denied" in message.lower() else remedy
        return PodProblem(reason, text, remedy, status.name, ended=False)
    return None


def _pull_failure(events: list[Event]) -> str:
    """The registry's answer, which the status no longer has once the kubelet backs off."""
    messages = [event.message for event in events if event.message.startswith("Failed to pull image")]
    return messages[-1] if messages else ""


def _unscheduled(pod: Object) -> PodProblem | None:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("reason") != _UNSCHEDULABLE:
        return None
    text = f"pod {pod['metadata']['name']} cannot be scheduled: {scheduled.get('message', '')}"
    remedy = "request less, or what a node has: resources, node selector, tolerations, volumes"
    return PodProblem(_UNSCHEDULABLE, text, remedy, ended=False)


def _unmounted(pod: Object, events: list[Event]) -> PodProblem | None:
    """Why a volume is missing, which only events report."""
    if phase_of(pod) != "Pending":
        return None
    for event in reversed(events):
        if event.warning and event.reason in _MOUNT_FAILURES:
            text = f"pod {pod['metadata']['name']} cannot start: {event.message}"
            return PodProblem(event.reason, text, "check the named volume, secret or config map", ended=False)
    return None


def _memory_limit(pod: Object, container: str) -> str:
    for found in pod["spec"].get("containers") or []:
        memory = ((found.get("resources") or {}).get("limits") or {}).get("memory")
        if found["name"] == container and memory:
            return f", limit {memory}"
    return ""
