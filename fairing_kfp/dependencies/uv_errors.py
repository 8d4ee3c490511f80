"""Meanings of uv's errors and remedies, and its warnings."""

from __future__ import annotations

import re

from fairing_kfp.dependencies.indexes import PROJECT
from fairing_kfp.errors import DependencyError, PackageIndexError, SourceOnlyError

_MAX_LENGTH = 1500

# Patterns in uv's output, what they mean, and the remedy. The first match is used; `{0}` is its first group.
_FAILURES = (
    (
        r"No space left on device",
        "the disk is full",
        "free room for uv's cache and for fairing-kfp's, or move them with UV_CACHE_DIR and FAIRING_KFP_CACHE",
    ),
    (
        r"Hash mismatch for `([^`]+)`",
        "the package index serves a different {0} than the one that was locked",
        "find out who replaced the file before you install it",
    ),
    (
        r"The built wheel `([^`]+)` is not compatible",
        "the wheel built here is not pure Python ({0})",
        "build the wheel in an environment like the base image, and publish it to an index or put it into a folder "
        "that UV_FIND_LINKS names",
    ),
    (
        r"Failed to (?:download and )?build `([^`]+)`",
        "{0} cannot be built here",
        "install its build requirements, or build a wheel yourself and name its folder in UV_FIND_LINKS",
    ),
    (
        r"(?:Extra|Group) `([^`]+)` is not defined",
        "there is no extra or group {0}",
        "use one that the project's pyproject.toml defines",
    ),
    (
        r"references an undeclared index: `([^`]+)`",
        "the index {0} is not defined",
        "define it in [[tool.uv.index]] of the pyproject.toml that refers to it, or in UV_INDEX as NAME=URL",
    ),
    (
        r"network was disabled|network connectivity is disabled",
        "uv runs offline, and its cache lacks packages",
        "unset UV_OFFLINE (`offline` in uv.toml) and run again",
    ),
    (
        r"\b(?:401|403|407) [A-Z]",
        "the package index denies access",
        "log in with `uv auth login`, or set UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD",
    ),
    (
        r"error sending request|Failed to fetch|Could not connect|timed out",
        "the package index does not answer",
        "check the network and HTTPS_PROXY, or set another index in UV_DEFAULT_INDEX or uv.toml",
    ),
)
_UNANSWERED = ("the package index does not answer", "the package index denies access", "uv runs offline")
_NOT_OURS = re.compile(r"requires-python|VIRTUAL_ENV|requested Python version")  # warnings about how we run uv
_UNSATISFIABLE = (
    (
        r"no versions? of ((?:torch\w*|xformers)==[^\s,]*\+(cu\d+|cpu|xpu|rocm[\d.]*\d))",
        "the package index has no {0}",
        "name PyTorch's index: UV_TORCH_BACKEND={1}, or UV_INDEX=https://download.pytorch.org/whl/{1}",
    ),
    (
        r"no versions? of ([^\s,]+==[^\s,]*\+[\w.]*\w)",
        "the package index has no {0}",
        "add the index of those who build versions with a local part (+…) to UV_INDEX, or put the wheel into a folder "
        "that UV_FIND_LINKS names",
    ),
    (
        r"Because (\S+) was not found in",
        "there is no package {0}",
        "check its spelling, and that UV_INDEX or uv.toml lists the index that has it",
    ),
    (
        r"there (?:is|are) no versions? of ([^\s,]+)",
        "no version satisfies {0}",
        "require a version that exists",
    ),
    (
        r"([^\s,]+ (?:depends on|requires) Python ?\S*\d)",
        "{0}",
        "choose another version, or a base image with that Python",
    ),
    (
        r"No solution found",
        "the requirements conflict",
        "relax one of those named",
    ),
)
_NO_WHEEL_REMEDY = (
    "choose a version or a base image that has wheels, or build the wheel once yourself and name its folder in "
    "UV_FIND_LINKS"
)
_ONLY_SOURCE = ", only a source distribution"
_ONLY_SOURCE_REMEDY = (
    "choose a version or a base image that has wheels; if the package is pure Python, build the wheel here with "
    "build=True; or build it once yourself and name its folder in UV_FIND_LINKS"
)
_SUBJECT = r"([A-Za-z0-9][A-Za-z0-9._-]*)\S*"


def error_from(output: str, target: str) -> DependencyError:
    """The error for a failed run of uv: its meaning, uv's explanation, shortened, and the remedy.

    Args:
        output: what uv wrote to its standard error.
        target: the target or file that the packages are for, as shown in messages.
    """
    text = _normalized(output)
    meaning, remedy = _meaning(text)
    message = f"packages for {target}: {meaning}\n  uv: {_shortened(text)}"
    if meaning.endswith(_ONLY_SOURCE):
        return SourceOnlyError(message, remedy, names=_source_only(text))
    return (PackageIndexError if meaning.startswith(_UNANSWERED) else DependencyError)(message, remedy)


def warnings_in(output: str) -> list[str]:
    """The warnings in what uv wrote to its standard error, each as one line without credentials."""
    found = re.findall(r"^warning:(.*(?:\n[ \t]+\S.*)*)", output, re.MULTILINE)
    lines = (" ".join(redacted(one).split()) for one in found)
    return [line for line in lines if not _NOT_OURS.search(line)]


def redacted(text: str) -> str:
    """The text without the user names and passwords of its URLs."""
    return re.sub(r"://[^/\s]*@", "://***@", text)


def _normalized(output: str) -> str:
    """The error in uv's output as one line, without credentials and box drawing."""
    text = redacted(output)
    if begin := re.search(r"^\s*(?:error\b|\N{MULTIPLICATION SIGN})", text, re.MULTILINE):
        text = text[begin.start() :]  # drops warnings and progress
    text = text.replace(f"{PROJECT} depends on", "you require")
    text = re.sub(r"^\s*(?:error|cause):|[\N{MULTIPLICATION SIGN}│╰─▶]", " ", text, flags=re.MULTILINE)
    return " ".join(text.split())


def _shortened(text: str) -> str:
    text = re.sub(r"No solution found when resolving dependencies:?\s*", "", text)
    text = text.replace(", we can conclude that your requirements are unsatisfiable", "")
    # Our remedies cover these hints.
    text = re.sub(r"\s*hint: Wheels are required for .*?`--(?:no-build|only-binary)[^`]*`\)", "", text)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]} …"


def _meaning(text: str) -> tuple[str, str]:
    for pattern, meaning, remedy in _FAILURES:
        if found := re.search(pattern, text):
            return meaning.format(*found.groups()), remedy
    if names := _without_wheel(text):
        has = " and ".join(names) + (" has" if len(names) == 1 else " have")
        if _source_only(text):
            return f"{has} no wheel for it{_ONLY_SOURCE}", _ONLY_SOURCE_REMEDY
        return f"{has} no wheel for it", _NO_WHEEL_REMEDY
    for pattern, meaning, remedy in _UNSATISFIABLE:
        if found := re.search(pattern, text):
            return meaning.format(*found.groups()), remedy.format(*found.groups())
    return "uv failed", "run again with RUST_LOG=uv=debug for details"


def _source_only(text: str) -> list[str]:
    """The packages of `_without_wheel` that have a source distribution."""
    return [name for name in _without_wheel(text) if f"Wheels are required for `{name}`" in text]


def _without_wheel(text: str) -> list[str]:
    """The packages that fail for lack of a wheel, except those whose other versions have one but conflict."""
    missing = re.findall(rf"{_SUBJECT} (?:has|have) no (?:usable wheels|wheels with)", text)
    usable = re.findall(rf"{_SUBJECT} depends? on (?!Python)", text)
    return sorted(set(missing) - set(usable))
