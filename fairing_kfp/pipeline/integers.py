"""Integers that KFP cannot pass: it passes all numbers as doubles, which are exact up to 2**53."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fairing_kfp.errors import PipelineError
from fairing_kfp.pipeline.specification import Specification

LIMIT = 2**53


def check_integer(value: Any, owner: str) -> None:
    """Checks the integers of a JSON value.

    Args:
        value: the value.
        owner: the parameter and its task, for the message.

    Raises:
        PipelineError: one is not exact as a double.
    """
    for number in _integers(value):
        if abs(number) > LIMIT:
            raise _error(owner, str(number))


def check_integers(specification: Specification) -> None:
    """Checks the constants, defaults and loop items of a pipeline. In compiled constants integers are doubles already.

    Raises:
        PipelineError: an integer is not exact as a double.
    """
    components = specification.components
    root = specification.document["root"]
    for key, component in ((f"the pipeline {specification.name}", root), *components.items()):
        owner = key.removeprefix("comp-")
        for name, one in component.get("inputDefinitions", {}).get("parameters", {}).items():
            if one["parameterType"] == "NUMBER_INTEGER":
                _check_rounded(one.get("defaultValue"), f"{owner}: the default of {name}")
        for name, task in component.get("dag", {}).get("tasks", {}).items():
            items = task.get("parameterIterator", {}).get("items", {}).get("raw")
            if items:
                check_integer(json.loads(items), f"the loop {name}")
            target = components[task["componentRef"]["name"]].get("inputDefinitions", {}).get("parameters", {})
            for key, source in task.get("inputs", {}).get("parameters", {}).items():
                if target.get(key, {}).get("parameterType") == "NUMBER_INTEGER":
                    _check_rounded(source.get("runtimeValue", {}).get("constant"), f"{key} of {name}")


def _check_rounded(value: Any, owner: str) -> None:
    if isinstance(value, float) and abs(value) >= LIMIT:  # 2**53 itself may have been 2**53 + 1
        raise _error(owner, f"about {int(value)}")


def _error(owner: str, number: str) -> PipelineError:
    return PipelineError(
        f"{owner} is or contains an integer beyond 2**53, {number}: KFP passes numbers as doubles, and rounds it",
        "pass it as a string",
    )


def _integers(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _integers(item)
