"""Preprocessors: which files and commands get into the image."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.classic.ml_tasks.utils import guess_preprocessor
from fairing_kfp.classic.notebook import notebook_util
from fairing_kfp.classic.preprocessors.base import BasePreProcessor
from fairing_kfp.classic.preprocessors.converted_notebook import (
    ConvertNotebookPreprocessor,
    ConvertNotebookPreprocessorWithFire,
    FilterIncludeCell,
    FilterMagicCommands,
)
from fairing_kfp.classic.preprocessors.full_notebook import FullNotebookPreProcessor
from fairing_kfp.classic.preprocessors.function import FunctionPreProcessor
from fairing_kfp.errors import ComponentError, ConfigError, JobFailedError, PackError
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.source import ComponentSource, placeholders

WORKING = "opt/fairing/code/files/"
SCRIPT = "digits.ipynb.py"


def source_of(preprocessor: Any) -> ComponentSource:
    component = preprocessor.component({})
    (source,) = placeholders(component.component_spec.implementation.container.image).values()
    return source


def working(bundle: Bundle) -> dict[str, bytes]:
    """The files of the working folder."""
    files = (*bundle.files, *bundle.placed)
    return {file.path.removeprefix(WORKING): file.data for file in files if file.path.startswith(WORKING)}


def packed(preprocessor: Any) -> dict[str, bytes]:
    return working(source_of(preprocessor).bundle())


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def notebook(path: Path, *cells: str) -> Path:
    code = [
        {"cell_type": "code", "id": str(number), "metadata": {}, "execution_count": None, "outputs": [], "source": cell}
        for number, cell in enumerate(cells)
    ]
    return write(path, json.dumps({"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))


def test_files_folders_and_globs_keep_their_places(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write(project / "data" / "deep" / "a.csv")
    write(project / "conf" / "a.yaml")
    write(project / "conf" / "b.txt")
    write(project / "helper.py", "")
    write(project / "main" / "run.py", "import other")
    write(project / "main" / "other.py", "")
    write(elsewhere / "far.csv")
    write(elsewhere / "requirements.txt", "six==1.17.0")

    made = BasePreProcessor(
        input_files=["data", "conf/*.yaml", "helper.py", str(elsewhere / "far.csv")],
        executable=str(project / "main" / "run.py"),
        output_map={
            str(elsewhere / "far.csv"): "/app/near/far.csv",
            "conf/b.txt": "/etc/b.txt",
            str(elsewhere / "requirements.txt"): "/app/requirements.txt",
        },
    )
    source = source_of(made)
    bundle = source.bundle()

    assert sorted(working(bundle)) == [
        *("conf/a.yaml", "data/deep/a.csv", "helper.py", "main/other.py", "main/run.py"),
        *("near/far.csv", "requirements.txt"),
    ]
    assert [file.path for file in bundle.placed] == [
        "etc/b.txt",
        f"{WORKING}near/far.csv",
        f"{WORKING}requirements.txt",
    ]
    assert source.packages == str(elsewhere / "requirements.txt")
    assert (source.env, source.name) == ({"FAIRING_RUNTIME": "1"}, "run")
    assert made.is_requirements_txt_file_present()


def test_a_file_outside_the_project_is_placed_by_its_name(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    far = write(tmp_path_factory.mktemp("elsewhere") / "far.csv")

    assert sorted(packed(BasePreProcessor(["train.py", str(far)]))) == ["far.csv", "train.py"]


def test_ignore_files_leave_out_what_folders_contain(project: Path) -> None:
    for name in ("data/a.csv", "data/a.tmp", "data/.git/config", "data/__pycache__/a.pyc"):
        write(project / name)
    write(project / ".fairingignore", "**/*.tmp\n")

    assert sorted(packed(BasePreProcessor(["data"], executable="train.py"))) == ["data/a.csv", "train.py"]


def test_the_only_script_is_the_executable(project: Path) -> None:
    assert BasePreProcessor(["train.py"]).executable == "train.py"
    assert BasePreProcessor(["train.py", "requirements.txt"]).executable == "train.py"
    write(project / "other.py")
    two = BasePreProcessor(["train.py", "other.py"])
    assert two.executable is None
    with pytest.raises(ConfigError, match=r"no script to run: other.py, train.py"):
        two.component({})
    with pytest.raises(ConfigError, match=r"the script .*missing\.py does not exist"):
        BasePreProcessor(["missing.py"]).component({})
    with pytest.raises(ConfigError, match=r"the file 'missing\.csv' of input_files"):
        BasePreProcessor(["train.py", "missing.csv"]).component({})
    with pytest.raises(PackError, match=r"nothing\*"):
        packed(BasePreProcessor(["train.py", "nothing*.csv"]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"command": ["python", "/app/train.py", "--steps=3"], "input_files": ["train.py"]}, ["train.py", "--steps=3"]),
        (
            {"command": ["python", "/opt/own.py", "-v"], "output_map": {"train.py": "/opt/own.py"}},
            ["/opt/own.py", "-v"],
        ),
        ({"command": ["bash", "-e"], "executable": "run.sh"}, ["run.sh"]),
        ({"command": ["python", "/w/train.py"], "path_prefix": "/w", "input_files": ["train.py"]}, ["train.py"]),
    ],
)
def test_a_command_of_its_own_is_started_as_it_is(project: Path, arguments: Any, words: list[str]) -> None:
    write(project / "run.sh", "exit 0")

    made = packed(BasePreProcessor(**arguments))

    launcher = made["fairing_kfp_launch.py"].decode()
    assert f"{words[-1]!r}" in launcher
    compile(launcher, "launcher", "exec")
    assert all(repr(word) in launcher for word in words)


def test_functions_and_classes_are_recognized(project: Path) -> None:
    class Trainer:
        def train(self) -> None: ...

    for entry, kind in (
        (print, FunctionPreProcessor),
        (lambda: 1, FunctionPreProcessor),
        (Trainer, FunctionPreProcessor),
        ("train.py", BasePreProcessor),
        (Path("train.ipynb"), FullNotebookPreProcessor),
    ):
        assert type(guess_preprocessor(entry)) is kind
    for wrong in (Trainer().train, 3, "train.sh"):
        with pytest.raises(ConfigError):
            guess_preprocessor(wrong) if wrong != 3 else guess_preprocessor(3)
    with pytest.raises(ConfigError, match="is neither a function nor a class"):
        FunctionPreProcessor(Trainer().train)
    with pytest.raises(ConfigError, match="has no method train"):
        FunctionPreProcessor(int).component({})
    assert source_of(FunctionPreProcessor(lambda: 1)).name == "lambda"


def test_a_notebook_becomes_a_script_without_magics_and_writes_no_file(project: Path) -> None:
    notebook(
        project / "digits.ipynb",
        "%%bash\nls",
        "if True:\n    !ls\n    value = 3",
        "%%writefile a.txt\ntext",
        "print(value)",
    )
    before = sorted(project.iterdir())
    write(project / "data.csv")

    made = ConvertNotebookPreprocessor("digits.ipynb", output_map={"data.csv": "/app/data.csv"})
    files = packed(made)

    script = files.pop(SCRIPT).decode()
    compile(script, "digits.py", "exec")
    assert not [line for line in script.splitlines() if line.strip().startswith(("!", "%", "ls"))]
    assert "value = 3" in script
    assert "data.csv" in files
    assert sorted(project.iterdir()) == sorted([*before, project / "data.csv"])


def test_marked_cells_and_a_class_run_with_fire(project: Path) -> None:
    notebook(
        project / "digits.ipynb",
        "# fairing:include-cell\nclass Trainer:\n    def train(self):\n        print('trained')",
        "raise ValueError('not marked')",
    )

    script = packed(ConvertNotebookPreprocessorWithFire("Trainer", "digits.ipynb"))[SCRIPT].decode()

    assert "not marked" not in script
    assert "Trainer" in script


def test_filters_can_be_called() -> None:
    cell = {"cell_type": "code", "source": "!ls\n  !ls\n%time x\ny = 1"}
    assert FilterMagicCommands().preprocess_cell(cell, {}, 0)[0]["source"] == "y = 1"
    assert FilterIncludeCell().preprocess_cell(dict(cell), {}, 0)[0]["source"] == ""
    kept = {"cell_type": "code", "source": "# fairing:include-cell\ny = 1"}
    assert FilterIncludeCell().preprocess_cell(kept, {}, 0)[0]["source"].endswith("y = 1")


def test_a_full_notebook_brings_requirements_and_comes_back(project: Path) -> None:
    write(project / "requirements.txt", "six==1.17.0\n")
    write(project / "data.csv")
    made = FullNotebookPreProcessor("train.ipynb", "out/done.ipynb", ["requirements.txt", "data.csv"])

    source = source_of(made)

    assert {"six==1.17.0", "papermill>=2.6"} <= set(source.packages)
    assert sorted(working(source.bundle())) == ["data.csv", "requirements.txt"]
    executed = write(project / "executed", "cells")
    assert made.collect({"notebook": executed}, {"status": ""}) is None
    assert (project / "out" / "done.ipynb").read_text() == "cells"
    with pytest.raises(JobFailedError, match=r"train.ipynb failed: cell 2: ValueError"):
        made.collect({"notebook": executed}, {"status": "cell 2: ValueError"})


def test_the_running_notebook_is_found_or_asked_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not notebook_util.is_in_notebook()
    with pytest.raises(ComponentError, match="this is not a notebook") as error:
        FullNotebookPreProcessor()
    assert error.value.remedy == 'name it: notebook_file="train.ipynb"'

    monkeypatch.setitem(vars(sys.modules["__main__"]), "__vsc_ipynb_file__", str(project / "train.ipynb"))
    assert notebook_util.get_notebook_name() == "train.ipynb"
    assert FullNotebookPreProcessor().notebook_file == str(project / "train.ipynb")
    assert ConvertNotebookPreprocessor().notebook_file == str(project / "train.ipynb")
    monkeypatch.delitem(vars(sys.modules["__main__"]), "__vsc_ipynb_file__")
    with pytest.raises(ConfigError, match=r"the notebook missing\.ipynb does not exist"):
        ConvertNotebookPreprocessor("missing.ipynb")
