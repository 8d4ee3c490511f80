"""Commands of container components, whose placeholders stand for inputs and outputs of the step."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fairing_kfp.local.values import as_text

_PLACEHOLDER = re.compile(r"\{\{\$\.(inputs|outputs)\.(parameters|artifacts)\['([^']+)'\](?:\.(\w+))?\}\}")


def filled_command(words: Iterable[str], executor_input: Mapping[str, Any]) -> list[str]:
    """The words of a command, with the values of a step.

    Args:
        words: command and arguments of a compiled component.
        executor_input: KFP's ExecutorInput.
    """
    return [_filled(part, executor_input) for word in words for part in _parts(word, executor_input)]


def _parts(word: Any, executor_input: Mapping[str, Any]) -> Iterator[str]:
    """The words that a word becomes: several, or none, for `IfPresent`."""
    if isinstance(word, str) and word.startswith(('{"Concat": ', '{"IfPresent": ')):
        word = json.loads(word)
    if isinstance(word, list):
        for one in word:
            yield from _parts(one, executor_input)
    elif isinstance(word, str):
        yield word
    elif isinstance(word, dict) and "Concat" in word:
        yield "".join(part for one in word["Concat"] for part in _parts(one, executor_input))
    elif isinstance(word, dict):
        choice = word["IfPresent"]
        inputs = executor_input["inputs"]
        given = inputs["parameterValues"].get(choice["InputName"], inputs["artifacts"].get(choice["InputName"]))
        yield from _parts(choice.get("Else", []) if given is None else choice["Then"], executor_input)


def _filled(word: str, executor_input: Mapping[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        kind, group, name, field = match.groups()
        if group == "artifacts":
            listed = executor_input[kind]["artifacts"].get(name, {"artifacts": [{}]})["artifacts"]
            return str(listed[0].get("metadata" if field == "metadata" else "uri", match[0])) if listed else match[0]
        if kind == "outputs":
            return str(executor_input["outputs"]["parameters"][name]["outputFile"])
        return as_text(executor_input["inputs"]["parameterValues"].get(name, match[0]))

    word = word.replace("{{$.outputs.output_file}}", executor_input["outputs"]["outputFile"])
    word = word.replace("{{$.outputMetadataUri}}", executor_input["outputs"]["outputFile"])
    return _PLACEHOLDER.sub(value, word).replace("{{$}}", json.dumps(executor_input))
