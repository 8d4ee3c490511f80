"""What tests of train steps share: the steps, an account that may do what their role allows, and a clean namespace."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fairing_kfp.cluster.connect import Access
from fairing_kfp.cluster.mutators import Mutator, composed
from fairing_kfp.cluster.owner import RUN
from tests.train_steps import Run, Step, eventually, kubeconfig, start, step_pod

RESOURCES = {
    "job": "jobs.batch",
    "trainjob": "trainjobs.trainer.kubeflow.org",
    "pytorchjob": "pytorchjobs.kubeflow.org",
    "tfjob": "tfjobs.kubeflow.org",
}


def pod_with(*mutators: Mutator) -> dict[str, Any]:
    """What an order says of its pods."""
    return composed(*mutators)({"containers": [{"name": "main"}]})


def _of(done: Run) -> str:
    assert done.pod is not None
    return f"{RUN}={done.pod['metadata']['labels']['pipeline/runid']}"


@dataclass
class Bench:
    """Where train steps of one test are tried.

    Attributes:
        steps: by their components' names.
        namespace: of the tests' module.
        account: a service account that has the role of the feature, and no other.
        access: that of the account.
        kubectl: with admin rights.
        kinds: of jobs that are installed.
        folder: for what the steps make.
    """

    steps: Mapping[str, Step]
    namespace: str
    account: str
    access: Access
    kubectl: Callable[..., str]
    kinds: tuple[str, ...]
    folder: Path

    @property
    def outputs(self) -> Path:
        """Where the outputs of a step belong that runs here."""
        return self.folder / "out"

    def input(
        self,
        step: Step,
        parameters: Mapping[str, Any] | None = None,
        inputs: Mapping[str, str] | None = None,
        task: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The executor input of a step that runs here."""
        return step.executor_input(str(self.outputs), parameters, inputs, task, scratch=str(self.outputs))

    def create(self, pod: Mapping[str, Any]) -> dict[str, Any]:
        """Creates a pod, and gives it as it is then."""
        return dict(
            json.loads(self.kubectl("-n", self.namespace, "create", "-o", "json", "-f", "-", input=json.dumps(pod)))
        )

    def start(
        self, step: Step, executor_input: Mapping[str, Any], pod: Mapping[str, Any] | None = None, server: str = ""
    ) -> Run:
        """Starts a step here, as the account.

        Args:
            step: what is started.
            executor_input: KFP's.
            pod: the pod that stands for the step's; a new one by default.
            server: instead of the API server.
        """
        access = replace(self.access, server=server or self.access.server)
        config = kubeconfig(access, self.folder / f"config-{uuid.uuid4().hex[:8]}")
        return start(step, executor_input, config, pod or self.create(step_pod()))

    def get(self, kinds: str, selector: str) -> list[dict[str, Any]]:
        """Objects that a selector chooses, and that are not being deleted."""
        found = json.loads(self.kubectl("-n", self.namespace, "get", kinds, "-l", selector, "-o", "json"))["items"]
        return [item for item in found if "deletionTimestamp" not in item["metadata"]]

    def jobs(self, done: Run) -> list[dict[str, Any]]:
        """The jobs of a step that are there."""
        return self.get(",".join(RESOURCES[kind] for kind in self.kinds), _of(done))

    def pods(self, done: Run) -> list[dict[str, Any]]:
        """The pods of its jobs, by rank as far as their names tell."""
        return sorted(self.get("pods", _of(done)), key=lambda pod: str(pod["metadata"]["name"]))

    def nothing_left(self, done: Run) -> None:
        """Sees that no job of a step is left, nor a pod of one."""
        assert self.jobs(done) == [], done.log
        eventually(lambda: not self.pods(done), 40, lambda: f"pods are left: {self.pods(done)}")

    def delete_pod(self, pod: Mapping[str, Any] | None) -> None:
        """Deletes a pod at once."""
        assert pod is not None
        self.kubectl("-n", self.namespace, "delete", "pod", pod["metadata"]["name"], "--now", "--wait=false")

    def log_of(self, pod: Mapping[str, Any], code: int = 0, seconds: int = 90) -> str:
        """The log of a pod that ended, with a code."""
        name = pod["metadata"]["name"]
        place = "{.status.containerStatuses[0].state.terminated.exitCode}"
        self.kubectl("-n", self.namespace, "wait", f"pod/{name}", f"--for=jsonpath={place}", f"--timeout={seconds}s")
        log = self.kubectl("-n", self.namespace, "logs", name)
        assert self.kubectl("-n", self.namespace, "get", "pod", name, "-o", f"jsonpath={place}") == str(code), log
        return log
