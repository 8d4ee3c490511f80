"""Steps that fail, each in a way of its own; `how` chooses."""

import os
import signal
import sys
from pathlib import Path

from kfp import dsl

from fairing_kfp import fairing_component


@fairing_component
def fail(how: str) -> str:
    print("before the failure")
    if how == "raise":
        raise ValueError("as it was told")
    if how == "exit":
        sys.exit(7)
    if how == "leave":
        os._exit(0)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "undeclared":
        import pytest  # noqa: F401 - it is in the author's environment, not in the step's
    return how


@fairing_component
def whoami(made: dsl.Output[dsl.Artifact]) -> list:
    Path(made.path).write_text("made")
    return [os.getuid(), os.environ["HOME"], sorted(name for name in os.environ if "KFP" in name), str(Path.cwd())]


@dsl.pipeline(name="failing")
def failing(how: str = "raise"):
    fail(how=how)


@dsl.pipeline(name="owner")
def owner() -> list:
    return whoami().outputs["Output"]


@fairing_component(secrets={"LOGIN_WORD": "login/word"})
def login() -> int:
    return len(os.environ["LOGIN_WORD"])


@dsl.pipeline(name="login")
def logs_in() -> int:
    return login().output


@fairing_component(files={"shared.py": "/etc/lab/", "failing.py": "/srv/lab/program.txt"})
def look() -> list:
    return sorted([*map(str, Path("/etc/lab").iterdir()), Path("/srv/lab/program.txt").read_text().partition("\n")[0]])


@dsl.pipeline(name="look")
def looks() -> list:
    return look().output
