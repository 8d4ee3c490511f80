"""What tests of train steps share: the steps, an account that may do what their role allows, and a clean namespace."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fairing_kfp.cluster.connect import Access
from tests.train_steps import Run, Step, eventually, kubeconfig, start, step_pod


@dataclass
class Bench:
    """Where train steps of one test are tried.

    Attributes:
        steps: by their components' names.
        namespace: of the tests' module.
        account: a service account that has the role of the feature, and no other.
        access: that of the account.
        kubectl: with admin rights.
        folder: for what the steps make.
    """

    steps: Mapping[str, Step]
    namespace: str
    account: str
    access: Access
    kubectl: Callable[..., str]
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

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs that are there, and are not being deleted."""
        found = json.loads(self.kubectl("-n", self.namespace, "get", "jobs", "-o", "json"))["items"]
        return [item for item in found if "deletionTimestamp" not in item["metadata"]]

    def pods(self, job: str = "") -> list[dict[str, Any]]:
        """The pods of jobs."""
        label = f"batch.kubernetes.io/job-name={job}" if job else "batch.kubernetes.io/job-name"
        return list(json.loads(self.kubectl("-n", self.namespace, "get", "pods", "-l", label, "-o", "json"))["items"])

    def nothing_left(self, done: Run | None = None) -> None:
        """Sees that no job is left, nor pods of one."""
        assert self.jobs() == [], done.log if done else ""
        eventually(
            lambda: not self.pods(), 40, lambda: f"pods are left: {[p['metadata']['name'] for p in self.pods()]}"
        )

    def log_of(self, pod: Mapping[str, Any], code: int = 0, seconds: int = 90) -> str:
        """The log of a pod that ended, with a code."""
        name = pod["metadata"]["name"]
        place = "{.status.containerStatuses[0].state.terminated.exitCode}"
        self.kubectl("-n", self.namespace, "wait", f"pod/{name}", f"--for=jsonpath={place}", f"--timeout={seconds}s")
        log = self.kubectl("-n", self.namespace, "logs", name)
        assert self.kubectl("-n", self.namespace, "get", "pod", name, "-o", f"jsonpath={place}") == str(code), log
        return log
