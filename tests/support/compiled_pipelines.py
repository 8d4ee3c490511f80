"""Runs a compiled pipeline of components as KFP's driver does: inputs, conditions, and the order of the tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.yaml_documents import documents

RunTask = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Runs a task: its component's name and its parameters → its output parameters."""


def run_compiled(file: Path, arguments: Mapping[str, Any], run_task: RunTask) -> list[str]:
    """Runs all tasks of a pipeline whose conditions are met.

    Args:
        file: the compiled pipeline.
        arguments: the pipeline's parameters; the others have their defaults.
        run_task: runs a task.

    Returns:
        The names of the tasks that ran, in order.
    """
    document = documents(file.read_text())[0]
    definitions = document["root"].get("inputDefinitions", {}).get("parameters", {})
    defaults = {name: one["defaultValue"] for name, one in definitions.items() if "defaultValue" in one}
    ran: list[str] = []
    _run(document["root"]["dag"], {**defaults, **arguments}, document["components"], run_task, ran)
    return ran


def _run(
    dag: Mapping[str, Any],
    inputs: Mapping[str, Any],
    components: Mapping[str, Any],
    run_task: RunTask,
    ran: list[str],
) -> None:
    outputs: dict[str, Mapping[str, Any]] = {}
    waiting = dict(dag["tasks"])
    while waiting:
        name = next(one for one, task in waiting.items() if not set(task.get("dependentTasks", ())) & set(waiting))
        task = waiting.pop(name)
        listed = task.get("inputs", {}).get("parameters", {})
        values = {key: _value(one, inputs, outputs) for key, one in listed.items()}
        condition = task.get("triggerPolicy", {}).get("condition", "")
        if condition and not _is_met(condition, values):
            continue
        component = components[task["componentRef"]["name"]]
        if "dag" in component:
            _run(component["dag"], values, components, run_task, ran)
        else:
            ran.append(name)
            outputs[name] = run_task(task["componentRef"]["name"].removeprefix("comp-"), values)


def _value(one: Mapping[str, Any], inputs: Mapping[str, Any], outputs: Mapping[str, Mapping[str, Any]]) -> Any:
    if "componentInputParameter" in one:
        return inputs[one["componentInputParameter"]]
    if "taskOutputParameter" in one:
        produced = one["taskOutputParameter"]
        return outputs[produced["producerTask"]][produced["outputParameterKey"]]
    return one["runtimeValue"]["constant"]


def _is_met(condition: str, values: Mapping[str, Any]) -> bool:
    """The value of a condition in KFP's language, of which `!`, `==` and strings are those of our pipelines."""
    text = condition.replace("inputs.parameter_values", "values").replace("!(", "not (")
    return bool(eval(text, {"__builtins__": {}}, {"values": values}))
