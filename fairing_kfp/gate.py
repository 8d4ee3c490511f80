"""Gates: a task after each notebook that fails where the notebook failed.

KFP uploads nothing of a failed task (launcher_v2.go, uploadOutputArtifacts). So a notebook's own task ends well, with
its artifacts and a status, and the gate, a task of the same image, fails the run. What depends on the notebook depends
on its gate too, so that nothing starts after a failed notebook. The user's task stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import yaml

from fairing_kfp.own_step import image_of
from fairing_kfp.preprocess.places import COMMAND
from fairing_kfp.runtime.notebook import STATUS

ARGUMENT = "--gate"
"""What the step's program is told to be the gate."""

_COMPLETED = "ALL_UPSTREAM_TASKS_COMPLETED"
# What decides where a pod may run and whence it is pulled; not what the notebook alone needs.
_POD_SETTINGS = ("imagePullPolicy", "imagePullSecret", "nodeSelector", "podMetadata", "securityContext", "tolerations")


def with_gates(text: str, images: Collection[str]) -> str:
    """A compiled pipeline with a gate after each task of these images.

    Exit tasks get none: KFP runs them as hooks, after which nothing can come.

    Args:
        text: the pipeline as kfp compiles it.
        images: the images of notebooks.
    """
    if not images:
        return text
    specification, *platform = yaml.safe_load_all(text)
    executors = specification["deploymentSpec"]["executors"]
    labels = {label for label, one in executors.items() if image_of(one.get("container", {})) in images}
    notebooks = {
        name: component["executorLabel"]
        for name, component in specification["components"].items()
        if component.get("executorLabel") in labels
    }
    gates: dict[str, str] = {}
    for tasks in _graphs(specification):
        for name in [name for name, task in tasks.items() if task["componentRef"]["name"] in notebooks]:
            component = tasks[name]["componentRef"]["name"]
            tasks[name]["cachingOptions"] = {}  # else KFP would answer the next run from a failed one
            if _is_exit(tasks[name]):
                continue
            if component not in gates:
                gates[component] = _add_component(specification, component, notebooks[component], platform)
            _add_task(tasks, name, gates[component])
    header = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    return header + "---\n".join(yaml.dump(one, sort_keys=True) for one in (specification, *platform))


def _graphs(specification: Any) -> Iterator[dict[str, Any]]:
    """The tasks of each DAG."""
    for component in (specification["root"], *list(specification["components"].values())):
        if "dag" in component:
            yield component["dag"]["tasks"]


def _is_exit(task: Any) -> bool:
    return bool(task.get("triggerPolicy", {}).get("strategy") == _COMPLETED)


def _add_component(specification: Any, notebook: str, executor: str, platform: list[Any]) -> str:
    executors = specification["deploymentSpec"]["executors"]
    component = _free(f"{notebook}-check", specification["components"])
    label = _free(f"{executor}-check", executors)
    specification["components"][component] = {
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
    for document in platform:
        settings = document["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        kept = {key: value for key, value in settings.get(executor, {}).items() if key in _POD_SETTINGS}
        kept = {key: value for key, value in kept.items() if not _refers(value)}
        if kept:
            settings[label] = kept
    return component


def _refers(value: Any) -> bool:
    """Whether a setting is an input of the notebook or another task's output, which its gate has not."""
    if isinstance(value, dict):
        return any(key in ("componentInputParameter", "taskOutputParameter") or _refers(v) for key, v in value.items())
    return isinstance(value, list) and any(map(_refers, value))


def _add_task(tasks: dict[str, Any], notebook: str, component: str) -> None:
    gate = _free(f"{notebook}-check", tasks)
    for task in tasks.values():
        if notebook in task.get("dependentTasks", ()) and not _is_exit(task):
            task["dependentTasks"] = sorted([*task["dependentTasks"], gate])
    status = {"taskOutputParameter": {"outputParameterKey": STATUS, "producerTask": notebook}}
    tasks[gate] = {
        "cachingOptions": {},
        "componentRef": {"name": component},
        "dependentTasks": [notebook],
        "inputs": {"parameters": {STATUS: status}},
        "taskInfo": {"name": gate},
    }


def _free(name: str, taken: Collection[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
