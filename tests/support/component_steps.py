"""A stand-in for KFP's driver and launcher that runs steps of reusable components as local processes."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.forked_process import run_forked
from tests.support.paths import TOP


@dataclass(frozen=True)
class Ended:
    """An ended step.

    Attributes:
        code: its exit code.
        log: what it wrote.
        root: the folder of its outputs.
    """

    code: int
    log: str
    root: Path

    def artifact(self, name: str) -> Path:
        return self.root / name

    def parameter(self, name: str) -> str:
        return (self.root / "parameters" / name).read_text()

    @property
    def listed(self) -> dict[str, Any]:
        """The executor output, which KFP reads."""
        return dict(json.loads((self.root / "executor_output.json").read_text()))


def executor_input(
    file: Path, root: str, parameters: Mapping[str, Any], artifacts: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The executor input that KFP's driver makes for a task of a compiled component, without defaults."""
    (definition,) = yaml.safe_load(file.read_text())["components"].values()
    outputs = definition["outputDefinitions"]
    return {
        "inputs": {
            "parameterValues": dict(parameters),
            "artifacts": {
                name: {"artifacts": [{"name": name, "uri": uri, "metadata": {}}]}
                for name, uri in (artifacts or {}).items()
            },
        },
        "outputs": {
            "outputFile": f"{root}/executor_output.json",
            "parameters": {name: {"outputFile": f"{root}/parameters/{name}"} for name in outputs.get("parameters", {})},
            "artifacts": {
                name: {"artifacts": [{"name": name, "uri": f"{root}/{name}", "metadata": {}}]}
                for name in outputs.get("artifacts", {})
            },
        },
    }


def container_of(file: Path) -> dict[str, Any]:
    """The container of a compiled component."""
    (executor,) = yaml.safe_load(file.read_text())["deploymentSpec"]["executors"].values()
    return dict(executor["container"])


def run_component(
    folder: str, root: Path, parameters: Mapping[str, Any], artifacts: Mapping[str, str] | None = None, **env: str
) -> Ended:
    """Runs the step of a component of `components/`, with the command in its `component.yaml`, in a forked process.

    Args:
        folder: the component's folder, such as `building/append_image`.
        root: folder of the outputs.
        parameters: parameters of the task.
        artifacts: paths of input artifacts.
        env: additional environment variables.
    """
    file = TOP / "components" / folder / "component.yaml"
    container, given = container_of(file), executor_input(file, str(root), parameters, artifacts)
    assert container["command"] == ["python3", "-m", "fairing_kfp.components"]
    arguments = [one.replace("{{$}}", json.dumps(given)) for one in container["args"]]
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch, "log")
        code = run_forked(arguments, {**os.environ, "PYTHONPATH": str(TOP), **env}, log)
        return Ended(code, log.read_text(), root)
