"""Commands of container components."""

from __future__ import annotations

import json
from typing import Any

from fairing_kfp.local.placeholders import filled_command

GIVEN: dict[str, Any] = {
    "inputs": {
        "parameterValues": {"text": "t", "n": 3, "d": {"a": 1}},
        "artifacts": {"data": {"artifacts": [{"uri": "/data/set"}]}},
    },
    "outputs": {
        "parameters": {"count": {"outputFile": "/run/count"}},
        "artifacts": {"model": {"artifacts": [{"uri": "/run/model"}]}},
        "outputFile": "/run/out.json",
    },
}


def parameter(name: str) -> str:
    return f"{{{{$.inputs.parameters['{name}']}}}}"


def test_values_and_paths() -> None:
    words = [
        f"--n={parameter('n')}",
        parameter("d"),
        "{{$.outputs.parameters['count'].output_file}}",
        "{{$.outputs.artifacts['model'].path}}",
        "{{$.inputs.artifacts['data'].uri}}",
        "{{$.outputs.output_file}}",
    ]

    assert filled_command(words, GIVEN) == [
        "--n=3",
        '{"a":1}',
        "/run/count",
        "/run/model",
        "/data/set",
        "/run/out.json",
    ]
    assert json.loads(filled_command(["{{$}}"], GIVEN)[0]) == GIVEN


def test_words_that_depend_on_inputs() -> None:
    def if_present(name: str, **otherwise: Any) -> str:
        return json.dumps({"IfPresent": {"InputName": name, "Then": ["--q", parameter(name)], **otherwise}})

    concat = json.dumps({"Concat": ["a-", parameter("text"), {"IfPresent": {"InputName": "none", "Then": "-b"}}]})

    assert filled_command([concat, if_present("text")], GIVEN) == ["a-t", "--q", "t"]
    assert filled_command([if_present("none"), if_present("none", Else="no")], GIVEN) == ["no"]
