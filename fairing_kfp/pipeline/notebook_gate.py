"""Gates: a task after each notebook, which fails if the notebook failed.

KFP uploads no outputs of a failed task (launcher_v2.go, uploadOutputArtifacts). So a notebook's own task always
succeeds, with its artifacts and a status, and its gate, a task of the same image, fails the run. Tasks that depend on
the notebook depend on the gate, too, so none starts after a failed notebook.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from fairing_kfp.pipeline.builtin_steps import image_of, runs_own_module
from fairing_kfp.pipeline.specification import Specification, is_exit_task, unused_name
from fairing_kfp.preprocess.image_paths import COMMAND

GATE = "--gate"
"""Argument that makes the step's program the gate."""

_RUN, _CHECK = "run-notebook", "check-notebook"  # reusable components; the second is the gate of the first


def add_gates(pipeline: Specification, images: Collection[str]) -> None:
    """Adds a gate after each task of a notebook or of the component run-notebook.

    Exit tasks get none: KFP runs them as hooks, which have no successors.

    Args:
        pipeline: the specification; changed in place.
        images: images of notebooks.
    """
    executors = pipeline.executors
    labels = {label for label, one in executors.items() if _is_notebook(one.get("container", {}), images)}
    notebooks = {
        name: component["executorLabel"]
        for name, component in pipeline.components.items()
        if component.get("executorLabel") in labels
    }
    gates: dict[str, str] = {}
    for tasks in pipeline.graphs():
        for name in [name for name, task in tasks.items() if task["componentRef"]["name"] in notebooks]:
            component = tasks[name]["componentRef"]["name"]
            tasks[name]["cachingOptions"] = {}  # else KFP would reuse a failed notebook
            if is_exit_task(tasks[name]):
                continue
            if component not in gates:
                gates[component] = _add_component(pipeline, component, notebooks[component])
            _add_task(tasks, name, gates[component])


def _is_notebook(container: Mapping[str, Any], images: Collection[str]) -> bool:
    return image_of(container) in images or _is_reusable(container)


def _is_reusable(container: Mapping[str, Any]) -> bool:
    if not runs_own_module(container):
        return False
    from fairing_kfp.components.declaration import COMMAND as REUSABLE

    return tuple(container["command"]) == REUSABLE and list(container.get("args", ()))[:1] == [_RUN]


def _add_component(pipeline: Specification, notebook: str, executor: str) -> str:
    from fairing_kfp.components.declaration import COMMAND as REUSABLE
    from fairing_kfp.runtime.notebook import STATUS

    executors = pipeline.executors
    component = unused_name(f"{notebook}-check", pipeline.components)
    label = unused_name(f"{executor}-check", executors)
    pipeline.components[component] = {
        "executorLabel": label,
        "inputDefinitions": {"parameters": {STATUS: {"parameterType": "STRING"}}},
    }
    container = executors[executor]["container"]
    argument, command = (_CHECK, REUSABLE) if _is_reusable(container) else (GATE, COMMAND)
    executors[label] = {
        "container": {
            "args": [argument, "--executor_input", "{{$}}"],
            "command": list(command),
            "image": image_of(container),
        }
    }
    pipeline.set_kubernetes_settings(label, pipeline.pod_settings(executor))
    return component


def _add_task(tasks: dict[str, Any], notebook: str, component: str) -> None:
    from fairing_kfp.runtime.notebook import STATUS

    gate = unused_name(f"{notebook}-check", tasks)
    for task in tasks.values():
        if notebook in task.get("dependentTasks", ()) and not is_exit_task(task):
            task["dependentTasks"] = sorted([*task["dependentTasks"], gate])
    status = {"taskOutputParameter": {"outputParameterKey": STATUS, "producerTask": notebook}}
    tasks[gate] = {
        "cachingOptions": {},
        "componentRef": {"name": component},
        "dependentTasks": [notebook],
        "inputs": {"parameters": {STATUS: status}},
        "taskInfo": {"name": gate},
    }
