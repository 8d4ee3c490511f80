"""The train steps of compiled pipelines, and a stand-in for KFP's driver, which gives them their executor input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fairing_kfp.json_spec import OPTION
from fairing_kfp.runtime.node_files import local_path
from fairing_kfp.train.spec import JobSpec
from tests.support.yaml_documents import documents


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
    specification = documents(text)[0]
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
