"""The environment of tests of train steps: the steps, a namespace, and an account with their role only."""

from __future__ import annotations

import contextlib
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.connect import ClusterConfig
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.cluster.mutators import Mutator, composed
from fairing_kfp.cluster.owner import RUN
from fairing_kfp.train.kinds.kind import training_kind
from fairing_kfp.train.kinds.select import KINDS
from tests.support.administrator import create, kind_named, listed
from tests.support.train_pods import step_pod
from tests.support.train_runs import ProcessRun, Run, ThreadRun, kubeconfig
from tests.support.train_steps import Step
from tests.support.waiting import eventually


def pod_with(*mutators: Mutator) -> dict[str, Any]:
    """The pod template of a spec, made by mutators."""
    return composed(*mutators)({"containers": [{"name": "main"}]})


def kinds(*default: str) -> list[Any]:
    """Values of a parameter `kind`: all kinds of jobs, of which these run by default, and the others exhaustively."""
    return [pytest.param(kind, marks=() if kind in default else pytest.mark.exhaustive) for kind in KINDS]


def chosen(request: pytest.FixtureRequest, argument: str) -> list[str]:
    """The values of a parameter in the tests of a module that run."""
    items = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    return [item.callspec.params[argument] for item in items if argument in item.callspec.params]


HELD = "import socket; socket.create_server(('', 9001)).accept()"
"""Code that waits until `release`."""


def release(pod: Object) -> None:
    """Lets the code of a pod that is held go on."""

    def connect() -> bool:
        with contextlib.suppress(OSError), socket.create_connection((pod["status"]["podIP"], 9001), timeout=5):
            return True
        return False

    eventually(connect, pause=0.05)


def _of(done: Run) -> str:
    return f"{RUN}={done.pod['metadata']['labels']['pipeline/runid']}"


@dataclass
class Bench:
    """The environment of one test.

    Attributes:
        steps: steps by the names of their components.
        namespace: namespace of the test module.
        account: service account with the roles of train steps only.
        config: client configuration with the token of the account.
        kinds: kinds of training jobs that are installed.
        folder: folder for files of the steps.
    """

    steps: Mapping[str, Step]
    namespace: str
    account: str
    config: ClusterConfig
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

    def create(self, pod: Object) -> Object:
        """Creates a pod and returns it."""
        return create(self.namespace, pod)

    def start(
        self, step: Step, executor_input: Mapping[str, Any], pod: Object | None = None, server: str = ""
    ) -> ThreadRun:
        """Starts a step in a thread, with the permissions of the account.

        Args:
            step: the step.
            executor_input: KFP's executor input.
            pod: pod that represents the step's; a new one by default.
            server: URL of a proxy to the API server.
        """
        access = replace(self.config, server=server or self.config.server)
        return ThreadRun(step, executor_input, Cluster(lambda: access), pod or self.create(step_pod()))

    def start_process(
        self,
        step: Step,
        executor_input: Mapping[str, Any],
        pod: Object | None = None,
        server: str = "",
        before: str = "",
    ) -> ProcessRun:
        """Starts a step as a process, with the permissions of the account.

        Args:
            step: the step.
            executor_input: KFP's executor input.
            pod: pod that represents the step's; a new one by default.
            server: URL of a proxy to the API server.
            before: Python statements that the process runs before the step.
        """
        access = replace(self.config, server=server or self.config.server)
        config = kubeconfig(access, self.folder / f"config-{uuid.uuid4().hex[:8]}")
        return ProcessRun(step, executor_input, config, pod or self.create(step_pod()), before)

    def jobs(self, done: Run) -> list[Object]:
        """The existing jobs of a step."""
        served = [training_kind(kind) for kind in self.kinds]
        found = [kind_named(one.api_version, one.kind) for one in served]
        return [job for kind in found for job in listed(self.namespace, kind, _of(done))]

    def pods(self, done: Run) -> list[Object]:
        """The pods of its jobs, sorted by name."""
        return sorted(listed(self.namespace, POD, _of(done)), key=lambda pod: str(pod["metadata"]["name"]))

    def nothing_left(self, done: Run) -> None:
        """Asserts that no job and no pod of a step is left."""
        assert self.jobs(done) == [], done.log
        eventually(lambda: not self.pods(done), 40, lambda: f"pods are left: {self.pods(done)}", pause=0.1)
