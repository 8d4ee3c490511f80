"""The launcher: runs the command of a task, and reads what it wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.kfp_backend.executions import Artifacts, Execution
from tests.support.kfp_backend.values import BackendError, as_json, as_text, kept, of_text

Run = Callable[[str, list[str]], int]
"""Runs a command in an image; gives its exit code."""

_PLACEHOLDER = re.compile(r"\{\{\$\.inputs\.parameters\['(.+?)'\]\}\}")


class Launcher:
    """Runs tasks, whose files are below a folder.

    Args:
        root: the folder; artifacts of `s3://BUCKET/KEY` are in its folder `s3`.
        run: runs commands.
    """

    def __init__(self, root: Path, run: Run) -> None:
        self.root, self._run = root, run
        self.given: dict[int, Any] = {}  # executor inputs as tasks got them, by the number of the execution

    def execute(self, execution: Execution, component: Mapping[str, Any], container: Mapping[str, Any]) -> None:
        """Runs a task once; sets its outputs.

        Raises:
            BackendError: it failed.
        """
        given = self._executor_input(execution, component)
        text = as_json(given)
        words = _words([*container.get("command", ()), *container.get("args", ())], given)
        command = [self._filled(word, text, given) for word in words]
        self.given[execution.number] = _executor_input(command) or given
        image = _PLACEHOLDER.sub(lambda match: str(given["inputs"]["parameterValues"][match[1]]), container["image"])
        code = self._run(image, command)
        if code:
            raise BackendError(f"exit code {code}")
        written: Any = {}
        output_file = Path(given["outputs"]["outputFile"])
        if output_file.exists():
            written = json.loads(output_file.read_text(), parse_constant=_refuse)
        outputs = kept(written.get("parameterValues", {}))
        for name, definition in component.get("outputDefinitions", {}).get("parameters", {}).items():
            if name not in outputs:
                path = Path(given["outputs"]["parameters"][name]["outputFile"])
                if not path.exists():
                    raise BackendError(f"failed to read output parameter {name}")
                outputs[name] = of_text(path.read_text(), definition["parameterType"])
        made: Artifacts = {}
        for name, listed in given["outputs"]["artifacts"].items():
            (artifact,) = listed["artifacts"]
            for own in written.get("artifacts", {}).get(name, {}).get("artifacts", [])[:1]:
                artifact["uri"] = own.get("uri") or artifact["uri"]
                artifact["metadata"] = {**artifact["metadata"], **kept(own.get("metadata") or {})}
            made[name] = [{**artifact, "metadata": stored(artifact["metadata"])}]
        execution.outputs, execution.made = outputs, made

    def path(self, uri: str) -> Path:
        """Where an artifact is on this machine."""
        return self.root / uri.replace("://", "/", 1)

    def _executor_input(self, execution: Execution, component: Mapping[str, Any]) -> dict[str, Any]:
        defined = component.get("inputDefinitions", {}).get("parameters", {})
        defaults = {name: kept(one["defaultValue"]) for name, one in defined.items() if "defaultValue" in one}
        outputs = component.get("outputDefinitions", {})
        place = f"s3://bucket/run/{execution.number}"
        made = {
            name: {"name": name, "uri": f"{place}/{name}", "type": one["artifactType"], "metadata": {}}
            for name, one in outputs.get("artifacts", {}).items()
        }
        for artifact in made.values():
            self.path(artifact["uri"]).parent.mkdir(parents=True, exist_ok=True)
        folder = self.root / "outputs" / str(execution.number)
        folder.mkdir(parents=True, exist_ok=True)
        return {
            "inputs": {
                "parameterValues": {**defaults, **execution.inputs},
                "artifacts": {name: {"artifacts": listed} for name, listed in execution.artifacts.items()},
            },
            "outputs": {
                "parameters": {name: {"outputFile": f"{folder}/{name}"} for name in outputs.get("parameters", {})},
                "artifacts": {name: {"artifacts": [artifact]} for name, artifact in made.items()},
                "outputFile": f"{folder}/output_metadata.json",
            },
        }

    def _filled(self, word: str, text: str, given: Mapping[str, Any]) -> str:
        """A word of the command; placeholders are replaced in the executor input within it, too."""
        word = word.replace("{{$}}", text)
        for kind in ("inputs", "outputs"):
            for name, listed in given[kind]["artifacts"].items():
                if listed["artifacts"]:
                    uri = listed["artifacts"][0]["uri"]
                    word = word.replace(f"{{{{$.{kind}.artifacts['{name}'].uri}}}}", uri)
                    word = word.replace(f"{{{{$.{kind}.artifacts['{name}'].path}}}}", str(self.path(uri)))
        for name, value in given["inputs"]["parameterValues"].items():
            word = word.replace(f"{{{{$.inputs.parameters['{name}']}}}}", as_text(value))
        for name, output in given["outputs"]["parameters"].items():
            word = word.replace(f"{{{{$.outputs.parameters['{name}'].output_file}}}}", output["outputFile"])
        return word


def _executor_input(command: list[str]) -> Any:
    """The executor input in a command, as its task reads it; None if there is none.

    Raises:
        BackendError: it is not JSON any more.
    """
    try:
        return next((json.loads(word) for word in command if word.startswith('{"inputs":')), None)
    except ValueError as error:
        raise BackendError(f"the executor input is not JSON: {error}") from error


def stored(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata of an artifact as a later task gets it from the store, without the properties that KFP adds."""
    found: dict[str, Any] = {}
    for name, value in metadata.items():
        if value is None:
            raise BackendError("unknown/unsupported value type")
        if isinstance(value, list):
            value = {"list": value}
        elif isinstance(value, dict):
            value = {"struct": value}
        elif isinstance(value, bool):
            value = float(value)
        found[name] = value
    return found


def _words(words: list[str], given: Mapping[str, Any]) -> Iterator[str]:
    """The words of a command, after `IfPresent` (as the driver) and `Concat` (as kfp's own runner)."""
    for word in words:
        if word.startswith('{"IfPresent":'):
            choice = json.loads(word)["IfPresent"]
            present = given["inputs"]["parameterValues"].get(choice["InputName"]) is not None
            chosen = choice["Then"] if present else choice.get("Else", [])
            yield from [chosen] if isinstance(chosen, str) else chosen
        elif word.startswith('{"Concat":'):
            yield "".join(json.loads(word)["Concat"])
        else:
            yield word


def _refuse(constant: str) -> None:
    raise BackendError(f"{constant} is no JSON")
