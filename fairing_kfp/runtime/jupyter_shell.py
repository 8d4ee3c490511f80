"""Shell commands of a notebook that runs as a script: `!command` and `lines = !command`, as in IPython."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

_EXPRESSION = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|\$\$|\$([A-Za-z_][\w.]*)")


class Lines(list[str]):
    """The lines that a command printed."""

    @property
    def n(self) -> str:
        """The output in one text."""
        return "\n".join(self)

    @property
    def s(self) -> str:
        """The lines joined by spaces."""
        return " ".join(self)

    @property
    def l(self) -> list[str]:  # noqa: E743 - IPython's name
        """The lines as a list."""
        return list(self)


def getoutput(command: str) -> Lines:
    """Runs a command; returns the lines that it prints to standard output and standard error."""
    done = _run(_expanded(command, sys._getframe(1)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return Lines(done.stdout.decode(errors="replace").splitlines())


def system(command: str) -> None:
    """Runs a command, whose output goes to the log. As in a cell, a failure does not stop the script."""
    sys.stdout.flush()
    done = _run(_expanded(command, sys._getframe(1)))
    if done.returncode:
        print(f"the command exited with code {done.returncode}", file=sys.stderr)


def _run(command: str, **streams: Any) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, shell=True, check=False, **streams)  # noqa: S602 - the author's own command
    except FileNotFoundError as error:
        raise RuntimeError(
            "the image of this step has no shell (/bin/sh): use another base_image, or write the command in Python"
        ) from error


def _expanded(command: str, frame: Any) -> str:
    """The command with the values of `{expression}` and `$name`; expressions that fail are unchanged."""
    names: Mapping[str, Any] = {**frame.f_globals, **frame.f_locals}

    def value(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}", "$$"):
            return found[0][0]
        try:
            return str(eval(found[1] or found[2], dict(names)))  # noqa: S307 - the author's own expression
        except Exception:  # a variable or braces of the shell
            return found[0]

    return _EXPRESSION.sub(value, command)
