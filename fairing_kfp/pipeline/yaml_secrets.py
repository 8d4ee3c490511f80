"""Credentials in a compiled pipeline: in parameters, arguments, descriptions, variables and settings of Kubernetes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fairing_kfp.preprocess.secrets.finding import Finding
from fairing_kfp.preprocess.secrets.scan import scan_document, scan_file, scan_named

if TYPE_CHECKING:
    from fairing_kfp.pipeline.specification import Specification

_REFERENCES = ("secretAsEnv", "secretAsVolume", "imagePullSecret", "configMapAsEnv", "configMapAsVolume", "pvcMount")
"""Settings of Kubernetes that name Secrets and their keys."""


def find_secrets(specification: Specification) -> list[Finding]:
    """What looks like a credential in a compiled pipeline, each once at each place."""
    document = specification.document
    found = [
        *scan_document("the pipeline's name or description", document["pipelineInfo"]),
        *_in_component("the pipeline", document["root"]),
        *(
            one
            for name, component in specification.components.items()
            for one in _in_component(f"the component {name.removeprefix('comp-')!r}", component)
        ),
        *(one for label, executor in specification.executors.items() for one in _in_executor(label, executor)),
    ]
    for platform in specification.platforms:
        executors = platform["platforms"].get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
        for label, settings in executors.items():
            scanned = {name: value for name, value in settings.items() if name not in _REFERENCES}
            found += scan_document(f"the Kubernetes settings of the step {_shown(label)}", scanned)
    return list(dict.fromkeys(found))


def _in_component(where: str, component: Mapping[str, Any]) -> Iterator[Finding]:
    for side in ("inputDefinitions", "outputDefinitions"):
        for kind in component.get(side, {}).values():
            for name, definition in kind.items():
                place = f"the parameter {name!r} of {where}"
                yield from scan_document(f"the default of {place}", definition.get("defaultValue"), name)
                yield from scan_document(f"the description of {place}", definition.get("description"))
    for name, task in component.get("dag", {}).get("tasks", {}).items():
        inputs = task.get("inputs", {}).get("parameters", {})
        for parameter, value in inputs.items():
            constant = value.get("runtimeValue", {}).get("constant")
            yield from scan_document(f"the argument {parameter!r} of the task {name!r} in {where}", constant, parameter)
        rest = {key: value for key, value in task.items() if key not in ("inputs", "dependentTasks")}
        yield from scan_document(f"the task {name!r} in {where}", rest)


def _in_executor(label: str, executor: Mapping[str, Any]) -> Iterator[Finding]:
    where = f"the step {_shown(label)}"
    container = executor.get("container", {})
    for variable in container.get("env", ()):
        name = str(variable.get("name"))
        yield from scan_named(f"the environment variable {name} of {where}", name, str(variable.get("value", "")))
    for part in ("command", "args"):
        words = container.get(part, [])
        for word in words:
            if isinstance(word, str) and "\n" in word and _is_program(word):
                yield from scan_file(f"the program of {where}", "program.py", word.encode("utf-8", "replace"))
        yield from scan_document(where, [word for word in words if not (isinstance(word, str) and _is_program(word))])
    rest = {key: value for key, value in container.items() if key not in ("env", "command", "args")}
    yield from scan_document(where, [rest, *(value for key, value in executor.items() if key != "container")])


def _is_program(text: str) -> bool:
    """Whether an argument is a Python program, as kfp writes it into the command of a function's component."""
    if "\n" not in text or "def " not in text:
        return False
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def _shown(label: str) -> str:
    return repr(label.removeprefix("exec-"))
