"""Gates: a task after each notebook that fails where the notebook failed.

KFP uploads nothing of a failed task (launcher_v2.go, uploadOutputArtifacts). So a notebook's own task ends well, with
its artifacts and a status, and the gate, a task of the same image, fails the run. What depends on the notebook depends
on its gate too, so that nothing starts after a failed notebook. The user's task stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fairing_kfp.own_step import image_of
from fairing_kfp.preprocess.places import COMMAND
from fairing_kfp.runtime.notebook import STATUS
from fairing_kfp.specification import Specification, free, is_exit

ARGUMENT = "--gate"
"""What the step's program is told to be the gate."""


def with_gates(text: str, images: Collection[str]) -> str:
    """A compiled pipeline with a gate after each task of these images.

    Exit tasks get none: KFP runs them as hooks, after which nothing can come.

    Args:
        text: the pipeline as kfp compiles it.
        images: the images of notebooks.
    """
    if not images:
        return text
    pipeline = Specification.parse(text)
    executors = pipeline.executors
    labels = {label for label, one in executors.items() if image_of(one.get("container", {})) in images}
    notebooks = {
        name: component["executorLabel"]
        for name, component in pipeline.components.items()
        if component.get("executorLabel") in labels
    }
    gates: dict[str, str] = {}
    for tasks in pipeline.graphs():
        for name in [name for name, task in tasks.items() if task["componentRef"]["name"] in notebooks]:
            component = tasks[name]["componentRef"]["name"]
            tasks[name]["cachingOptions"] = {}  # else KFP would answer the next run from a failed one
            if is_exit(tasks[name]):
                continue
            if component not in gates:
                gates[component] = _add_component(pipeline, component, notebooks[component])
            _add_task(tasks, name, gates[component])
    return pipeline.text()


def _add_component(pipeline: Specification, notebook: str, executor: str) -> str:
    executors = pipeline.executors
    component = free(f"{notebook}-check", pipeline.components)
    label = free(f"{executor}-check", executors)
    pipeline.components[component] = {
        "executorLabel": label,
        "inputDefinitions": {"parameters": {STATUS: {"parameterType": "STRING"}}},
    }
    executors[label] = {
        "container": {
            "args": [ARGUMENT, "--executor_input", "{{$}}"],
            "command": list(COMMAND),
            "image": image_of(executors[executor]["container"]),
        }
    }
    pipeline.put_settings(label, pipeline.pod_settings(executor))
    return component


def _add_task(tasks: dict[str, Any], notebook: str, component: str) -> None:
    gate = free(f"{notebook}-check", tasks)
    for task in tasks.values():
        if notebook in task.get("dependentTasks", ()) and not is_exit(task):
            task["dependentTasks"] = sorted([*task["dependentTasks"], gate])
    status = {"taskOutputParameter": {"outputParameterKey": STATUS, "producerTask": notebook}}
    tasks[gate] = {
        "cachingOptions": {},
        "componentRef": {"name": component},
        "dependentTasks": [notebook],
        "inputs": {"parameters": {STATUS: status}},
        "taskInfo": {"name": gate},
    }
