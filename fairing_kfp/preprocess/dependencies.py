"""The packages of a step, resolved for its image into a lock."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess import uv_command
from fairing_kfp.preprocess.lock import Lock, Target
from fairing_kfp.preprocess.trees import unpack

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache

__all__ = ["Lock", "Target", "checked", "resolve", "unpack"]

_RECORD = "lock"
_FORM = "pylock.toml"
# PEP 751's form, as it tells which hashes are those of wheels that fit: a release of numpy has 70 more.
_COMPILE = ("-", "--generate-hashes", "--only-binary", ":all:", "--no-annotate", "--no-header", "--format", _FORM)

_BY_WHEEL = "build a wheel of it, put it on an index or into a folder named in UV_FIND_LINKS, and ask for it by name"
# What people write instead of a requirement by name. The first that is found counts.
_OTHER_FORMS = (
    (
        r"^(?:-e|--editable)\b",
        "an editable installation",
        "own code travels with the step: import it, or name it in modules=[...]",
    ),
    (r"^-", "an option of an installer", "set it for uv, in a UV_ variable or uv.toml"),
    (r"\b(?:git|hg|svn|bzr)\+", "a version control address", _BY_WHEEL),
    (r"\b(?:https?|ftp)://", "a direct address", _BY_WHEEL),
    (r"\bfile:|(?:^|@\s*)[./~]|[\\/]|\.(?:whl|zip|gz)$", "a local path", _BY_WHEEL),
)


def resolve(
    requirements: Sequence[str],
    target: Target,
    cache: Cache,
    preferred: Mapping[str, str] | None = None,
    *,
    fresh: bool = False,
) -> Lock:
    """Chooses the newest wheels that fit, once: afterwards the cache gives the same lock without asking an index.

    The user's settings of uv apply (indexes, credentials, constraints) and do not show in the lock.

    Args:
        requirements: PEP 508 requirements.
        target: what the wheels must fit.
        cache: remembers the lock.
        preferred: versions to be chosen instead of the newest wherever they satisfy the requirements and fit, by the
            canonical names of distributions.
        fresh: whether the index is asked even so.

    Raises:
        DependencyError: a requirement is malformed or not one of a package by name, nothing satisfies all of them, a
            package has no fitting wheel, or the index does not answer.
        CacheError: the cache cannot be used.
    """
    wanted = checked(requirements)
    if not wanted:
        return Lock(target, "")
    key = json.dumps([wanted, asdict(target), preferred or {}], sort_keys=True)
    known = None if fresh else cache.record(_RECORD, key)
    if known is None:
        known = {"text": Lock.of_pylock(target, _resolved(wanted, target, preferred or {})).text}
        cache.put_record(_RECORD, key, known)
    return Lock(target, known["text"])


def checked(requirements: Sequence[str]) -> tuple[str, ...]:
    """The requirements in one order and spelling.

    Raises:
        DependencyError: one is malformed, or not one of a package by name.
    """
    if isinstance(requirements, str):  # else its letters would be looked up as packages
        raise DependencyError(f"packages is the text {requirements!r}", f"make it a list: packages=[{requirements!r}]")
    return tuple(sorted({_checked(requirement) for requirement in requirements}))


def _resolved(wanted: Sequence[str], target: Target, preferred: Mapping[str, str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, _FORM)
        if preferred:  # uv keeps the versions of the file that it is to write, where it can
            packages = (f'[[packages]]\nname = "{name}"\nversion = "{preferred[name]}"\n' for name in sorted(preferred))
            path.write_text(
                "\n".join(['lock-version = "1.0"\ncreated-by = "fairing-kfp"\n', *packages]), encoding="utf-8"
            )
        options = (*_COMPILE, *target.uv_options, "-o", str(path), "--quiet")
        uv_command.run("compile", options, "\n".join(wanted), str(target))
        return path.read_text(encoding="utf-8")


def _checked(text: str) -> str:
    """The requirement in one spelling."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise _refused(text, str(error).partition("\n")[0]) from error
    if requirement.url or requirement.name.endswith((".whl", ".tar.gz")):  # which could be names
        raise _refused(text, "it is an address")
    requirement.name = canonicalize_name(requirement.name)
    return str(requirement)


def _refused(text: str, reason: str) -> DependencyError:
    """The error for what is not a requirement by name, which a lock could not pin to a version and hashes."""
    shown = repr(uv_command.redacted(text))
    for expression, kind, remedy in _OTHER_FORMS:
        if re.search(expression, text.strip()):
            return DependencyError(f"the package {shown} is {kind}, which cannot be locked", remedy)
    return DependencyError(
        f"the package {shown} is not a requirement: {uv_command.redacted(reason)}",
        "write it as scikit-learn==1.7.* or as torch>=2; python_version<'3.13'",
    )
