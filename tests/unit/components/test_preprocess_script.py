"""`preprocess_script`: what its bundle contains, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.components.code_bundle import CodeBundle
from fairing_kfp.components.steps.preprocess_script import PREPROCESS_SCRIPT
from fairing_kfp.errors import ComponentError, ConfigError, FairingError, PackError, SecretError
from tests.support.bundles import pack_code

_SCRIPT = """
import argparse
from helper import double
parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int, default=8, help="of the tree")
parser.add_argument("--model", required=True)
print(double(parser.parse_args().depth))
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "train.py").write_text(_SCRIPT)
    (folder / "helper.py").write_text("def double(n):\n    return 2 * n\n")
    (folder / "notes.md").write_text("# Notes\n")
    (folder / "__pycache__" / "helper.pyc").write_bytes(b"cache")
    return folder


def _run(root: Path, source: Path | None = None, **values: Any) -> CodeBundle:
    return pack_code(PREPROCESS_SCRIPT, root, source, **values)


def test_a_folder_is_packed_with_its_interface(source: Path, tmp_path: Path) -> None:
    bundle = _run(tmp_path / "out", source, script="train.py", exclude=["*.md"])

    assert [file.path for file in bundle.files] == ["helper.py", "train.py"]
    assert bundle.command == ("python3", "-u", "/opt/fairing/code/files/train.py")
    assert [(one["name"], one["type"], one["required"]) for one in bundle.arguments] == [
        ("--depth", "int", False),
        ("--model", "str", True),
    ]
    assert bundle.arguments[0]["default"] == 8
    assert (tmp_path / "out" / "digest").read_text() == bundle.digest
    listed = json.loads((tmp_path / "out" / "output.json").read_text())
    assert listed["artifacts"]["bundle"]["artifacts"][0]["metadata"] == {"digest": bundle.digest}
    assert listed["parameterValues"] == {"digest": bundle.digest}
    report = (tmp_path / "out" / "report").read_text()
    assert "<h1>train.py is packed with 2 files</h1>" in report
    assert "--depth" in report


def test_a_folder_a_file_and_a_text_give_one_digest(source: Path, tmp_path: Path) -> None:
    text = (source / "train.py").read_text()
    alone = tmp_path / "uploaded"
    alone.write_text(text)
    folder = tmp_path / "alone"
    folder.mkdir()
    (folder / "train.py").write_text(text)

    made = [
        _run(tmp_path / "1", folder, script="train.py"),
        _run(tmp_path / "2", alone, script="train.py"),
        _run(tmp_path / "3", None, script="train.py", text=text),
    ]

    assert len({bundle.digest for bundle in made}) == 1
    written = {(tmp_path / place / "bundle" / "bundle.json").read_bytes() for place in "123"}
    assert len(written) == 1


def test_a_change_of_any_part_changes_the_digest(source: Path, tmp_path: Path) -> None:
    before = _run(tmp_path / "1", source, script="train.py").digest
    (source / "helper.py").chmod(0o755)
    executable = _run(tmp_path / "2", source, script="train.py").digest
    (source / "helper.py").write_text("def double(n):\n    return n + n\n")

    assert len({before, executable, _run(tmp_path / "3", source, script="train.py").digest}) == 3


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"script": "absent.py"}, ComponentError, r"there is no script absent\.py .*\n.*helper\.py, train\.py"),
        ({"script": "../train.py"}, ConfigError, "not the path of a Python file within the source"),
        ({"script": "train.sh"}, ConfigError, "not the path of a Python file"),
        ({"script": ""}, ConfigError, "the input script is missing or empty"),
        ({"script": "train.py", "text": "print(1)"}, ConfigError, "exactly one source"),
        ({"script": "train.py", "exclude": "*.md"}, ConfigError, "the input exclude is '\\*.md', not of type list"),
        ({"script": "broken.py"}, ComponentError, "broken.py, line 1 is not valid Python"),
    ],
)
def test_wrong_inputs_are_refused(
    source: Path, tmp_path: Path, values: dict[str, Any], error: type[FairingError], message: str
) -> None:
    (source / "broken.py").write_text("def (:\n") if values["script"] == "broken.py" else None

    with pytest.raises(error, match=message):
        _run(tmp_path / "out", source, **values)

    assert not (tmp_path / "out").exists()


def test_a_source_is_needed_and_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="exactly one source"):
        _run(tmp_path / "out", None, script="train.py")
    with pytest.raises(ConfigError, match="the artifact of the input source is not at"):
        _run(tmp_path / "out", tmp_path / "absent", script="train.py")


def test_a_credential_is_not_packed(source: Path, tmp_path: Path) -> None:
    (source / "settings.json").write_text(json.dumps({"token": "ghp_" + "aB3" * 13}))

    with pytest.raises(SecretError, match=r"settings\.json contains a GitHub token"):
        _run(tmp_path / "out", source, script="train.py")

    assert not (tmp_path / "out").exists()


def test_a_changed_bundle_is_refused(source: Path, tmp_path: Path) -> None:
    _run(tmp_path / "out", source, script="train.py")
    folder = tmp_path / "out" / "bundle"
    document = json.loads((folder / "bundle.json").read_text())

    (folder / "files" / "helper.py").write_text("changed")
    with pytest.raises(PackError, match=r"the file helper\.py of the bundle .* has the digest"):
        CodeBundle.read(folder)

    (folder / "bundle.json").write_text(json.dumps({**document, "files": [], "command": ["sh"]}))
    with pytest.raises(PackError, match=r"has the digest .*, but bundle\.json has"):
        CodeBundle.read(folder)

    outside = {"path": "../../source/train.py", "digest": "", "executable": False}
    (folder / "bundle.json").write_text(json.dumps({**document, "files": [outside]}))
    with pytest.raises(PackError, match="which is outside it"):
        CodeBundle.read(folder)

    with pytest.raises(PackError, match="is not a bundle"):
        CodeBundle.read(source)
