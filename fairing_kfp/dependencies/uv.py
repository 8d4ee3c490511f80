"""Running uv."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence

import uv

from fairing_kfp.dependencies.uv_errors import error_from, warnings_in
from fairing_kfp.errors import PackageIndexError

# Makes wheels that are built here independent of the date and the run (https://reproducible-builds.org/specs/).
_BUILD_ENVIRONMENT = {"SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0"}
_OPTIONS = ("--no-progress", "--color", "never", "--no-python-downloads")


def run_pip(
    command: str,
    arguments: Sequence[str],
    requirements: str,
    target: str,
    warn: Callable[[str], None] = lambda warning: None,
    **variables: str,
) -> str:
    """Runs `uv pip COMMAND` with the user's own settings, and returns its output.

    Args:
        command: `compile` or `install`.
        arguments: its arguments; `-` stands for the requirements.
        requirements: the content of a requirements file.
        target: the target of the packages, as shown in messages.
        warn: called with uv's warnings.
        variables: environment variables that override the user's.

    Raises:
        PackageIndexError: uv is not installed, or the package index does not answer.
        DependencyError: uv failed.
    """
    return run(("pip", command, *arguments), requirements, target, warn, **variables)


def run(
    arguments: Sequence[str],
    stdin: str,
    target: str,
    warn: Callable[[str], None] = lambda warning: None,
    **variables: str,
) -> str:
    """Runs uv with the user's own settings, and returns its output.

    Args:
        arguments: its command line.
        stdin: its standard input.
        target: the target or file that the packages are for, as shown in messages.
        warn: called with uv's warnings.
        variables: environment variables that override the user's.

    Raises:
        PackageIndexError: uv is not installed, or the package index does not answer.
        DependencyError: uv failed.
    """
    # UV_COMPILE_BYTECODE conflicts with an option of ours instead of being its default.
    environment = {name: value for name, value in os.environ.items() if name != "UV_COMPILE_BYTECODE"}
    environment.update(_BUILD_ENVIRONMENT, **variables)
    try:
        finished = subprocess.run(
            [uv.find_uv_bin(), *arguments, *_OPTIONS],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
        )
    except OSError as error:  # also raised by find_uv_bin
        reason = str(error).partition("\n")[0]
        raise PackageIndexError(f"cannot start uv: {reason}", "install it: pip install uv") from error
    if finished.returncode:
        raise error_from(finished.stderr, target)
    for warning in warnings_in(finished.stderr):
        warn(warning)
    return finished.stdout
