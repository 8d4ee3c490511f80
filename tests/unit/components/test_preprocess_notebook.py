"""`preprocess_notebook`: what its bundles contain and run, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.components.code_bundle import CodeBundle
from fairing_kfp.components.steps.preprocess_notebook import PREPROCESS_NOTEBOOK
from fairing_kfp.errors import ComponentError, ConfigError, FairingError, PackError, SecretError
from tests.support.bundles import pack_code, unpack_code

_CELLS = [
    ("%load_ext autoreload\nimport json", ()),
    ("depth = 8  # of the tree\nnames = ['a']", ("parameters",)),
    ("raise RuntimeError('never packed')", ("skip",)),
    ("print(json.dumps([depth, names, open('unit.txt').read()]))", ("say",)),
]


def _text(cells: list[tuple[str, tuple[str, ...]]], output: str = "") -> str:
    outputs = [{"output_type": "stream", "name": "stdout", "text": output}] if output else []
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    made = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {"tags": [*tags]} if tags else {},
            "source": source,
            "outputs": outputs,
            "execution_count": None,
        }
        for number, (source, tags) in enumerate(cells)
    ]
    return json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source" / "lab"
    folder.mkdir(parents=True)
    (folder / "train.ipynb").write_text(_text(_CELLS))
    (folder / "unit.txt").write_text("cm")
    (folder / "left.csv").write_text("1\n")
    (tmp_path / "source" / "outside.txt").write_text("no file of the notebook's folder")
    (tmp_path / "source" / ".fairingignore").write_text("**/*.csv\n")
    return tmp_path / "source"


def _pack(root: Path, source: Path | None = None, notebook: str = "lab/train.ipynb", **values: Any) -> CodeBundle:
    return pack_code(PREPROCESS_NOTEBOOK, root, source, notebook=notebook, **values)


def test_shell_commands_run_if_that_is_said(tmp_path: Path) -> None:
    cells = [("found = !echo from the shell", ()), ("print(found)", ("say",))]
    bundle = _pack(tmp_path / "out", None, "a.ipynb", text=_text(cells), shell=True)

    folder = unpack_code(bundle, tmp_path / "image") / "code" / "files"
    done = subprocess.run([sys.executable, "a.ipynb.py"], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout == "['from the shell']\n"
    with pytest.raises(PackError, match="shell=True"):
        _pack(tmp_path / "left", None, "a.ipynb", text=_text(cells))


def test_its_code_is_a_script(source: Path, tmp_path: Path) -> None:
    bundle = _pack(tmp_path / "out", source)

    assert [file.path for file in bundle.files] == ["train.ipynb.py", "unit.txt"]
    assert bundle.support == ()
    assert bundle.command == ("python3", "-u", "/opt/fairing/code/files/train.ipynb.py")
    assert json.loads((tmp_path / "out" / "packages").read_text()) == []
    assert [(one["name"], one["type"], one["default"]) for one in bundle.arguments] == [
        ("--depth", "int", 8),
        ("--names", "list", ["a"]),
    ]
    root = unpack_code(bundle, tmp_path / "image")
    command = [sys.executable, str(root / "code/files/train.ipynb.py"), "--depth", "3"]
    done = subprocess.run(command, cwd=root / "code/files", capture_output=True, text=True, check=False)
    assert done.stdout == '[3, ["a"], "cm"]\n', done.stderr


def test_tags_select_cells(source: Path, tmp_path: Path) -> None:
    bundle = _pack(tmp_path / "out", source, tags=["say"])

    script = bundle.files[0].data.decode()
    assert "json.dumps([depth" in script
    assert "import json\n" not in script


def test_in_full_it_brings_what_executes_it(source: Path, tmp_path: Path) -> None:
    bundle = _pack(tmp_path / "out", source, mode="full")

    assert [file.path for file in bundle.files] == ["unit.txt"]
    assert bundle.command == ("python3", "-u", "/opt/fairing/code/run.py")
    assert [one["name"] for one in bundle.arguments] == ["--depth", "--names"]
    assert any(one.startswith("papermill") for one in json.loads((tmp_path / "out" / "packages").read_text()))
    packed = {file.path: file.data for file in bundle.support}
    assert "never packed" not in packed["code/notebook.ipynb"].decode()
    root = unpack_code(bundle, tmp_path / "image")
    done = subprocess.run([sys.executable, str(root / "code/run.py"), "--help"], capture_output=True, check=False)
    assert b"--report" in done.stdout
    assert b"of the tree" in done.stdout


@pytest.mark.parametrize("mode", ["code", "full"])
def test_outputs_do_not_change_the_digest(tmp_path: Path, mode: str) -> None:
    texts = [_text(_CELLS), _text(_CELLS, output="secret " * 3)]
    made = [_pack(tmp_path / str(n), None, "a.ipynb", text=text, mode=mode) for n, text in enumerate(texts)]

    assert made[0].digest == made[1].digest
    alone = tmp_path / "uploaded"
    alone.write_text(texts[1])
    assert _pack(tmp_path / "alone", alone, "a.ipynb", mode=mode).digest == made[0].digest


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"notebook": "train.ipynb"}, ComponentError, r"no notebook train\.ipynb .*\n.*lab/train\.ipynb"),
        ({"notebook": "lab/train.py"}, ConfigError, "not the path of a notebook within the source"),
        ({"mode": "full", "shell": True}, ConfigError, "shell runs commands in the mode code"),
        ({"mode": "fast"}, ConfigError, "mode='fast' is not a mode of notebooks"),
        ({"mode": "full", "tags": ["say"]}, ConfigError, "tags select cells of the mode code"),
        ({"outputs": {"error": "float"}}, ConfigError, "outputs are recorded in the mode full"),
        ({"outputs": {"depth": "float"}, "mode": "full"}, ConfigError, "the output 'depth' .* is no free name"),
        ({"outputs": {"error": "double"}, "mode": "full"}, ConfigError, "the output error .* has the type 'double'"),
        ({"tags": ["absent"]}, PackError, "no cell of train.ipynb is tagged absent"),
        ({"notebook": "torn.ipynb"}, PackError, "torn.ipynb is not a notebook"),
        ({"notebook": "named.ipynb", "mode": "full"}, ComponentError, "has a parameter 'report'"),
        ({"notebook": "secret.ipynb"}, SecretError, "cell 1 of secret.ipynb"),
        ({"notebook": "secret.ipynb", "mode": "full"}, SecretError, "cell 1 of secret.ipynb"),
    ],
)
def test_wrong_inputs_are_refused(
    source: Path, tmp_path: Path, values: dict[str, Any], error: type[FairingError], message: str
) -> None:
    (source / "torn.ipynb").write_text("{")
    (source / "named.ipynb").write_text(_text([("report = 1", ("parameters",))]))
    (source / "secret.ipynb").write_text(_text([(f"token = 'ghp_{'aB3' * 13}'", ())]))

    with pytest.raises(error, match=message):
        _pack(tmp_path / "out", source, **values)

    assert not (tmp_path / "out").exists()
