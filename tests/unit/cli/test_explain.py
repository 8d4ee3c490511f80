from __future__ import annotations

import json
from pathlib import Path

from tests.golden import PIPELINES
from tests.support.command_line import fairing_kfp

TARGET = PIPELINES["control-flow"]
_OTHER = """
from kfp import dsl
from fairing_kfp import fairing_component

@fairing_component
def other() -> int:
    return 3

@dsl.pipeline
def pipeline():
    other()
"""


def test_files_are_listed() -> None:
    code, output = fairing_kfp("explain", TARGET)

    assert code == 0
    assert "/opt/fairing/code/modules/shared.py" in output


def test_json() -> None:
    code, output = fairing_kfp("explain", TARGET, "--json")
    described = {item["name"]: item for item in json.loads(output)}

    assert code == 0
    assert set(described) == {"box", "judge", "last", "numbers", "say", "total"}
    assert [layer["name"] for layer in described["box"]["layers"]] == ["runtime", "code"]
    assert described["box"]["plan"] is None


def test_platforms_are_listed() -> None:
    both = ("--platform", "linux/amd64", "--platform", "linux/arm64")
    code, output = fairing_kfp("explain", TARGET, *both)

    assert code == 0
    assert "for linux/amd64, linux/arm64" in output
    code, output = fairing_kfp("explain", TARGET, *both, "--json")
    box = {item["name"]: item for item in json.loads(output)}["box"]
    assert box["platforms"] == ["linux/amd64", "linux/arm64"]
    assert [layer["platforms"] for layer in box["layers"]] == [["linux/amd64", "linux/arm64"]] * 2


def test_several_pipelines(tmp_path: Path) -> None:
    other = f"{tmp_path}/other.py"
    Path(other).write_text(_OTHER)
    code, output = fairing_kfp("explain", TARGET, other, "--json")

    assert code == 0
    assert {item["target"] for item in json.loads(output)} == {TARGET, other}
    assert other in fairing_kfp("explain", TARGET, other)[1]
