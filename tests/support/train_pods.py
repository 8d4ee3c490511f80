"""The pods of train steps, as Argo makes them, and a stand-in for KFP's launcher in them.

Like KFP, it writes the inputs before the step starts, passes the paths of the outputs, and gives a pod Argo's labels
and annotations, scratch volumes, no capabilities, and the service account of pipelines.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from typing import Any

from fairing_kfp.runtime.node_files import local_path
from tests.support.train_steps import Step

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
