from __future__ import annotations

import gc
from pathlib import Path

import pytest

from tests.support.command_line import fairing_kfp


def test_help_lists_the_commands() -> None:
    code, output = fairing_kfp("--help")

    assert code == 0
    assert all(word in output for word in ("compile", "explain", "run", "FILE:NAME"))


@pytest.mark.parametrize("command", ["compile", "explain", "run"])
def test_each_command_helps(command: str) -> None:
    code, output = fairing_kfp(command, "-h")

    assert code == 0
    assert "FILE[:NAME]" in output


def test_an_unknown_command_gets_the_most_similar_one() -> None:
    code, output = fairing_kfp("complie", "pipeline.py")

    assert code == 2
    assert "No such command 'complie'. Did you mean 'compile'?" in output
    assert "Did you mean" not in fairing_kfp("moon")[1]


def test_an_error_is_printed_with_its_remedy_and_without_a_traceback(tmp_path: Path) -> None:
    code, output = fairing_kfp("run", str(tmp_path / "missing.py"))

    assert code == 2
    assert output.startswith("error: the file ")
    assert "→ give a Python file" in output
    assert "Traceback" not in output


def test_the_garbage_collector_of_another_program_is_left_alone(tmp_path: Path) -> None:
    before = gc.get_threshold()
    fairing_kfp("run", str(tmp_path / "missing.py"))

    assert gc.get_threshold() == before
