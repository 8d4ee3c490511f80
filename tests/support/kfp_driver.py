"""A small KFP: runs a compiled pipeline's tasks as pods, with artifacts in an S3-compatible store.

It does what KFP's driver and launcher do for plain graphs: it resolves inputs, writes the executor input, starts a pod
per task, and in it downloads input artifacts, replaces placeholders, runs the command and uploads outputs.
"""

from __future__ import annotations

import json
import re
import urllib.request
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

from tests.support.pods import STRICT, ended
from tests.support.yaml_documents import documents

BUCKET = "artifacts"

HEADERS = {
    # The store checks no signature, but takes the service from it.
    "Authorization": "AWS4-HMAC-SHA256 Credential=made-up/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, "
    "Signature=made-up",
    "Content-Type": "application/octet-stream",
}

LAUNCHER = """
import json, os, re, subprocess, sys, urllib.parse, urllib.request, xml.etree.ElementTree as xml

task = json.loads(sys.argv[1])
given, store = task["executor_input"], task["store"]

def local(uri):
    return "/" + uri.replace("://", "/", 1)

def ask(method, key, data=None):
    url = store + "/" + urllib.parse.quote(key, safe="/?=&-")
    request = urllib.request.Request(url, data=data, method=method, headers=task["headers"])
    return urllib.request.urlopen(request, timeout=30).read()

def download(uri):
    bucket, _, key = uri.partition("://")[2].partition("/")
    listed = xml.fromstring(ask("GET", f"{bucket}?list-type=2&prefix={key}"))
    for found in (one.text for one in listed.iter() if one.tag.endswith("}Key")):
        if found == key or found.startswith(key.rstrip("/") + "/"):
            path = local(uri) + found[len(key.rstrip("/")):]
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "wb").write(ask("GET", f"{bucket}/{found}"))

def upload(path, uri):
    if os.path.isdir(path):
        for name in os.listdir(path):
            upload(f"{path}/{name}", f"{uri}/{name}")
    elif os.path.exists(path):
        ask("PUT", uri.partition("://")[2], open(path, "rb").read())

def value(match):
    kind, group, name, rest = match.groups()
    if kind == "inputs" and group == "parameters":
        found = given["inputs"]["parameterValues"][name]
        return found if isinstance(found, str) else json.dumps(found)
    if group == "parameters":
        return given["outputs"]["parameters"][name]["outputFile"]
    artifact = given[kind]["artifacts"][name]["artifacts"][0]
    return artifact["uri"] if rest == "uri" else local(artifact["uri"])

def filled(text):
    text = re.sub(r"\\{\\{\\$\\.(inputs|outputs)\\.(parameters|artifacts)\\['([^']+)'\\]\\.?(\\w*)\\}\\}", value, text)
    return text.replace("{{$}}", json.dumps(given))

for name, listed in given["inputs"]["artifacts"].items():
    for artifact in listed["artifacts"]:
        download(artifact["uri"])
for listed in given["outputs"]["artifacts"].values():
    os.makedirs(os.path.dirname(local(listed["artifacts"][0]["uri"])), exist_ok=True)
done = subprocess.run([filled(one) for one in task["command"]])
if done.returncode:
    sys.exit(done.returncode)
read = {}
if os.path.exists(given["outputs"]["outputFile"]):
    read = json.load(open(given["outputs"]["outputFile"]))
for name, parameter in given["outputs"]["parameters"].items():
    if os.path.exists(parameter["outputFile"]):
        read.setdefault("parameterTexts", {})[name] = open(parameter["outputFile"]).read()
for listed in given["outputs"]["artifacts"].values():
    uri = listed["artifacts"][0]["uri"]
    upload(local(uri), uri)
ask("PUT", task["result"], json.dumps(read).encode())
"""


@dataclass(frozen=True)
class Store:
    """An S3-compatible store.

    Attributes:
        url: its URL, on this machine and in pods.
    """

    url: str

    def put(self, place: str, data: bytes = b"") -> None:
        """Creates a bucket, or an object of one."""
        request = urllib.request.Request(f"{self.url}/{place}", data=data, method="PUT", headers=HEADERS)
        urllib.request.urlopen(request, timeout=30).close()

    def get(self, uri: str) -> bytes:
        """The object at `s3://BUCKET/KEY`."""
        request = urllib.request.Request(f"{self.url}/{uri.partition('://')[2]}", headers=HEADERS)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())


@dataclass
class Task:
    """A finished task.

    Attributes:
        parameters: its output parameters.
        artifacts: its output artifacts, as an executor input lists them.
        image: the image it ran in.
        log: the log of its pod.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    image: str = ""
    log: str = ""


@dataclass
class Driver:
    """Runs one pipeline in a namespace, as the service account `pipeline-runner`.

    Attributes:
        namespace: namespace of the pods.
        store: store of the artifacts.
        tasks: finished tasks, by name.
    """

    namespace: str
    store: Store
    tasks: dict[str, Task] = field(default_factory=dict)
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def run(self, text: str, arguments: Mapping[str, Any]) -> dict[str, Task]:
        """Runs the tasks of a compiled pipeline, each when those that it depends on have finished."""
        self._pipeline, *platforms = documents(text)
        platform = platforms[0] if platforms else {}
        deployment = platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {})
        self._kubernetes = deployment.get("executors", {})
        defined = self._pipeline["root"]["inputDefinitions"]["parameters"]
        defaults = {name: one["defaultValue"] for name, one in defined.items() if "defaultValue" in one}
        self._arguments = {name: _typed(value, defined[name]) for name, value in {**defaults, **arguments}.items()}
        tasks = self._pipeline["root"]["dag"]["tasks"]
        order = TopologicalSorter({name: task.get("dependentTasks", ()) for name, task in tasks.items()})
        order.prepare()
        with ThreadPoolExecutor(8) as pool:
            while order.is_active():
                ready = order.get_ready()
                for name, done in zip(ready, pool.map(lambda one: self._task(one, tasks[one]), ready), strict=True):
                    self.tasks[name] = done
                    order.done(name)
        return self.tasks

    def _task(self, name: str, task: Mapping[str, Any]) -> Task:
        component = self._pipeline["components"][task["componentRef"]["name"]]
        parameters, artifacts = self._inputs(task.get("inputs", {}), component.get("inputDefinitions", {}))
        label = component["executorLabel"]
        executor = self._pipeline["deploymentSpec"]["executors"][label]
        if "importer" in executor:
            uri = executor["importer"]["artifactUri"]
            uri = parameters[uri["runtimeParameter"]] if "runtimeParameter" in uri else uri["constant"]
            return Task(artifacts={"artifact": {"name": "artifact", "uri": uri, "metadata": {}}})
        root = f"s3://{BUCKET}/{self.run_id}/{name}"
        outputs = component.get("outputDefinitions", {})
        made = {
            one: {"name": one, "uri": f"{root}/{one}", "type": kind["artifactType"], "metadata": {}}
            for one, kind in outputs.get("artifacts", {}).items()
        }
        given = {
            "inputs": {
                "parameterValues": parameters,
                "artifacts": {one: {"artifacts": [artifact]} for one, artifact in artifacts.items()},
            },
            "outputs": {
                "outputFile": "/tmp/kfp_outputs/output_metadata.json",
                "parameters": {one: {"outputFile": f"/tmp/kfp/outputs/{one}"} for one in outputs.get("parameters", {})},
                "artifacts": {one: {"artifacts": [artifact]} for one, artifact in made.items()},
            },
        }
        container = executor["container"]
        image = _filled(container["image"], parameters)
        result = f"{BUCKET}/{self.run_id}/{name}.json"
        command = [*container.get("command", ()), *container.get("args", ())]
        argument = {
            "headers": HEADERS,
            "store": self.store.url,
            "executor_input": given,
            "command": command,
            "result": result,
        }
        log = self._pod(name, image, argument, container.get("env", ()), self._kubernetes.get(label, {}))
        read = json.loads(self.store.get(f"s3://{result}"))
        for one, listed in read.get("artifacts", {}).items():
            made[one]["metadata"] |= listed["artifacts"][0].get("metadata", {})
        values = {
            one: _parsed(text, outputs["parameters"][one]) for one, text in read.get("parameterTexts", {}).items()
        }
        return Task({**read.get("parameterValues", {}), **values}, made, image, log)

    def _inputs(
        self, given: Mapping[str, Any], defined: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Parameters with defaults, and artifacts."""
        kinds = defined.get("parameters", {})
        values = {name: one["defaultValue"] for name, one in kinds.items() if "defaultValue" in one}
        constants = {}
        for name, source in given.get("parameters", {}).items():
            if "componentInputParameter" in source:
                values[name] = self._arguments[source["componentInputParameter"]]
            elif "taskOutputParameter" in source:
                output = source["taskOutputParameter"]
                values[name] = self.tasks[output["producerTask"]].parameters[output["outputParameterKey"]]
            else:
                constants[name] = source["runtimeValue"]["constant"]
        for name, value in constants.items():
            values[name] = _filled(value, values) if isinstance(value, str) else value
        artifacts = {}
        for name, source in given.get("artifacts", {}).items():
            output = source["taskOutputArtifact"]
            artifacts[name] = self.tasks[output["producerTask"]].artifacts[output["outputArtifactKey"]]
        return {name: _typed(value, kinds.get(name, {})) for name, value in values.items()}, artifacts

    def _pod(self, task: str, image: str, argument: Mapping[str, Any], env: Any, platform: Mapping[str, Any]) -> str:
        """Runs a pod under the restricted Pod Security Standard; returns its log."""
        name = f"{task}-{self.run_id[:8]}"
        mounts = [{"name": one, "mountPath": f"/{one}"} for one in ("tmp", "s3")]
        volumes: list[dict[str, Any]] = [{"name": one, "emptyDir": {}} for one in ("tmp", "s3")]
        for number, secret in enumerate(platform.get("secretAsVolume", ())):
            source = {"secretName": secret["secretName"], "optional": secret.get("optional", False)}
            volumes.append({"name": f"secret-{number}", "secret": source})
            mounts.append({"name": f"secret-{number}", "mountPath": secret["mountPath"]})
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"pipeline/runid": self.run_id}},
            "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": "pipeline-runner",
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "volumes": volumes,
                "containers": [
                    {
                        "name": "main",
                        "image": image,
                        "command": ["python3", "-c", LAUNCHER, json.dumps(argument)],
                        "env": [
                            *env,
                            {"name": "KFP_POD_NAME", "value": name},
                            {"name": "KFP_POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
                        ],
                        "volumeMounts": mounts,
                        "securityContext": STRICT,
                    }
                ],
            },
        }
        status, logs = ended(self.namespace, pod)
        assert status["phase"] == "Succeeded", f"the task {task} failed: {status}\n{logs}"
        return logs["main"]


def _filled(text: str, parameters: Mapping[str, Any]) -> str:
    return re.sub(r"\{\{\$\.inputs\.parameters\['([^']+)'\]\}\}", lambda match: str(parameters[match[1]]), text)


def _typed(value: Any, definition: Mapping[str, Any]) -> Any:
    """A number of YAML as its parameter's type: KFP writes all as floats."""
    return int(value) if definition.get("parameterType") == "NUMBER_INTEGER" else value


def _parsed(text: str, definition: Mapping[str, Any]) -> Any:
    return text if definition["parameterType"] == "STRING" else json.loads(text)
