"""The command line, called within the test's process."""

from __future__ import annotations

from click.testing import CliRunner

from fairing_kfp.cli import main


def fairing_kfp(*arguments: str) -> tuple[int, str]:
    """Runs a command.

    Returns:
        The exit code and the output.
    """
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    return result.exit_code, result.output
