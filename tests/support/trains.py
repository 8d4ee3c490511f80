"""The environment of tests of train steps: the steps, a namespace, and an account with their role only."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fairing_kfp.cluster.connect import ClusterConfig
from fairing_kfp.cluster.mutators import Mutator, composed
from fairing_kfp.cluster.owner import RUN
from tests.support.train_steps import Run, Step, kubeconfig, start, step_pod
from tests.support.waiting import eventually

RESOURCES = {
    "job": "jobs.batch",
    "trainjob": "trainjobs.trainer.kubeflow.org",
    "pytorchjob": "pytorchjobs.kubeflow.org",
    "tfjob": "tfjobs.kubeflow.org",
}


def pod_with(*mutators: Mutator) -> dict[str, Any]:
    """The pod template of a spec, made by mutators."""
    return composed(*mutators)({"containers": [{"name": "main"}]})


def _of(done: Run) -> str:
    assert done.pod is not None
    return f"{RUN}={done.pod['metadata']['labels']['pipeline/runid']}"


@dataclass
class Bench:
    """The environment of one test.

    Attributes:
        steps: steps by the names of their components.
        namespace: namespace of the test module.
        account: service account with the roles of train steps only.
        config: client configuration with the token of the account.
        kubectl: kubectl with administrator permissions.
        kinds: kinds of training jobs that are installed.
        folder: folder for files of the steps.
    """

    steps: Mapping[str, Step]
    namespace: str
    account: str
    config: ClusterConfig
    kubectl: Callable[..., str]
    kinds: tuple[str, ...]
    folder: Path

    @property
    def outputs(self) -> Path:
        """Folder for the outputs of a step that runs on this machine."""
        return self.folder / "out"

    def input(
        self,
        step: Step,
        parameters: Mapping[str, Any] | None = None,
        inputs: Mapping[str, str] | None = None,
        task: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The executor input of a step that runs on this machine."""
        return step.executor_input(str(self.outputs), parameters, inputs, task, scratch=str(self.outputs))

    def create(self, pod: Mapping[str, Any]) -> dict[str, Any]:
        """Creates a pod and returns it."""
        return dict(
            json.loads(self.kubectl("-n", self.namespace, "create", "-o", "json", "-f", "-", input=json.dumps(pod)))
        )

    def start(
        self, step: Step, executor_input: Mapping[str, Any], pod: Mapping[str, Any] | None = None, server: str = ""
    ) -> Run:
        """Starts a step on this machine, with the permissions of the account.

        Args:
            step: the step.
            executor_input: KFP's executor input.
            pod: pod that represents the step's; a new one by default.
            server: URL of a proxy to the API server.
        """
        access = replace(self.config, server=server or self.config.server)
        config = kubeconfig(access, self.folder / f"config-{uuid.uuid4().hex[:8]}")
        return start(step, executor_input, config, pod or self.create(step_pod()))

    def get(self, kinds: str, selector: str) -> list[dict[str, Any]]:
        """Objects that match a selector and are not being deleted."""
        found = json.loads(self.kubectl("-n", self.namespace, "get", kinds, "-l", selector, "-o", "json"))["items"]
        return [item for item in found if "deletionTimestamp" not in item["metadata"]]

    def jobs(self, done: Run) -> list[dict[str, Any]]:
        """The existing jobs of a step."""
        return self.get(",".join(RESOURCES[kind] for kind in self.kinds), _of(done))

    def pods(self, done: Run) -> list[dict[str, Any]]:
        """The pods of its jobs, sorted by name."""
        return sorted(self.get("pods", _of(done)), key=lambda pod: str(pod["metadata"]["name"]))

    def nothing_left(self, done: Run) -> None:
        """Asserts that no job and no pod of a step is left."""
        assert self.jobs(done) == [], done.log
        eventually(lambda: not self.pods(done), 40, lambda: f"pods are left: {self.pods(done)}")

    def delete_pod(self, pod: Mapping[str, Any] | None) -> None:
        """Deletes a pod immediately."""
        assert pod is not None
        self.kubectl("-n", self.namespace, "delete", "pod", pod["metadata"]["name"], "--now", "--wait=false")

    def log_of(self, pod: Mapping[str, Any], code: int = 0, seconds: int = 90) -> str:
        """The log of a pod, once it has exited with a code."""
        name = pod["metadata"]["name"]
        place = "{.status.containerStatuses[0].state.terminated.exitCode}"
        self.kubectl("-n", self.namespace, "wait", f"pod/{name}", f"--for=jsonpath={place}", f"--timeout={seconds}s")
        log = self.kubectl("-n", self.namespace, "logs", name)
        assert self.kubectl("-n", self.namespace, "get", "pod", name, "-o", f"jsonpath={place}") == str(code), log
        return log
