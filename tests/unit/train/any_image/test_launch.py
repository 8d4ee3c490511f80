"""The program that a container starts with, as a process of this machine, which has nothing of this package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.train.any_image.launch import launch_command

_SHOW = """
import json, os, sys
from fairing_kfp import distributed
values = {"words": sys.argv[1:], "env": os.environ["MODEL"], "cwd": os.getcwd(), "rank": distributed.rank()}
if sys.argv[1] == "write":
    open(os.environ["MODEL"], "w").write("weights")
print(json.dumps(values))
"""


@pytest.fixture
def python(tmp_path: Path) -> str:
    """A Python that does not find this package."""
    path = tmp_path / "bin" / "python3"
    path.parent.mkdir()
    path.symlink_to(Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}"))
    return str(path)


def _launch(python: str, folder: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [python, *launch_command(*options)[1:]]
    known = {"PATH": f"{Path(python).parent}:{os.defpath}", "TMPDIR": str(folder), "FAIRING_RANK": "1"}
    return subprocess.run(command, cwd=folder, env={**known, **env}, capture_output=True, text=True, check=False)


def _given(folder: Path, *words: str) -> str:
    def artifact(path: Path) -> dict[str, Any]:
        return {"artifacts": [{"uri": str(path)}]}

    return json.dumps(
        {
            "inputs": {
                "parameterValues": {"command": list(words), "env": {"MODEL": "{model}"}},
                "artifacts": {"dataset": artifact(folder / "data")},
            },
            "outputs": {
                "artifacts": {"model": artifact(folder / "out" / "model")},
                "outputFile": str(folder / "output.json"),
            },
        }
    )


def test_the_program_is_small_and_the_same_each_time() -> None:
    command = launch_command("--node")

    assert command == launch_command("--node")
    assert sum(map(len, command)) < 40_000  # Linux limits an argument to 128 KiB


def test_the_command_gets_its_paths_and_its_working_folder(python: str, tmp_path: Path) -> None:
    (tmp_path / "show.py").write_text(_SHOW)
    words = ("python3", "show.py", "write", "--data={dataset}", "{unknown}", "{}")
    done = _launch(python, tmp_path, "--executor_input", _given(tmp_path, *words))

    assert done.returncode == 0, done.stderr
    model = str(tmp_path / "out" / "model")
    assert json.loads(done.stdout) == {
        "words": ["write", f"--data={tmp_path}/data", "{unknown}", "{}"],
        "env": model,
        "cwd": str(tmp_path),
        "rank": 1,
    }
    assert Path(model).read_text() == "weights"
    assert (tmp_path / "output.json").read_text() == "{}"


def test_only_the_first_process_of_a_node_writes_the_outputs(python: str, tmp_path: Path) -> None:
    (tmp_path / "show.py").write_text(_SHOW)
    given = _given(tmp_path, "python3", "show.py", "write")
    done = _launch(python, tmp_path, "--executor_input", given, TORCHELASTIC_RUN_ID="1", LOCAL_RANK="1")

    assert done.returncode == 0, done.stderr
    assert Path(json.loads(done.stdout)["env"]).read_text() == "weights"
    assert not (tmp_path / "out" / "model").exists()


def test_torchrun_starts_the_command_if_the_image_has_it(python: str, tmp_path: Path) -> None:
    options = ("--torchrun", "--nnodes=2", "step.py", "--executor_input", "{}")
    without = _launch(python, tmp_path, *options)
    stub = tmp_path / "site" / "torch" / "distributed"
    stub.mkdir(parents=True)
    for folder in (stub.parent, stub):
        (folder / "__init__.py").touch()
    (stub / "run.py").write_text("import sys\nprint(sys.argv[1:])\nsys.exit(3)\n")
    with_torch = _launch(python, tmp_path, *options, PYTHONPATH=str(tmp_path / "site"))

    assert without.returncode == 1
    assert without.stderr.startswith("fairing-kfp: torchrun starts the command, but the image has no torch\n  → ")
    assert with_torch.returncode == 3
    assert with_torch.stdout.strip() == str(list(options[1:]))


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (("absent",), 127, "fairing-kfp: cannot start absent: No such file or directory\n  → "),
        (("python3", "-c", "import sys; sys.exit(7)"), 7, ""),
    ],
)
def test_the_exit_code_is_that_of_the_command(
    python: str, tmp_path: Path, command: tuple[str, ...], code: int, message: str
) -> None:
    done = _launch(python, tmp_path, "--executor_input", _given(tmp_path, *command))

    assert done.returncode == code
    assert done.stderr.startswith(message)
