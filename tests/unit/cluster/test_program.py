"""What the programs of steps write, and their exit codes."""

from __future__ import annotations

import pytest

from fairing_kfp.cluster.program import log, log_line, run_program
from fairing_kfp.errors import ConfigError


def test_messages_of_ours_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_program(lambda: (log("created a job"), log_line("a line of the job"))[0]) == 0

    assert capsys.readouterr().out == "fairing-kfp: created a job\na line of the job\n"


def test_an_error_is_written_with_its_notes(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        error = ConfigError("the input is wrong", "correct it")
        error.__notes__ = ["a job is left"]
        raise error

    assert run_program(fail) == 1

    assert capsys.readouterr().err == "fairing-kfp: the input is wrong\n  → correct it\na job is left\n"


def test_other_errors_have_a_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run_program(lambda: print(1 / 0))
