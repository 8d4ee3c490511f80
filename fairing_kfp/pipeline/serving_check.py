"""Checks of serve steps: a task before training, which fails the run early.

Training may take hours. The check fails if the registry denies a push of the image with the model, the backend is not
installed, or an RBAC rule is missing.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ConfigError
from fairing_kfp.frozen import dataclass
from fairing_kfp.json_spec import OPTION
from fairing_kfp.pipeline.builtin_steps import serving_spec_of
from fairing_kfp.pipeline.specification import Specification, is_exit_task, unused_name
from fairing_kfp.preprocess.source import OWN_IMAGE
from fairing_kfp.settings import Settings

if TYPE_CHECKING:
    from fairing_kfp.serving.registration import Registration
    from fairing_kfp.serving.spec import ServingSpec

_MAX_CA_BYTES = 64 << 10  # an argument of a process has at most 128 KiB

Tasks = dict[str, Any]


@dataclass(frozen=True)
class _Successor:
    """A task whose dependencies a check must precede."""

    tasks: Tasks
    name: str


def add_serving_checks(pipeline: Specification, settings: Settings) -> bool:
    """Passes the registry settings to serve steps, and adds tasks that check them before training starts.

    Args:
        pipeline: the specification; changed in place.
        settings: the project's settings.

    Returns:
        Whether the pipeline has serve steps.

    Raises:
        ConfigError: the CA certificates cannot be read.
    """
    specs: dict[str, ServingSpec] = {}
    for label, executor in pipeline.executors.items():
        container = executor.get("container", {})
        spec = serving_spec_of(container)
        if spec is not None:
            specs[label] = replace(
                spec,
                insecure=tuple(settings.insecure),
                ca=_ca_certificates(settings),
                register=_with_url(spec.register, settings),
            )
            container["args"][container["args"].index(OPTION) + 1] = specs[label].text()
    serving = {
        name: component["executorLabel"]
        for name, component in pipeline.components.items()
        if component.get("executorLabel") in specs
    }
    _add_checks(pipeline, specs, serving)
    return bool(specs)


def _with_url(registration: Registration | None, settings: Settings) -> Registration | None:
    if registration is None or registration.url or not settings.model_registry:
        return registration
    return replace(registration, url=settings.model_registry)


def _ca_certificates(settings: Settings) -> str:
    if not settings.ca:
        return ""
    try:
        text = Path(settings.ca).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the CA certificates {settings.ca}: {error}", "set ca to a PEM file") from error
    if len(text) > _MAX_CA_BYTES:
        raise ConfigError(
            f"{settings.ca} is too large to pass to a serve step: {len(text):,} bytes",
            "set ca to a PEM file with the registry's CA certificate only",
        )
    return text


def _add_checks(pipeline: Specification, specs: Mapping[str, ServingSpec], serving: Mapping[str, str]) -> None:
    """Adds one check for all serve steps of a graph with the same Secrets."""
    found: dict[tuple[int, tuple[str, str]], tuple[Tasks, set[str], dict[str, ServingSpec]]] = {}
    for component, label in serving.items():
        for successor in _successors(pipeline, component):
            key = (id(successor.tasks), _secrets(specs[label]))
            _, names, checked = found.setdefault(key, (successor.tasks, set(), {}))
            names.add(successor.name)
            checked[label] = specs[label]
    # Find all predecessors before a check is added, so that checks do not depend on each other.
    for tasks, first, checked in [(tasks, _roots(tasks, names), checked) for tasks, names, checked in found.values()]:
        _add_check(pipeline, tasks, first, checked)


def _successors(pipeline: Specification, component: str) -> Iterator[_Successor]:
    """The tasks that run a component, in the pipeline's own graph or in a graph that an exit task waits for.

    The exit task must run even if the check fails.
    """
    for tasks in list(pipeline.graphs()):
        for name, task in tasks.items():
            if task["componentRef"]["name"] != component:
                continue
            outer = next((key for key, one in pipeline.components.items() if _tasks(one) is tasks), None)
            awaited = outer is not None and any(
                is_exit_task(other) and guarded in other.get("dependentTasks", ())
                for others in pipeline.graphs()
                for guarded, one in others.items()
                if one["componentRef"]["name"] == outer
                for other in others.values()
            )
            if outer is None or awaited:
                yield _Successor(tasks, name)
            else:
                yield from _successors(pipeline, outer)


def _tasks(component: Any) -> Any:
    return component.get("dag", {}).get("tasks")


def _add_check(pipeline: Specification, tasks: Tasks, roots: list[str], specs: Mapping[str, ServingSpec]) -> None:
    from fairing_kfp.serving.spec import CHECK, SERVE_COMMAND

    first = next(iter(specs))
    stem = f"check-{first.removeprefix('exec-')}" if len(specs) == 1 else "check-serving"
    component, label = unused_name(f"comp-{stem}", pipeline.components), unused_name(f"exec-{stem}", pipeline.executors)
    arguments = [CHECK]
    for spec in specs.values():
        arguments += [OPTION, replace(spec, sample=None).text()]
    container = {"image": OWN_IMAGE, "command": list(SERVE_COMMAND), "args": arguments}
    if env := pipeline.executors[first]["container"].get("env"):
        container["env"] = copy.deepcopy(env)  # else YAML would write an alias
    settings = pipeline.pod_settings(first)
    if any(_secrets(specs[first])):
        settings["secretAsVolume"] = copy.deepcopy(pipeline.kubernetes_settings(first)["secretAsVolume"])
    pipeline.executors[label] = {"container": container}
    pipeline.components[component] = {"executorLabel": label}
    pipeline.set_kubernetes_settings(label, settings)
    check = unused_name(stem, tasks)
    for name in roots:
        tasks[name]["dependentTasks"] = sorted([*tasks[name].get("dependentTasks", ()), check])
    tasks[check] = {"cachingOptions": {}, "componentRef": {"name": component}, "taskInfo": {"name": check}}


def _secrets(spec: ServingSpec) -> tuple[str, str]:
    """The names of the Secrets that are mounted into a serve step."""
    return spec.registry_secret, spec.register.token_secret if spec.register else ""


def _roots(tasks: Tasks, names: set[str]) -> list[str]:
    """Tasks without dependencies among the named tasks and their transitive dependencies."""
    seen, ahead = set(names), list(names)
    while ahead:
        for name in tasks[ahead.pop()].get("dependentTasks", ()):
            if name not in seen:
                seen.add(name)
                ahead.append(name)
    return sorted(name for name in seen if not tasks[name].get("dependentTasks"))
