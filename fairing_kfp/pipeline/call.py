"""Checks of the calls `run`, `compile`, `submit` and the like, before anything is packed or sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Literal

from fairing_kfp.errors import ConfigError
from fairing_kfp.option_check import check_options, similar
from fairing_kfp.settings import Settings

_TYPES: dict[str, Any] = {
    "arguments": Mapping[str, Any] | None,
    "runner": Literal["subprocess", "docker", "in-process"],
    "docker": Mapping[str, Any] | None,
    **dict.fromkeys(("reuse", "catchup", "enabled"), bool),
    **dict.fromkeys(("output", "token_file"), str | os.PathLike[str] | None),
    **dict.fromkeys(("name", "version", "description"), str | None),
    **dict.fromkeys(("on_event", "progress"), Callable[..., Any] | None),
    "tags": Mapping[str, str] | None,
    "max_concurrency": int,
}


def check_call(call: str, pipeline: Any, settings: Mapping[str, Any], **given: Any) -> None:
    """Checks the types of a call's arguments, and the names of its settings.

    Args:
        call: the function, for messages.
        pipeline: the pipeline; its parameters are no settings.
        settings: the settings that were given by keyword.
        given: the other arguments by name.

    Raises:
        ConfigError: an argument has another type, or a setting is unknown.
    """
    known = [field.name for field in fields(Settings)]
    parameters = getattr(getattr(pipeline, "component_spec", None), "inputs", None) or {}
    for name in settings:
        if name in known or name == "start":
            continue
        if name not in parameters:
            raise ConfigError(f"{call}: unknown option {name!r}", similar(name, [*given, *known]))
        shown = getattr(pipeline, "name", "pipeline").replace("-", "_")
        passed = ", ".join(f'"{key}": {value!r}' for key, value in settings.items() if key in parameters)
        form = f"{call}({shown}, {{{passed}}})" if "arguments" in given else f"run({shown}, {{{passed}}})"
        where = "" if "arguments" in given else f"; {call} takes none, since they are given to a run"
        raise ConfigError(f"{call}: {name} is a parameter of the pipeline, not an option{where}", f"write {form}")
    if callable(given.get("arguments")) or isinstance(given.get("arguments"), str):
        raise ConfigError(f"{call}: arguments={given['arguments']!r} is not a dictionary", 'write it like {"depth": 4}')
    check_options(call, given, _TYPES)
