"""Runs steps of compiled pipelines in pods like KFP, but without privileges."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FILES = "files"
"""The ConfigMap with artifacts of a step."""

STRICT_CONTAINER: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
"""The security context of a container without privileges."""

STRICT_POD: Mapping[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The security context of its pod, as the restricted standard of pod security requires."""


@dataclass(frozen=True)
class Ended:
    """The result of a step.

    Attributes:
        code: exit code.
        log: the whole log.
        gave: content of an output file.
    """

    code: int
    log: str
    gave: str


def run_step(
    kubectl: Callable[..., str],
    namespace: str,
    container: Mapping[str, Any],
    executor_input: Mapping[str, Any] | None = None,
    *,
    prepare: str = "",
    files: Sequence[str] = (),
    gives: str = "/dev/termination-log",
    env: Sequence[Mapping[str, Any]] = (),
    memory: str = "128Mi",
    account: str = "pipeline-runner",
) -> Ended:
    """Runs a container of a compiled pipeline.

    Args:
        kubectl: kubectl with administrator permissions.
        namespace: namespace of the pod.
        container: the compiled container.
        executor_input: KFP's; artifacts of `minio://` lie in an empty folder.
        prepare: Python code that runs before it, for its artifacts.
        files: keys of the ConfigMap, each an artifact: `minio://KEY`.
        gives: path of an output file, of 4 KiB at most.
        env: environment variables.
        memory: limit of the container.
        account: service account.
    """
    arguments = [json.dumps(executor_input) if one == "{{$}}" else one for one in container["args"]]
    mounts: list[dict[str, Any]] = [{"name": name, "mountPath": f"/{name}"} for name in ("tmp", "minio")]
    mounts += [{"name": FILES, "mountPath": f"/minio/{key}", "subPath": key} for key in files]
    common = {"image": container["image"], "securityContext": STRICT_CONTAINER, "volumeMounts": mounts, "env": [*env]}
    before = [{"name": "prepare", "command": ["python3", "-c", prepare], **common}] if prepare else []
    step = {"name": "main", "command": [*container["command"], *arguments], **common}
    step |= {"terminationMessagePath": gives, "resources": {"limits": {"memory": memory}}}
    volumes: list[dict[str, Any]] = [{"name": one, "emptyDir": {}} for one in ("tmp", "minio")]
    name = f"step-{uuid.uuid4().hex[:8]}"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": account,
            "securityContext": STRICT_POD,
            "volumes": [*volumes, {"name": FILES, "configMap": {"name": FILES, "optional": not files}}],
            "initContainers": before,
            "containers": [step],
        },
    }
    kubectl("-n", namespace, "create", "-f", "-", input=json.dumps(pod))
    ended = "{.status.containerStatuses[0].state.terminated.exitCode}"
    kubectl("-n", namespace, "wait", f"pod/{name}", f"--for=jsonpath={ended}", "--timeout=150s")
    status = json.loads(kubectl("-n", namespace, "get", "pod", name, "-o", "json"))["status"]
    state = status["containerStatuses"][0]["state"]["terminated"]
    return Ended(state["exitCode"], kubectl("-n", namespace, "logs", name), state.get("message", ""))
