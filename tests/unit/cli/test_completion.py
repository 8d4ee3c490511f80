from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fairing_kfp.cli import completion, main
from tests.support.command_line import fairing_kfp

_PIPELINES = """
from kfp import dsl
from fairing_kfp import fairing_component

raise RuntimeError("completion imports no file")

@fairing_component
class Digits: ...

@dsl.pipeline(name="digits")
def train(depth: int = 8, *, trees: int = 100): ...

@dsl.pipeline
def test(share: float): ...

def helper(): ...
"""
_RUN = '{"pipeline": "digits"}\n{"path": ["load"]}\n{"path": ["inner", "train"]}\n{"path": ["inner", "train"]}\n'
_LINES = {
    "ru": ["run", "runs"],
    "runs ca": ["cancel"],
    "run ": ["digits.py", "line.ipynb"],
    "compile lab/": ["lab/other.py"],
    "diff ": ["digits.py", "line.ipynb", "old.yaml"],
    "run digits.py:t": ["digits.py:train", "digits.py:test"],
    "serve digits.py:": ["digits.py:Digits"],
    "run digits.py:train -p ": ["depth=", "trees="],
    "submit -p share=1 digits.py --param s": ["share="],
    "run digits.py --runner d": ["docker"],
    "run digits.py --runner=d": ["docker"],
    "run digits.py --no-c": ["--no-cache"],
    "rerun ": ["local_outputs/digits-1"],
    "rerun local_outputs/digits-1 --from t": ["train"],
    "rerun missing --from ": [],
    "run missing.py:": [],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "digits.py").write_text(_PIPELINES)
    for path in ("line.ipynb", "notes.txt", "old.yaml", "lab/other.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    journal = tmp_path / "local_outputs/digits-1/run.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text(_RUN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _asked(shell: str, line: str, **variables: str) -> list[str]:
    environment = {completion.VARIABLE: f"{shell}_complete", "COMP_WORDS": line, **variables}
    done = CliRunner().invoke(main, env=environment, catch_exceptions=False, prog_name="fairing-kfp")
    assert done.exit_code == 0
    return done.output.split()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("line", _LINES)
def test_bash_completes_commands_options_files_and_names(line: str) -> None:
    assert sorted(_asked("bash", f"fairing-kfp {line}")) == sorted(_LINES[line])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("run digits.py:tr", ["train"]),
        ("run digits.py --runner=d", ["docker"]),
        ("run digits.py:train -p de", ["depth="]),
    ],
)
def test_bash_gets_what_is_after_its_word_breaks(line: str, found: list[str]) -> None:
    assert _asked("bash", f"fairing-kfp {line}", COMP_WORDBREAKS=" \t\n\"'><=;|&(:") == found


@pytest.mark.usefixtures("folder")
def test_fish_and_zsh_complete_files_and_folders() -> None:
    assert _asked("zsh", "fairing-kfp run ", COMP_CWORD="2") == [
        "dir",
        "_",
        "plain",
        "digits.py",
        "_",
        "plain",
        "line.ipynb",
        "_",
    ]
    assert _asked("fish", "fairing-kfp run ", COMP_CWORD="") == ["dir,", "plain,digits.py", "plain,line.ipynb"]


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_the_script_is_one_that_the_shell_reads(shell: str, tmp_path: Path) -> None:
    code, script = fairing_kfp("completion", shell)

    assert code == 0
    assert f"{completion.VARIABLE}={shell}_complete" in script
    if program := shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([program, "-n", str(tmp_path / "script")], check=True)


def test_another_shell_is_refused() -> None:
    code, output = fairing_kfp("completion", "csh")

    assert code == 2
    assert "'bash', 'fish', 'zsh'" in output


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes_a_line_by_the_script(folder: Path) -> None:
    (folder / "fairing-kfp").write_text(f'#!/bin/sh\nexec "{sys.executable}" main.py\n')
    (folder / "main.py").write_text("from fairing_kfp.cli import main\nmain(prog_name='fairing-kfp')\n")
    (folder / "fairing-kfp").chmod(0o755)
    (folder / "script").write_text(fairing_kfp("completion", "bash")[1])
    line = "fairing-kfp run digits.py:tr"
    program = (
        f"source ./script; complete -p fairing-kfp; COMP_LINE='{line}' COMP_POINT={len(line)}; "
        '_fairing_kfp_completion ./fairing-kfp; echo "${COMPREPLY[@]}"'
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        ["bash", "--norc", "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "train"
    assert "-F _fairing_kfp_completion fairing-kfp" in done.stdout
