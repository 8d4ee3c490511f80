"""Runs steps of reusable components in a pod, one after another, with the outputs that KFP would pass on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.component_steps import container_of, executor_input
from tests.support.services import require_program
from tests.support.step_pods import STRICT_CONTAINER, STRICT_POD

_POD = "steps"
_OUTPUTS = "/tmp/output.json"
_STEP = f'printf %s "$0" > /minio/model; "$@" >&2 && cat {_OUTPUTS}'
"""Runs a step after its model is written; its log goes to stderr, and its output to stdout."""


@dataclass(frozen=True)
class Result:
    """The result of a step.

    Attributes:
        code: its exit code.
        log: its log.
        output: KFP's executor output; empty if it failed.
    """

    code: int
    log: str
    output: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.output["parameterValues"][name]

    @property
    def metrics(self) -> Mapping[str, float]:
        return dict(self.output["artifacts"]["metrics"]["artifacts"][0]["metadata"])


@dataclass(frozen=True)
class DeployPods:
    """Runs components of the category deployment in one pod.

    Attributes:
        namespace: namespace of the pod.
        components: the published components.
    """

    namespace: str
    components: Path

    def __call__(self, component: str, *, model: str = "", **parameters: Any) -> Result:
        """Runs a step, whose artifact `model` is a file with this text, if any."""
        file = self.components / "deployment" / component / "component.yaml"
        given = executor_input(file, "/tmp/out", parameters, {"model": "minio://model"} if model else {})
        given["outputs"]["outputFile"] = _OUTPUTS
        container = container_of(file)
        command = [*container["command"], *(one.replace("{{$}}", json.dumps(given)) for one in container["args"])]
        done = subprocess.run(
            [require_program("kubectl"), "-n", self.namespace, "exec", _POD, "--", "sh", "-c", _STEP, model, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        return Result(done.returncode, done.stderr, json.loads(done.stdout) if done.returncode == 0 else {})

    def succeed(self, component: str, *, model: str = "", **parameters: Any) -> Result:
        """Runs a step that must succeed."""
        ended = self(component, model=model, **parameters)
        assert ended.code == 0, ended.log
        return ended


def start_deploy_pods(kubectl: Callable[..., str], namespace: str, components: Path) -> DeployPods:
    """Starts the pod, which waits for steps, with the privileges and the memory of a step's own pod.

    Args:
        kubectl: kubectl with administrator permissions.
        namespace: namespace with the service account `pipeline-runner`.
        components: the published components.
    """
    container = {
        "name": "main",
        "image": container_of(components / "deployment" / "undeploy" / "component.yaml")["image"],
        "command": ["sleep", "infinity"],
        "securityContext": STRICT_CONTAINER,
        "resources": {"limits": {"memory": "128Mi"}},
        "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in ("tmp", "minio")],
    }
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "serviceAccountName": "pipeline-runner",
        "securityContext": STRICT_POD,
        "containers": [container],
        "volumes": [{"name": name, "emptyDir": {}} for name in ("tmp", "minio")],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": _POD}, "spec": spec}
    kubectl("-n", namespace, "create", "-f", "-", input=json.dumps(pod))
    kubectl("-n", namespace, "wait", f"pod/{_POD}", "--for=jsonpath={.status.phase}=Running", "--timeout=300s")
    return DeployPods(namespace, components)
