"""Steps of components: inputs of KFP, outputs for KFP, and errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.components.__main__ import main
from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult, TaskSetting
from fairing_kfp.components.step import run_step
from fairing_kfp.errors import ConfigError

_SEEN: list[StepInputs] = []


def _run(given: StepInputs) -> StepResult:
    _SEEN.append(given)
    metadata = {"folder": {"size": 1}, "scalars": {"seconds": 0.5}}
    page = "<h1>of its own</h1>" if given.values["options"] else ""
    return StepResult("done & <well>", (("key", "<value>"),), {"made": "é", "size": 3}, metadata, page)


_COMPONENT = ReusableComponent(
    "sample",
    "building",
    "A sample.",
    "",
    (
        Input("name", "str", "Set it."),
        Input("source", "artifact", "A folder."),
        Input("extra", "artifact", "A folder.", optional=True),
        Input("items", "list", "A list.", default=[]),
        Input("count", "int", "A number.", default=1),
        Input("rate", "float", "A number.", default=0.0),
        Input("strict", "bool", "A choice.", default=True),
        Input("options", "dict", "Options.", default={}),
    ),
    (
        Output("made", "str", "Text."),
        Output("size", "int", "A number."),
        Output("folder", "artifact", "A folder."),
        Output("scalars", "metrics", "Numbers."),
    ),
    _run,
    "",
    task_settings=(TaskSetting("ENV"),),
)


def _given(root: Path, parameters: Mapping[str, Any], source: str) -> dict[str, Any]:
    return {
        "inputs": {
            "parameterValues": dict(parameters),
            "artifacts": {"source": {"artifacts": [{"uri": source}]}},
        },
        "outputs": {
            "parameters": {name: {"outputFile": str(root / "parameters" / name)} for name in ("made", "size")},
            "artifacts": {
                name: {"artifacts": [{"name": "shown", "uri": str(root / name), "metadata": {"kept": True}}]}
                for name in ("folder", "scalars", "report")
            },
            "outputFile": str(root / "output.json"),
        },
    }


def test_inputs_have_defaults_and_outputs_are_written(tmp_path: Path) -> None:
    logged: list[str] = []
    given = {"name": "a", "count": None, "fairing_task_config": {"env": []}}
    run_step(_COMPONENT, _given(tmp_path / "out", given, str(tmp_path)), logged.append)

    seen = _SEEN.pop()
    assert seen.task_config == {"env": []}
    assert seen.values == {"name": "a", "items": [], "count": 1, "rate": 0.0, "strict": True, "options": {}}
    assert seen.artifacts == {"source": tmp_path}
    assert seen.uris == {"source": str(tmp_path)}
    assert seen.outputs["folder"] == tmp_path / "out" / "folder"
    assert (tmp_path / "out" / "parameters" / "made").read_text(encoding="utf-8") == "é"
    assert (tmp_path / "out" / "parameters" / "size").read_text() == "3"
    report = (tmp_path / "out" / "report").read_text()
    assert "<h1>done &amp; &lt;well&gt;</h1>" in report
    assert "<td>&lt;value&gt;</td>" in report
    listed = json.loads((tmp_path / "out" / "output.json").read_text())
    assert listed["parameterValues"] == {"made": "é", "size": 3}
    assert listed["artifacts"]["scalars"]["artifacts"][0]["metadata"] == {"kept": True, "seconds": 0.5}
    assert listed["artifacts"]["folder"]["artifacts"] == [
        {"name": "shown", "uri": str(tmp_path / "out" / "folder"), "metadata": {"kept": True, "size": 1}}
    ]
    assert logged == ["done & <well>"]


def test_numbers_are_of_the_declared_type_whatever_json_has(tmp_path: Path) -> None:
    given = {"name": "a", "count": 2.0, "rate": 3, "options": {"key": 1}}
    run_step(_COMPONENT, _given(tmp_path / "out", given, str(tmp_path)), print)

    seen = _SEEN.pop()
    assert [(type(seen.values[name]), seen.values[name]) for name in ("count", "rate")] == [(int, 2), (float, 3.0)]
    assert (tmp_path / "out" / "report").read_text() == "<h1>of its own</h1>"


@pytest.mark.parametrize(
    ("parameters", "source", "message"),
    [
        ({}, "{root}", "sample: the input name is missing or empty"),
        ({"name": 3}, "{root}", "sample: the input name is 3, not of type str"),
        ({"name": "a", "items": "b"}, "{root}", "sample: the input items is 'b', not of type list"),
        ({"name": "a", "count": True}, "{root}", "sample: the input count is True, not of type int"),
        ({"name": "a", "count": 1.5}, "{root}", "sample: the input count is 1.5, not of type int"),
        ({"name": "a", "rate": "1"}, "{root}", "sample: the input rate is '1', not of type float"),
        ({"name": "a", "strict": 1}, "{root}", "sample: the input strict is 1, not of type bool"),
        ({"name": "a", "options": []}, "{root}", "sample: the input options is \\[\\], not of type dict"),
        ({"name": "a"}, "minio://bucket/absent", "the artifact of the input source is not at /minio/bucket/absent"),
    ],
)
def test_wrong_inputs_are_refused(tmp_path: Path, parameters: dict[str, Any], source: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run_step(_COMPONENT, _given(tmp_path / "out", parameters, source.format(root=tmp_path)), print)

    assert not _SEEN
    assert not (tmp_path / "out").exists()


def test_an_error_ends_the_program_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["import-image", "--executor_input", json.dumps({"inputs": {}, "outputs": {}})])

    assert code == 1
    assert capsys.readouterr().err.startswith("fairing-kfp: import-image: the input image is missing or empty\n  → ")
