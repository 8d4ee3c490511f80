"""Constants that no command line can give to a script, refused before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import PipelineError
from fairing_kfp.pipeline.specification import Specification
from fairing_kfp.preprocess.source import ComponentSource

if TYPE_CHECKING:
    from fairing_kfp.runtime.command_line import CommandLine


def check_script_values(specification: Specification, sources: Mapping[str, ComponentSource]) -> None:
    """Checks the constants that are passed to scripts.

    Raises:
        PipelineError: a script's parser cannot take a value, such as False for a switch that is always on.
    """
    if not any(source.code.is_file for source in sources.values()):
        return
    from fairing_kfp.preprocess.script import ScriptSource  # imports the readers of all parsers

    codes = ((image, source.name, source.code) for image, source in sources.items())
    scripts = {image: (name, code.inputs.line) for image, name, code in codes if isinstance(code, ScriptSource)}
    if not scripts:
        return
    for component in (specification.document["root"], *specification.components.values()):
        for task in component.get("dag", {}).get("tasks", {}).values():
            label = specification.components[task["componentRef"]["name"]].get("executorLabel", "")
            text = json.dumps(specification.executors.get(label, {}))
            for name, line in (script for image, script in scripts.items() if image in text):
                _check_task(name, line, task.get("inputs", {}).get("parameters", {}))


def _check_task(script: str, line: CommandLine, parameters: Mapping[str, Mapping[str, Any]]) -> None:
    spellings = {name: spelling for _, level in line.levels for name, spelling in level}
    for name, given in parameters.items():
        value = given.get("runtimeValue", {}).get("constant")
        if name in spellings and value is not None and "{{" not in str(value):
            try:
                spellings[name].words(value)
            except ValueError as error:
                raise PipelineError(
                    f"{script}: {name}={value!r} cannot be given to the script: {error}",
                    "give another value, or omit it to use the script's default",
                ) from None
