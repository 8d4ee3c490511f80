"""Runs steps of reusable components in pods, one after another, with the outputs that KFP would pass on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.component_steps import container_of, executor_input
from tests.support.step_pods import run_step

_OUTPUTS = "/tmp/gives/output.json"  # the kubelet makes its folder


@dataclass(frozen=True)
class Result:
    """The result of a step.

    Attributes:
        code: its exit code.
        log: its log.
        output: KFP's executor output; empty if it failed.
    """

    code: int
    log: str
    output: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.output["parameterValues"][name]

    @property
    def metrics(self) -> Mapping[str, float]:
        return dict(self.output["artifacts"]["metrics"]["artifacts"][0]["metadata"])


@dataclass(frozen=True)
class DeployPods:
    """Runs components of the category deployment.

    Attributes:
        kubectl: kubectl with administrator permissions.
        namespace: namespace of the pods.
        components: the published components.
    """

    kubectl: Callable[..., str]
    namespace: str
    components: Path

    def __call__(self, component: str, *, model_file: str = "", **parameters: Any) -> Result:
        """Runs a step, whose artifact `model` is a file of the ConfigMap, if any."""
        file = self.components / "deployment" / component / "component.yaml"
        files = [model_file] if model_file else []
        artifacts = {"model": f"minio://{model_file}"} if model_file else {}
        given = executor_input(file, "/tmp/out", parameters, artifacts)
        given["outputs"]["outputFile"] = _OUTPUTS
        ended = run_step(self.kubectl, self.namespace, container_of(file), given, files=files, gives=_OUTPUTS)
        return Result(ended.code, ended.log, json.loads(ended.gave) if ended.code == 0 else {})

    def succeed(self, component: str, *, model_file: str = "", **parameters: Any) -> Result:
        """Runs a step that must succeed."""
        ended = self(component, model_file=model_file, **parameters)
        assert ended.code == 0, ended.log
        return ended
