"""Running uv, and saying in a few words why it failed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence

import uv

from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess.indexes import PROJECT

_LONGEST = 1500
# What a build may write into a wheel does not depend on the day and the run (https://reproducible-builds.org/specs/).
_BUILD_ENVIRONMENT = {"SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0"}
_QUIETLY = ("--no-progress", "--color", "never", "--no-python-downloads")

# uv's words, what they mean, and the remedy. The first that is found counts; `{0}` is what its first group caught.
_TROUBLE = (
    (
        r"No space left on device",
        "the disk is full",
        "free room for uv's cache and for fairing-kfp's, or move them with UV_CACHE_DIR and FAIRING_KFP_CACHE",
    ),
    (
        r"Hash mismatch for `([^`]+)`",
        "the package index gives another {0} than the one that was locked",
        "find out who replaced it before you use it",
    ),
    (
        r"The built wheel `([^`]+)` is not compatible",
        "what was built is no pure wheel ({0})",
        "a wheel with compiled code is built in an environment like the base image: build it there, put it on an index "
        "or into a folder named in UV_FIND_LINKS",
    ),
    (
        r"Failed to (?:download and )?build `([^`]+)`",
        "{0} cannot be built here",
        "install what its build needs, or build a wheel of it yourself and name its folder in UV_FIND_LINKS",
    ),
    (
        r"(?:Extra|Group) `([^`]+)` is not defined",
        "there is no extra or group {0}",
        "name one that the project's pyproject.toml defines",
    ),
    (
        r"references an undeclared index: `([^`]+)`",
        "the index {0} is not defined",
        "define it in [[tool.uv.index]] of the pyproject.toml that names it, or in UV_INDEX as NAME=ADDRESS",
    ),
    (
        r"network was disabled|network connectivity is disabled",
        "uv is told to stay offline, and its cache does not hold all that is needed",
        "unset UV_OFFLINE (`offline` in uv.toml) and run again",
    ),
    (
        r"\b(?:401|403|407) [A-Z]",
        "the package index refuses access",
        "log in with `uv auth login`, or set UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD",
    ),
    (
        r"error sending request|Failed to fetch|Could not connect|timed out",
        "the package index does not answer",
        "check the network and HTTPS_PROXY, or name another index in UV_DEFAULT_INDEX or uv.toml",
    ),
)
_UNSATISFIABLE = (
    (
        r"Because (\S+) was not found in",
        "there is no package {0}",
        "check its spelling, and that UV_INDEX or uv.toml names the index that has it",
    ),
    (
        r"there (?:is|are) no versions? of ([^\s,]+)",
        "there is no {0}",
        "ask for a version that exists",
    ),
    (
        r"([^\s,]+ (?:depends on|requires) Python ?\S*\d)",
        "{0}",
        "choose another version of it, or a base image with that Python",
    ),
    (
        r"No solution found",
        "the requirements contradict each other",
        "loosen one of those named",
    ),
)
_NO_WHEEL_REMEDY = (
    "choose a version or a base image for which there are wheels, "
    "or build the wheel once yourself and name its folder in UV_FIND_LINKS"
)
_ONLY_SOURCE = ", only a source distribution"
_ONLY_SOURCE_REMEDY = (
    "choose a version or a base image for which there are wheels; or, if it is pure Python, have one built here with "
    "build=True; or build the wheel once yourself and name its folder in UV_FIND_LINKS"
)
_SUBJECT = r"([A-Za-z0-9][A-Za-z0-9._-]*)\S*"


class OnlySourceError(DependencyError):
    """Packages have source distributions alone, and wheels were asked for; `names` are theirs."""

    def __init__(self, message: str, remedy: str, *, names: Sequence[str]) -> None:
        super().__init__(message, remedy)
        self.names = tuple(names)


def run(command: str, arguments: Sequence[str], requirements: str, fits: str, **variables: str) -> str:
    """Runs `uv pip COMMAND` with the user's own settings, and gives what it writes.

    Args:
        command: `compile` or `install`.
        arguments: of that command, which reads the requirements as `-`.
        requirements: the content of a requirements file.
        fits: what the wheels must fit, in words, for messages.
        variables: of its environment, instead of the user's.

    Raises:
        DependencyError: uv is not there, or failed.
    """
    return start(("pip", command, *arguments), requirements, fits, **variables)


def start(arguments: Sequence[str], text: str, fits: str, **variables: str) -> str:
    """Runs uv with the user's own settings, and gives what it writes.

    Args:
        arguments: its command line.
        text: what it reads.
        fits: what the packages are for, in words, for messages.
        variables: of its environment, instead of the user's.

    Raises:
        DependencyError: uv is not there, or failed.
    """
    # The one setting that uv takes for a contradiction of an option of ours, instead of a default.
    environment = {name: value for name, value in os.environ.items() if name != "UV_COMPILE_BYTECODE"}
    environment.update(_BUILD_ENVIRONMENT, **variables)
    try:
        finished = subprocess.run(
            [uv.find_uv_bin(), *arguments, *_QUIETLY],
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
        )
    except OSError as error:  # find_uv_bin raises one, too
        reason = str(error).partition("\n")[0]
        raise DependencyError(f"uv cannot be started: {reason}", "install it here: pip install uv") from error
    if finished.returncode:
        raise explain(finished.stderr, fits)
    return finished.stdout


def explain(words: str, fits: str) -> DependencyError:
    """The error for what uv wrote: its meaning, uv's own explanation in short, and the remedy."""
    said = _said(words)
    meaning, remedy = _meaning(said)
    message = f"packages for {fits}: {meaning}\n  uv: {_condensed(said)}"
    if meaning.endswith(_ONLY_SOURCE):
        return OnlySourceError(message, remedy, names=_only_source(said))
    return DependencyError(message, remedy)


def redacted(words: str) -> str:
    """The same without the user names and passwords of addresses."""
    return re.sub(r"://[^/\s]*@", "://***@", words)


def _said(words: str) -> str:
    """What uv wrote from its error on, as one line, without credentials and frames."""
    words = redacted(words)
    if begin := re.search(r"^\s*(?:error\b|\N{MULTIPLICATION SIGN})", words, re.MULTILINE):
        words = words[begin.start() :]  # what came before are warnings and progress
    words = words.replace(f"{PROJECT} depends on", "you require")
    words = re.sub(r"^\s*(?:error|cause):|[\N{MULTIPLICATION SIGN}│╰─▶]", " ", words, flags=re.MULTILINE)
    return " ".join(words.split())


def _condensed(said: str) -> str:
    said = re.sub(r"No solution found when resolving dependencies:?\s*", "", said)
    said = said.replace(", we can conclude that your requirements are unsatisfiable", "")
    # The remedies say better what can be done about these.
    said = re.sub(r"\s*hint: Wheels are required for .*?`--(?:no-build|only-binary)[^`]*`\)", "", said)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]} …"


def _meaning(said: str) -> tuple[str, str]:
    for expression, meaning, remedy in _TROUBLE:
        if found := re.search(expression, said):
            return meaning.format(*found.groups()), remedy
    if names := _without_wheel(said):
        has = " and ".join(names) + (" has" if len(names) == 1 else " have")
        if _only_source(said):
            return f"{has} no wheel for it{_ONLY_SOURCE}", _ONLY_SOURCE_REMEDY
        return f"{has} no wheel for it", _NO_WHEEL_REMEDY
    for expression, meaning, remedy in _UNSATISFIABLE:
        if found := re.search(expression, said):
            return meaning.format(*found.groups()), remedy
    return "uv failed", "run again with RUST_LOG=uv=debug to see more"


def _only_source(said: str) -> list[str]:
    """The packages of `_without_wheel` that could be built."""
    return [name for name in _without_wheel(said) if f"Wheels are required for `{name}`" in said]


def _without_wheel(said: str) -> list[str]:
    """The packages that fail for want of a wheel: not those of which another version would fit but contradicts."""
    missing = re.findall(rf"{_SUBJECT} (?:has|have) no (?:usable wheels|wheels with)", said)
    usable = re.findall(rf"{_SUBJECT} depends? on (?!Python)", said)
    return sorted(set(missing) - set(usable))
