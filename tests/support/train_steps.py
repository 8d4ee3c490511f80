"""A stand-in for KFP's driver and launcher that runs compiled train steps as local processes or as pods.

Like KFP, it writes the inputs before the step starts, passes the paths of the outputs, and gives a pod Argo's labels
and annotations, scratch volumes, no capabilities, and the service account of pipelines.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from fairing_kfp.cluster.connect import ClusterConfig
from fairing_kfp.json_spec import OPTION
from fairing_kfp.runtime.node_files import local_path
from fairing_kfp.train.spec import JobSpec
from tests.support.paths import TOP

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
    child.send_signal(number)  # the process group receives it
    time.sleep(1)              # and ends with the launcher
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
    """A training step of a compiled pipeline.

    Attributes:
        spec: spec of the step.
        image: our own image, in which it runs.
        container: its compiled container.
        component: its component definition.
    """

    spec: JobSpec
    image: str
    container: Mapping[str, Any]
    component: Mapping[str, Any]

    def with_spec(self, **changes: Any) -> Step:
        """The step with a changed spec."""
        return replace(self, spec=replace(self.spec, **changes))

    def executor_input(
        self,
        root: str,
        parameters: Mapping[str, Any] | None = None,
        inputs: Mapping[str, str] | None = None,
        task: Mapping[str, Any] | None = None,
        scratch: str = "/tmp",
    ) -> dict[str, Any]:
        """The executor input that KFP's driver makes for a task.

        Args:
            root: URI or folder of the output artifacts.
            parameters: parameters of the task.
            inputs: URIs of input artifacts.
            task: KFP's TaskConfig.
            scratch: folder of the output parameters.
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
        """The command that KFP's launcher runs."""
        arguments = [argument.replace("{{$}}", json.dumps(executor_input)) for argument in self.container["args"]]
        arguments[arguments.index(OPTION) + 1] = self.spec.text()
        return [*self.container["command"], *arguments]


def steps_of(text: str) -> dict[str, Step]:
    """The train steps of a compiled pipeline, by the names of their components."""
    specification = next(yaml.safe_load_all(text))
    found = {}
    for label, executor in specification["deploymentSpec"]["executors"].items():
        container = executor["container"]
        if OPTION in container.get("args", ()):
            name = label.removeprefix("exec-")
            spec = JobSpec.parse(container["args"][container["args"].index(OPTION) + 1])
            found[name] = Step(spec, container["image"], container, specification["components"][f"comp-{name}"])
    return found


def _artifact(name: str, definition: Mapping[str, Any], uri: str) -> dict[str, Any]:
    return {"name": name, "type": definition["artifactType"], "uri": uri, "metadata": {}}


def made_by(executor_input: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a step, as KFP reads them: parameters, metadata of artifacts, and their paths."""
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


@dataclass
class Run:
    """A train step that runs as a local process.

    Attributes:
        process: the process.
        pod: pod that represents the step's; None outside KFP.
        lines: lines of its log so far.
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
        """Waits for a line that contains a text, and returns the line."""

        def found() -> str | None:
            return next((line for line in self.lines if text in line), None)

        with self._more:
            assert self._more.wait_for(lambda: found() or self.process.poll() is not None, seconds), self.log
        line = found()
        assert line, self.log
        return line

    def end(self, seconds: float = 90) -> int:
        """Waits for the end of the step, and returns its exit code."""
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
        """The whole log."""
        return "\n".join(self.lines)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self.read, daemon=True)
        self._reader.start()


def start(
    step: Step, executor_input: Mapping[str, Any], config: Path, pod: Mapping[str, Any] | None = None, **env: str
) -> Run:
    """Starts a step as a local process.

    Args:
        step: the step.
        executor_input: KFP's executor input.
        config: kubeconfig instead of the pod's service account.
        pod: pod that represents the step's.
        env: additional environment variables.
    """
    variables = {**os.environ, "KUBECONFIG": str(config), "PYTHONPATH": str(TOP)}
    variables |= {"PYTHONWARNINGS": "ignore", **env}  # urllib3 warns of unverified certificates
    if pod:
        variables |= {"KFP_POD_NAME": pod["metadata"]["name"], "KFP_POD_UID": pod["metadata"]["uid"]}
    command = [sys.executable, "-u", *step.command(executor_input)[1:]]
    process = subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    return Run(process, pod)


def step_pod(attempt: int = 0, run: str = "", task: str = "train", **spec: Any) -> dict[str, Any]:
    """The pod of a step, as Argo creates it; unschedulable by default.

    Args:
        attempt: number of the attempt.
        run: id of the run.
        task: name of the task.
        spec: fields of the pod specification.
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
    """A pod that runs a step like KFP's launcher, in our own image.

    Args:
        step: the step.
        executor_input: KFP's executor input.
        account: service account of the pod.
        files: files that the launcher downloads, by path.
        more: arguments of `step_pod`.
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
    """The files that the launcher would upload, from the log of its pod."""
    (line,) = [line for line in log.splitlines() if line.startswith("OUTPUTS ")]
    return {path: base64.b64decode(data) for path, data in json.loads(line.removeprefix("OUTPUTS ")).items()}
