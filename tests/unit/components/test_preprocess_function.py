"""`preprocess_function`: what its bundle contains and runs, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.components.code_bundle import CodeBundle
from fairing_kfp.components.steps.preprocess_function import PREPROCESS_FUNCTION
from fairing_kfp.errors import ComponentError, ConfigError, FairingError, SecretError
from tests.support.bundles import pack_code, unpack_code

_MODEL = """
import json
import pathlib
from typing import Optional

from .helper import double

print("imported")


def train(
    depth: int, rate=0.5, fast: bool = False, names: Optional[list[str]] = None, data: pathlib.Path = pathlib.Path(".")
):
    return {"depth": double(depth), "rate": rate, "fast": fast, "names": names, "data": data.name}


def say(text, *more, **others) -> str:
    return text


def broken(depth, /): ...


async def slow(): ...
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    package = tmp_path / "source" / "src" / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "model.py").write_text(_MODEL)
    (package / "helper.py").write_text("def double(n):\n    return 2 * n\n")
    (tmp_path / "source" / "notes.md").write_text("# Notes\n")
    return tmp_path / "source"


def _pack(root: Path, source: Path | None = None, **values: Any) -> CodeBundle:
    return pack_code(PREPROCESS_FUNCTION, root, source, **values)


def _run(bundle: CodeBundle, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command of a bundle as in its image, below another root."""
    command = [word.replace("/opt/fairing", str(unpack_code(bundle, root))) for word in bundle.command[2:]]
    env = {**os.environ, "PYTHONSAFEPATH": "1"}  # which some images set
    return subprocess.run([sys.executable, *command, *arguments], env=env, capture_output=True, text=True, check=False)


def test_it_is_called_with_the_arguments_that_are_given(source: Path, tmp_path: Path) -> None:
    bundle = _pack(tmp_path / "out", source, function="package.model:train", exclude=["*.md"])

    assert [file.path for file in bundle.files] == [
        "src/package/__init__.py",
        "src/package/helper.py",
        "src/package/model.py",
    ]
    assert bundle.command == ("python3", "-u", "/opt/fairing/code/run.py")
    assert [(one["name"], one["type"], one["required"], one["default"]) for one in bundle.arguments] == [
        ("--depth", "int", True, None),
        ("--rate", "float", False, 0.5),
        ("--fast", "bool", False, False),
        ("--names", "list", False, None),
        ("--data", "str", False, "."),
    ]
    given = ["--depth", "4", "--fast", "true", "--names", '["a", "b"]', "--data", "/data/in.csv"]
    done = _run(bundle, tmp_path / "image", *given, "--return", str(tmp_path / "made" / "result"))
    assert (done.returncode, done.stdout) == (0, "imported\n"), done.stderr
    assert json.loads((tmp_path / "made" / "result").read_text()) == {
        "depth": 8,
        "rate": 0.5,
        "fast": True,
        "names": ["a", "b"],
        "data": "in.csv",
    }


def test_a_text_is_returned_as_it_is(source: Path, tmp_path: Path) -> None:
    bundle = _pack(tmp_path / "out", source, function="package.model:say")
    done = _run(bundle, tmp_path / "image", "--text", "a b", "--return", str(tmp_path / "result"))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "result").read_text() == "a b"
    assert _run(bundle, tmp_path / "image").returncode == 2  # a required argument is missing


def test_a_module_alone_and_its_text_give_one_digest(tmp_path: Path) -> None:
    text = "import no_such_module\n\ndef train():\n    pass\n"  # it is never imported
    alone = tmp_path / "uploaded"
    alone.write_text(text)

    made = [
        _pack(tmp_path / "1", alone, function="lab.model:train"),
        _pack(tmp_path / "2", None, function="lab.model:train", text=text),
    ]

    assert made[0].digest == made[1].digest
    assert [file.path for file in made[0].files] == ["lab/model.py"]
    assert made[0].digest != _pack(tmp_path / "3", None, function="model:train", text=text).digest


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        ("train", ConfigError, "function='train' does not name a function of a module"),
        ("../model:train", ConfigError, "does not name a function of a module"),
        ("model:train", ComponentError, r"no module model in the source.*\n.*src/package/model\.py"),
        (
            "package.model:fit",
            ComponentError,
            r"model\.py defines no function fit .*\n.*train, say, broken",
        ),
        ("package.model:broken", ComponentError, "the parameter depth of broken .* cannot be given by name"),
        ("package.model:slow", ComponentError, "slow of .* is async"),
        ("package.taken:step", ComponentError, r"step of .* is a component already, by kfp\.dsl\.component"),
        ("package.torn:train", ComponentError, r"src/package/torn\.py, line 1 is not valid Python"),
        ("", ConfigError, "the input function is missing or empty"),
    ],
)
def test_wrong_inputs_are_refused(
    source: Path, tmp_path: Path, function: str, error: type[FairingError], message: str
) -> None:
    (source / "src/package/torn.py").write_text("def (:\n")
    (source / "src/package/taken.py").write_text("from kfp import dsl\n\n@dsl.component()\ndef step(): ...\n")

    with pytest.raises(error, match=message):
        _pack(tmp_path / "out", source, function=function)

    assert not (tmp_path / "out").exists()


def test_a_credential_is_not_packed(source: Path, tmp_path: Path) -> None:
    (source / "settings.json").write_text(json.dumps({"token": "ghp_" + "aB3" * 13}))

    with pytest.raises(SecretError, match=r"settings\.json contains a GitHub token"):
        _pack(tmp_path / "out", source, function="package.model:train")
