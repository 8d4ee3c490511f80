"""Running a component's step: KFP's executor input → the component's function → KFP's outputs."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.components.declaration import REPORT, Input, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.kinds import PARAMETERS
from fairing_kfp.errors import ConfigError
from fairing_kfp.runtime.node_files import local_path
from fairing_kfp.train.task_config import split_task_config

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em;max-width:60em;color:#222}"
    "td{padding:.3em 1em .3em 0;vertical-align:top;overflow-wrap:anywhere}td:first-child{color:#666;white-space:nowrap}"
)


def run_step(component: ReusableComponent, executor_input: Mapping[str, Any], log: Callable[[str], None]) -> None:
    """Runs a step, and writes its outputs where KFP's launcher looks for them (launcher_v2.go).

    Args:
        component: the component.
        executor_input: KFP's ExecutorInput.
        log: writes a line to the step's log.

    Raises:
        FairingError: an input is missing or wrong, or the step fails. No output is written.
    """
    executor_input, task_config = split_task_config(executor_input)
    outputs = executor_input.get("outputs", {})
    artifacts = {name: listed["artifacts"][0] for name, listed in outputs.get("artifacts", {}).items()}
    paths = {name: Path(local_path(one["uri"])) for name, one in artifacts.items()}
    given = executor_input.get("inputs", {})
    metadata = {
        name: listed["artifacts"][0].get("metadata", {})
        for name, listed in given.get("artifacts", {}).items()
        if listed.get("artifacts")
    }
    result = component.run(StepInputs(*_inputs(component, given), paths, log, task_config, metadata))
    if REPORT in paths:
        _write(paths[REPORT], result.page or _report(result))
    for name, parameter in outputs.get("parameters", {}).items():
        value = result.parameters[name]
        _write(Path(parameter["outputFile"]), value if isinstance(value, str) else json.dumps(value))
    entries = {
        name: {
            "artifacts": [
                {
                    "name": one.get("name", name),
                    "uri": one["uri"],
                    "metadata": {**one.get("metadata", {}), **result.metadata.get(name, {})},
                }
            ]
        }
        for name, one in artifacts.items()
    }
    if outputs.get("outputFile"):
        text = json.dumps({"parameterValues": dict(result.parameters), "artifacts": entries})
        _write(Path(outputs["outputFile"]), text)
    log(result.verdict)


def _inputs(
    component: ReusableComponent, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Path], dict[str, str]]:
    """The parameters with defaults, and the paths and URIs of artifacts."""
    parameters, listed = given.get("parameterValues", {}), given.get("artifacts", {})
    values: dict[str, Any] = {}
    paths: dict[str, Path] = {}
    uris: dict[str, str] = {}
    for one in component.inputs:
        if one.is_artifact:
            artifacts = listed.get(one.name, {}).get("artifacts", ())
            if artifacts:
                uris[one.name] = artifacts[0]["uri"]
                if one.kind != "metrics":  # which have no file
                    paths[one.name] = _existing(component, one, Path(local_path(uris[one.name])))
        else:
            value = parameters.get(one.name)  # null if it is an optional input of the pipeline
            values[one.name] = _checked(component, one, one.default if value is None else value)
        if one.is_required and one.name not in uris and values.get(one.name) in (None, "", [], {}):
            raise ConfigError(f"{component.name}: the input {one.name} is missing or empty", one.description)
    return values, paths, uris


def _existing(component: ReusableComponent, one: Input, path: Path) -> Path:
    if not path.exists():
        raise ConfigError(
            f"{component.name}: the artifact of the input {one.name} is not at {path}",
            "check that the task that made it wrote something, and that its URI is one that KFP downloads",
        )
    return path


def _checked(component: ReusableComponent, one: Input, value: Any) -> Any:
    expected = PARAMETERS[one.kind].type
    if one.kind == "int" and isinstance(value, float) and value.is_integer():
        return int(value)  # JSON does not tell them apart
    if one.kind == "float" and type(value) is int:
        return float(value)
    if value is not None and (not isinstance(value, expected) or (one.kind == "int" and isinstance(value, bool))):
        raise ConfigError(
            f"{component.name}: the input {one.name} is {value!r}, not of type {expected.__name__}", one.description
        )
    return value


def _report(result: StepResult) -> str:
    title = html.escape(result.verdict)
    rows = "".join(f"<tr><td>{html.escape(key)}</td><td>{html.escape(text)}</td></tr>" for key, text in result.rows)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"</head><body><h1>{title}</h1><table>{rows}</table></body></html>\n"
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
