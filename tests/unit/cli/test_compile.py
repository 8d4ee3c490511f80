from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from fairing_kfp.cli import main
from fairing_kfp.image.image import AnyImage
from tests.golden import PIPELINES
from tests.support import stand_in_builder
from tests.support.command_line import fairing_kfp

TARGET = PIPELINES["control-flow"]
_SMALL = """
from kfp import dsl
from fairing_kfp import fairing_component

@fairing_component
def add(first: float) -> float:
    return first + 1

@dsl.pipeline
def adds():
    add(first=1.0)
"""
_COMMAND = """
import sys
from fairing_kfp.cli import main
try:
    main()
except SystemExit:
    print(*sys.modules)
"""


def test_nothing_is_written_without_a_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = fairing_kfp("compile", TARGET, "-o", str(tmp_path / "out.yaml"))

    assert code == 2
    assert "no registry is set" in output
    assert not (tmp_path / "out.yaml").exists()


def test_only_what_a_pipeline_needs_is_imported(tmp_path: Path) -> None:
    """`compile` without a registry ends after it has packed a step without packages."""
    (tmp_path / "small_pipeline.py").write_text(_SMALL)
    first, again = _imported(tmp_path), _imported(tmp_path)

    assert {"kfp.compiler", "fairing_kfp.preprocess.function"} <= first & again
    assert not first & {"kubernetes", "kfp.client", "requests", "packaging", "uv", "tomllib", "tomli", "html.parser"}
    assert not first & {"rich.progress", "fairing_kfp.serving.spec", "fairing_kfp.train.spec", "difflib"}
    assert not again & {"subprocess", "concurrent.futures", "fairing_kfp.dependencies"}


def _imported(folder: Path) -> set[str]:
    """The modules of a process that compiles the pipeline of a folder, with a cache in it."""
    command = [sys.executable, "-c", _COMMAND, "compile", "small_pipeline.py"]
    environment = {**os.environ, "FAIRING_KFP_CACHE": str(folder / "cache")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert "no registry is set" in done.stderr
    return set(done.stdout.split())


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> stand_in_builder.StandInBuilder:
    made = stand_in_builder.StandInBuilder()
    stand_in_builder.register(monkeypatch)
    monkeypatch.setattr(stand_in_builder, "connect", lambda connection, argument: made)
    return made


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two pipelines with modules of one name, which differ."""
    for name, value in (("one", 1), ("two", 2)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "numbers_of_it.py").write_text(f"VALUE = {value}\n")
        text = _SMALL.replace("first + 1", "first + numbers_of_it.VALUE").replace("adds", name)
        (folder / f"{name}.py").write_text(f"import numbers_of_it\n{text}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _compile(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["compile", "--builder", "stand-in", *arguments], catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


def test_several_pipelines_are_written_to_a_folder(files: Path, builder: stand_in_builder.StandInBuilder) -> None:
    code, output, errors = _compile("one/one.py", "two/two.py", "-o", "out", "--json")
    found = json.loads(output)["pipelines"]

    assert code == 0
    assert [(one["target"], one["name"], one["yaml"]) for one in found] == [
        ("one/one.py", "one", "out/one.yaml"),
        ("two/two.py", "two", "out/two.yaml"),
    ]
    for one in found:
        [image] = one["images"]
        assert image["image"] in (files / one["yaml"]).read_text()
        assert (image["component"], image["planned"], one["warnings"]) == ("add", False, [])
    assert found[0]["images"] != found[1]["images"]
    assert "✔ out/one.yaml, out/two.yaml in" in errors
    modules = [layer.name for layer in builder.published[1].images[0].layers]
    assert modules == ["runtime", "code"]


@pytest.mark.usefixtures("files")
def test_each_pipeline_gets_its_own_modules(builder: stand_in_builder.StandInBuilder) -> None:
    _compile("one/one.py", "two/two.py")

    assert [_packed(image, "numbers_of_it.py") for image in builder.published] == [b"VALUE = 1\n", b"VALUE = 2\n"]


def _packed(image: AnyImage, name: str) -> bytes:
    """The content of a file in the code layer."""
    with tarfile.open(fileobj=image.images[0].layers[-1].open()) as archive:
        [member] = [one for one in archive.getmembers() if one.name.endswith(name)]
        file = archive.extractfile(member)
        assert file is not None
        return file.read()


def test_nothing_is_published_unless_all_can_be_packed(files: Path, builder: stand_in_builder.StandInBuilder) -> None:
    (files / "two/two.py").write_text("from missing import nothing\n")
    code, _, errors = _compile("one/one.py", "two/two.py")

    assert code == 2
    assert "missing" in errors
    assert builder.published == []
    assert not list(files.rglob("*.yaml"))


@pytest.mark.usefixtures("files", "builder")
def test_yaml_on_standard_output_comes_alone() -> None:
    code, output, errors = _compile("one/one.py", "-o", "-")

    assert code == 0
    assert yaml.safe_load(output)["pipelineInfo"]["name"] == "one"
    assert "✔ add → registry.example.com/me/project@sha256:" in errors
    assert _compile("one/one.py", "-o", "-", "-q")[2] == ""


@pytest.mark.usefixtures("builder")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["one/one.py", "two/two.py", "-o", "-"], "- is not a folder, for the YAML of 2 pipelines"),
        (["one/one.py", "two/two.py", "-o", "out.yaml"], "out.yaml is not a folder"),
        (["one/one.py", "one/one.py:one"], "would both be written to one/one.yaml"),
        (["one/one.py", "-o", "-", "--json"], "both print on standard output"),
        ([], "Missing argument 'FILE[:NAME]...'"),
    ],
)
def test_outputs_that_contradict_are_refused(files: Path, arguments: list[str], message: str) -> None:
    code, output, errors = _compile(*arguments)

    assert (code, output) == (2, "")
    assert message in errors
    assert not list(files.rglob("*.yaml"))


@pytest.mark.usefixtures("files", "builder")
def test_a_folder_that_exists_gets_the_yaml(tmp_path: Path) -> None:
    assert _compile("one/one.py", "-o", "two")[0] == 0
    assert (tmp_path / "two/one.yaml").is_file()
