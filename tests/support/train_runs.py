"""Train steps that run on this machine: in a thread, or where the process is the point, as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.connect import ClusterConfig
from fairing_kfp.cluster.owner import Owner
from fairing_kfp.errors import FairingError
from fairing_kfp.train.spec import JobSpec
from fairing_kfp.train.step import train
from tests.support.paths import TOP
from tests.support.train_steps import Step

_ENVIRONMENT = threading.Lock()


class Run(ABC):
    """A train step that runs.

    Attributes:
        pod: pod that represents the step's.
        lines: lines of its log so far.
    """

    def __init__(self, pod: Object) -> None:
        self.pod = pod
        self.lines: list[str] = []
        self._more = threading.Condition()

    @property
    def log(self) -> str:
        """The whole log."""
        return "\n".join(self.lines)

    def write(self, text: str) -> None:
        """Adds lines to the log."""
        with self._more:
            self.lines.extend(text.split("\n"))
            self._more.notify_all()

    def until(self, text: str, seconds: float = 90) -> str:
        """Waits for a line that contains a text, and returns the line."""

        def found() -> str | None:
            return next((line for line in self.lines if text in line), None)

        with self._more:
            assert self._more.wait_for(lambda: found() or self.has_ended(), seconds), self.log
        line = found()
        assert line, self.log
        return line

    def _notify(self) -> None:
        with self._more:
            self._more.notify_all()

    @abstractmethod
    def has_ended(self) -> bool:
        """Whether the step has ended."""

    @abstractmethod
    def end(self, seconds: float = 150) -> int:
        """Waits for the end of the step, and returns its exit code."""


class ThreadRun(Run):
    """A step in a thread. It reads its pod before it checks its permissions, not after.

    Args:
        step: the step.
        executor_input: KFP's executor input.
        cluster: client with the permissions of the step.
        pod: pod that represents the step's.
    """

    def __init__(self, step: Step, executor_input: Mapping[str, Any], cluster: Cluster, pod: Object) -> None:
        super().__init__(pod)
        self._code: int | None = None
        self._thread = threading.Thread(target=self._run, args=(step, executor_input, cluster), daemon=True)
        self._thread.start()

    def _run(self, step: Step, executor_input: Mapping[str, Any], cluster: Cluster) -> None:
        code = -1  # of an error that a step does not expect
        try:
            given = json.loads(json.dumps(executor_input))
            train(
                JobSpec.parse(step.spec.text()),
                given,
                cluster,
                log=lambda message: self.write(f"fairing-kfp: {message}"),
                log_line=self.write,
                owner=_owner(cluster, self.pod),
            )
            code = 0
        except FairingError as error:
            code = 1
            self.write("\n".join([f"fairing-kfp: {error}", *getattr(error, "__notes__", [])]))
        finally:
            self._code = code
            self._notify()

    def has_ended(self) -> bool:
        return self._code is not None

    def end(self, seconds: float = 150) -> int:
        self._thread.join(seconds)
        assert self._code is not None, self.log
        return self._code


def _owner(cluster: Cluster, pod: Object) -> Owner:
    with _ENVIRONMENT, mock.patch.dict(os.environ, _variables(pod)):
        return Owner.of_step(cluster, "")


def _variables(pod: Object) -> dict[str, str]:
    return {"KFP_POD_NAME": pod["metadata"]["name"], "KFP_POD_UID": pod["metadata"]["uid"]}


class ProcessRun(Run):
    """A step as a process.

    Args:
        step: the step.
        executor_input: KFP's executor input.
        config: kubeconfig instead of the pod's service account.
        pod: pod that represents the step's.
        before: Python statements that the process runs before the step.
    """

    def __init__(
        self, step: Step, executor_input: Mapping[str, Any], config: Path, pod: Object, before: str = ""
    ) -> None:
        super().__init__(pod)
        variables = {**os.environ, **_variables(pod), "KUBECONFIG": str(config), "PYTHONPATH": str(TOP)}
        variables |= {"PYTHONWARNINGS": "ignore"}  # urllib3 warns of unverified certificates
        _, *command = step.command(executor_input)
        if before:
            assert command[0] == "-m"
            run = f"import runpy; runpy.run_module({command[1]!r}, run_name='__main__', alter_sys=True)"
            command = ["-c", f"{before}\n{run}", *command[2:]]
        self.process = subprocess.Popen(
            [sys.executable, "-u", *command],
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.write(line.rstrip("\n"))
        self._notify()

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def end(self, seconds: float = 150) -> int:
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(self.log) from None
        finally:
            self._reader.join(10)
        return code


def kubeconfig(config: ClusterConfig, path: Path) -> Path:
    """Writes a client configuration as a kubeconfig."""
    user: dict[str, Any] = {}
    if config.authorization:
        user["token"] = config.authorization.removeprefix("Bearer ")
    if config.certificate:
        user |= dict(zip(("client-certificate", "client-key"), config.certificate, strict=True))
    server: dict[str, Any] = {"server": config.server}
    server |= {"certificate-authority": config.ca} if config.verify else {"insecure-skip-tls-verify": True}
    context = {"cluster": "tests", "user": "tests", "namespace": config.namespace}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": server}],
        "users": [{"name": "tests", "user": user}],
        "contexts": [{"name": "tests", "context": context}],
        "current-context": "tests",
    }
    path.write_text(yaml.safe_dump(document))
    return path
