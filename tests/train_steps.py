"""A stand-in for KFP's driver and launcher, which runs compiled train steps: as processes here, or as pods.

As KFP does, it lays the inputs before the step starts, tells the step where its outputs belong, and gives a pod the
labels and annotations of Argo, scratch volumes, no capability, and the service account of pipelines.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from fairing_kfp.cluster.connect import Access
from fairing_kfp.own_step import ORDER
from fairing_kfp.runtime.node_files import local_path
from fairing_kfp.train.order import Order

_SCRATCH = ("gcs", "minio", "s3", ".local", ".cache", ".config")
_LAUNCHER = """
import base64, json, os, signal, subprocess, sys, time

def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(base64.b64decode(data))

given = json.loads(sys.argv[1])
for path, data in given["files"].items():
    write(path, data)
child = subprocess.Popen(given["command"])

def end(number, frame):
    child.send_signal(number)  # the process group gets it
    time.sleep(1)              # and is gone with the launcher
    os._exit(143)

signal.signal(signal.SIGTERM, end)
code = child.wait()
made = {}
for place in given["outputs"]:
    for folder, _, names in os.walk(place):
        made.update({os.path.join(folder, name): None for name in names})
    if os.path.isfile(place):
        made[place] = None
for path in made:
    with open(path, "rb") as file:
        made[path] = base64.b64encode(file.read()).decode()
print("OUTPUTS " + json.dumps(made))
sys.exit(code)
"""


@dataclass(frozen=True)
class Step:
    """A train step of a compiled pipeline.

    Attributes:
        order: what it is told.
        image: ours, in which it runs.
        container: as compiled.
        component: its definition.
    """

    order: Order
    image: str
    container: Mapping[str, Any]
    component: Mapping[str, Any]

    def with_order(self, **changes: Any) -> Step:
        """The step with another order."""
        return replace(self, order=replace(self.order, **changes))

    def executor_input(
        self,
        root: str,
        parameters: Mapping[str, Any] | None = None,
        inputs: Mapping[str, str] | None = None,
        task: Mapping[str, Any] | None = None,
        scratch: str = "/tmp",
    ) -> dict[str, Any]:
        """What KFP's driver makes of a task.

        Args:
            root: where output artifacts belong: a URI of a store, or a folder.
            parameters: of the task.
            inputs: the URIs of input artifacts.
            task: KFP's TaskConfig.
            scratch: where the step lays its parameters.
        """
        unset = dict.fromkeys(("affinity", "tolerations", "nodeSelector", "env", "volumes", "volumeMounts"))
        values = {**(parameters or {}), "fairing_task_config": {**unset, "resources": {}, **(task or {})}}
        given = self.component["inputDefinitions"].get("artifacts", {})
        made = self.component.get("outputDefinitions", {})
        return {
            "inputs": {
                "parameterValues": values,
                "artifacts": {
                    name: {"artifacts": [_artifact(name, given[name], uri)]} for name, uri in (inputs or {}).items()
                },
            },
            "outputs": {
                "outputFile": f"{scratch}/kfp_outputs/output_metadata.json",
                "parameters": {
                    name: {"outputFile": f"{scratch}/kfp/outputs/{name}"} for name in made.get("parameters", {})
                },
                "artifacts": {
                    name: {"artifacts": [_artifact(name, what, f"{root}/{name}")]}
                    for name, what in made.get("artifacts", {}).items()
                },
            },
        }

    def command(self, executor_input: Mapping[str, Any]) -> list[str]:
        """What KFP's launcher starts."""
        arguments = [argument.replace("{{$}}", json.dumps(executor_input)) for argument in self.container["args"]]
        arguments[arguments.index(ORDER) + 1] = self.order.text()
        return [*self.container["command"], *arguments]


def steps_of(text: str) -> dict[str, Step]:
    """The train steps of a compiled pipeline, by their components' names."""
    specification = next(yaml.safe_load_all(text))
    found = {}
    for label, executor in specification["deploymentSpec"]["executors"].items():
        container = executor["container"]
        if ORDER in container.get("args", ()):
            name = label.removeprefix("exec-")
            order = Order.parse(container["args"][container["args"].index(ORDER) + 1])
            found[name] = Step(order, container["image"], container, specification["components"][f"comp-{name}"])
    return found


def _artifact(name: str, definition: Mapping[str, Any], uri: str) -> dict[str, Any]:
    return {"name": name, "type": definition["artifactType"], "uri": uri, "metadata": {}}


def made_by(executor_input: Mapping[str, Any]) -> dict[str, Any]:
    """What a step gave out, as KFP reads it: parameters, artifacts' metadata, and the files by their paths."""
    outputs = executor_input["outputs"]
    listed = json.loads(Path(outputs["outputFile"]).read_text())
    files = {name: Path(one["outputFile"]) for name, one in outputs.get("parameters", {}).items()}
    written = {name: _value(path.read_text()) for name, path in files.items() if path.exists()}
    return {
        "parameters": {**written, **listed.get("parameterValues", {})},
        "metadata": {
            name: one["artifacts"][0].get("metadata", {}) for name, one in listed.get("artifacts", {}).items()
        },
        "paths": {
            name: Path(local_path(one["artifacts"][0]["uri"])) for name, one in outputs.get("artifacts", {}).items()
        },
    }


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def kubeconfig(access: Access, path: Path) -> Path:
    """A kubeconfig that says what an access says."""
    user: dict[str, Any] = {}
    if access.authorization:
        user["token"] = access.authorization.removeprefix("Bearer ")
    if access.certificate:
        user |= dict(zip(("client-certificate", "client-key"), access.certificate, strict=True))
    server: dict[str, Any] = {"server": access.server}
    server |= {"certificate-authority": access.ca} if access.verify else {"insecure-skip-tls-verify": True}
    context = {"cluster": "tests", "user": "tests", "namespace": access.namespace}
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


@dataclass
class Run:
    """A train step that runs as a process here.

    Attributes:
        process: the step's.
        pod: what stands for the step's pod; None outside of KFP.
        lines: what it said, so far.
    """

    process: subprocess.Popen[str]
    pod: Mapping[str, Any] | None = None
    lines: list[str] = field(default_factory=list)
    _more: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.lines.append(line.rstrip("\n"))
                self._more.notify_all()
        with self._more:
            self._more.notify_all()

    def until(self, text: str, seconds: float = 60) -> str:
        """Waits for a line that holds a text, and gives it."""

        def found() -> str | None:
            return next((line for line in self.lines if text in line), None)

        with self._more:
            assert self._more.wait_for(lambda: found() or self.process.poll() is not None, seconds), self.log
        line = found()
        assert line, self.log
        return line

    def end(self, seconds: float = 90) -> int:
        """Waits for the step's end; gives its exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(self.log) from None
        finally:
            self._reader.join(10)
        return code

    @property
    def log(self) -> str:
        """All that it said."""
        return "\n".join(self.lines)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self.read, daemon=True)
        self._reader.start()


def start(
    step: Step, executor_input: Mapping[str, Any], config: Path, pod: Mapping[str, Any] | None = None, **env: str
) -> Run:
    """Starts a step as a process here.

    Args:
        step: what is started.
        executor_input: KFP's.
        config: the kubeconfig that stands for the pod's own access.
        pod: the pod that stands for the step's.
        env: further variables.
    """
    variables = {**os.environ, "KUBECONFIG": str(config), "PYTHONPATH": str(Path(__file__).parent.parent)}
    variables |= {"PYTHONWARNINGS": "ignore", **env}  # of urllib3, that a proxy's certificate is not checked
    if pod:
        variables |= {"KFP_POD_NAME": pod["metadata"]["name"], "KFP_POD_UID": pod["metadata"]["uid"]}
    command = [sys.executable, "-u", *step.command(executor_input)[1:]]
    process = subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    return Run(process, pod)


def step_pod(attempt: int = 0, run: str = "", task: str = "train", **spec: Any) -> dict[str, Any]:
    """The pod of a step, as Argo makes it; it fits nowhere unless said otherwise.

    Args:
        attempt: of the task.
        run: the run's id.
        task: the task's name.
        spec: of the pod.
    """
    run = run or str(uuid.uuid4())
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"elsewhere-system-container-impl-{uuid.uuid4().hex[:10]}",
            "labels": {"pipeline/runid": run, "workflows.argoproj.io/workflow": "elsewhere"},
            "annotations": {"workflows.argoproj.io/node-name": f"elsewhere.root.{task}.executor({attempt})"},
        },
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 30,
            "nodeSelector": {"nowhere": "true"},
            "containers": [{"name": "main", "image": "none.example/none:1"}],
            **spec,
        },
    }


def launched(
    step: Step, executor_input: Mapping[str, Any], account: str, files: Mapping[str, bytes], **more: Any
) -> dict[str, Any]:
    """A pod in which KFP's launcher would run a step in our own image.

    Args:
        step: what is run.
        executor_input: KFP's.
        account: the pod's service account.
        files: what the launcher brings, by its paths.
        more: as for `step_pod`.
    """
    outputs = executor_input["outputs"]
    places = [local_path(one["artifacts"][0]["uri"]) for one in outputs["artifacts"].values()]
    given = {
        "files": {path: base64.b64encode(data).decode() for path, data in files.items()},
        "command": step.command(executor_input),
        "outputs": [*places, *(one["outputFile"] for one in outputs["parameters"].values()), outputs["outputFile"]],
    }

    def field_of(path: str) -> dict[str, Any]:
        return {"fieldRef": {"fieldPath": path}}

    container = {
        "name": "main",
        "image": step.image,
        "command": ["python3", "-c", _LAUNCHER, json.dumps(given)],
        "env": [
            {"name": "KFP_POD_NAME", "valueFrom": field_of("metadata.name")},
            {"name": "KFP_POD_UID", "valueFrom": field_of("metadata.uid")},
        ],
        "volumeMounts": [{"name": f"scratch-{name.strip('.')}", "mountPath": f"/{name}"} for name in _SCRATCH],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return step_pod(
        nodeSelector={},
        serviceAccountName=account,
        containers=[container],
        volumes=[{"name": f"scratch-{name.strip('.')}", "emptyDir": {}} for name in _SCRATCH],
        **more,
    )


def outputs_in(log: str) -> dict[str, bytes]:
    """The files that the launcher of a pod would have uploaded."""
    (line,) = [line for line in log.splitlines() if line.startswith("OUTPUTS ")]
    return {path: base64.b64decode(data) for path, data in json.loads(line.removeprefix("OUTPUTS ")).items()}


def eventually(holds: Callable[[], Any], seconds: float = 30, why: Callable[[], str] = str) -> Any:
    """Waits until something holds, and gives it."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, why() or "it never came to hold"
        time.sleep(0.1)
    return found
