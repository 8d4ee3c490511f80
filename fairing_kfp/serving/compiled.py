"""Serve steps in a compiled pipeline: they learn the settings, and are checked before what they wait for starts.

Training may take hours. So a task of ours runs before it, and fails the run at once where the registry would not take
the image with the model, the target is not installed, or a role is missing.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fairing_kfp.errors import ConfigError
from fairing_kfp.own_step import ORDER, OWN_IMAGE, SERVE
from fairing_kfp.serving.order import Order
from fairing_kfp.settings import Settings
from fairing_kfp.specification import Specification, free, is_exit

CHECK = "--check"
"""What the step's program is told to only see whether its orders can be carried out."""

_LONGEST_CA = 64 << 10  # bytes; an argument of a process ends at 128 KiB

Tasks = dict[str, Any]


@dataclass(frozen=True)
class _Place:
    """Where a check belongs: before the tasks that one of these tasks waits for."""

    tasks: Tasks
    name: str


def with_serving(text: str, settings: Settings) -> str:
    """A compiled pipeline whose serve steps know the settings of registries, and are checked beforehand.

    Args:
        text: the pipeline as `fairing_kfp.pipeline.traced` gives it.
        settings: those of the project.

    Raises:
        ConfigError: the authorities cannot be read.
    """
    if SERVE[-1] not in text:
        return text
    pipeline = Specification.parse(text)
    authorities = _authorities(settings)
    orders: dict[str, Order] = {}
    for label, executor in pipeline.executors.items():
        container = executor.get("container", {})
        order = serve_order(container)
        if order is not None:
            orders[label] = replace(order, insecure=tuple(settings.insecure), ca=authorities)
            container["args"][container["args"].index(ORDER) + 1] = orders[label].text()
    serving = {
        name: component["executorLabel"]
        for name, component in pipeline.components.items()
        if component.get("executorLabel") in orders
    }
    _add_checks(pipeline, orders, serving)
    return pipeline.text()


def serve_order(container: Mapping[str, Any]) -> Order | None:
    """What a container of a compiled pipeline is to serve, if it is a serve step."""
    arguments = list(container.get("args", ()))
    if tuple(container.get("command", ())) != SERVE or ORDER not in arguments or CHECK in arguments:
        return None
    return Order.parse(str(arguments[arguments.index(ORDER) + 1]))


def _authorities(settings: Settings) -> str:
    if not settings.ca:
        return ""
    try:
        text = Path(settings.ca).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the authorities in {settings.ca} cannot be read: {error}", "name a PEM file") from error
    if len(text) > _LONGEST_CA:
        raise ConfigError(
            f"{settings.ca} has {len(text):,} bytes, which is too much to tell a serve step",
            "name a PEM file that holds the registry's authority alone",
        )
    return text


def _add_checks(pipeline: Specification, orders: Mapping[str, Order], serving: Mapping[str, str]) -> None:
    """Adds one check for all that is served from one graph with one login."""
    found: dict[tuple[int, str], tuple[Tasks, set[str], dict[str, Order]]] = {}
    for component, label in serving.items():
        for place in _places(pipeline, component):
            key = (id(place.tasks), orders[label].registry_secret)
            _, names, checked = found.setdefault(key, (place.tasks, set(), {}))
            names.add(place.name)
            checked[label] = orders[label]
    # All of them before the first check is added: checks wait for nothing, not for each other.
    for tasks, first, checked in [(tasks, _first(tasks, names), checked) for tasks, names, checked in found.values()]:
        _add_check(pipeline, tasks, first, checked)


def _places(pipeline: Specification, component: str) -> Iterator[_Place]:
    """Where a component is reached from: tasks of the pipeline's own graph, or of one that an exit task awaits.

    The exit task has to run when the check failed, too.
    """
    for tasks in list(pipeline.graphs()):
        for name, task in tasks.items():
            if task["componentRef"]["name"] != component:
                continue
            outer = next((key for key, one in pipeline.components.items() if _tasks(one) is tasks), None)
            awaited = outer is not None and any(
                is_exit(other) and guarded in other.get("dependentTasks", ())
                for others in pipeline.graphs()
                for guarded, one in others.items()
                if one["componentRef"]["name"] == outer
                for other in others.values()
            )
            if outer is None or awaited:
                yield _Place(tasks, name)
            else:
                yield from _places(pipeline, outer)


def _tasks(component: Any) -> Any:
    return component.get("dag", {}).get("tasks")


def _add_check(pipeline: Specification, tasks: Tasks, waiting: list[str], orders: Mapping[str, Order]) -> None:
    first, secret = next(iter(orders)), next(iter(orders.values())).registry_secret
    stem = f"check-{first.removeprefix('exec-')}" if len(orders) == 1 else "check-serving"
    component, label = free(f"comp-{stem}", pipeline.components), free(f"exec-{stem}", pipeline.executors)
    arguments = [CHECK]
    for order in orders.values():
        arguments += [ORDER, replace(order, sample=None).text()]
    container = {"image": OWN_IMAGE, "command": list(SERVE), "args": arguments}
    if env := pipeline.executors[first]["container"].get("env"):
        container["env"] = copy.deepcopy(env)  # else YAML would show one by a mark of the other
    settings = pipeline.pod_settings(first)
    if secret:
        settings["secretAsVolume"] = copy.deepcopy(pipeline.settings(first)["secretAsVolume"])
    pipeline.executors[label] = {"container": container}
    pipeline.components[component] = {"executorLabel": label}
    pipeline.put_settings(label, settings)
    check = free(stem, tasks)
    for name in waiting:
        tasks[name]["dependentTasks"] = sorted([*tasks[name].get("dependentTasks", ()), check])
    tasks[check] = {"cachingOptions": {}, "componentRef": {"name": component}, "taskInfo": {"name": check}}


def _first(tasks: Tasks, names: set[str]) -> list[str]:
    """The tasks that wait for no other among those that these wait for, and these."""
    seen, ahead = set(names), list(names)
    while ahead:
        for name in tasks[ahead.pop()].get("dependentTasks", ()):
            if name not in seen:
                seen.add(name)
                ahead.append(name)
    return sorted(name for name in seen if not tasks[name].get("dependentTasks"))
