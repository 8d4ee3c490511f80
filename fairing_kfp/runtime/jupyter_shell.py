"""Runs the shell commands of a script that was a notebook: `!command` and `lines = !command`, as IPython does."""

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
        """The text."""
        return "\n".join(self)

    @property
    def s(self) -> str:
        """The text in one line."""
        return " ".join(self)

    @property
    def l(self) -> list[str]:  # noqa: E743 - IPython's name
        """The lines."""
        return list(self)


def getoutput(command: str) -> Lines:
    """What a command prints, line by line; its errors, too."""
    done = _run(_expanded(command, sys._getframe(1)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return Lines(done.stdout.decode(errors="replace").splitlines())


def system(command: str) -> None:
    """Runs a command, which prints to the log. A failure does not end the script, as it does not end a cell."""
    sys.stdout.flush()
    done = _run(_expanded(command, sys._getframe(1)))
    if done.returncode:
        print(f"the command exited with code {done.returncode}", file=sys.stderr)


def _run(command: str, **streams: Any) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, shell=True, check=False, **streams)  # noqa: S602 - the author's own command
    except FileNotFoundError as error:
        raise RuntimeError(
            "the image of this step has no shell (/bin/sh): choose another base_image, or write the command in Python"
        ) from error


def _expanded(command: str, frame: Any) -> str:
    """The command with the values of `{expression}` and `$name`; what is not known stays as it is."""
    names: Mapping[str, Any] = {**frame.f_globals, **frame.f_locals}

    def value(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}", "$$"):
            return found[0][0]
        try:
            return str(eval(found[1] or found[2], dict(names)))  # noqa: S307 - the author's own expression
        except Exception:  # a variable of the shell, or its braces
            return found[0]

    return _EXPRESSION.sub(value, command)
