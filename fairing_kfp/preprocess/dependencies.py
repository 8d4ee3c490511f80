"""The packages of a step: resolved for its image into a lock, and the locked wheels unpacked into a folder."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess import uv_command, wheels
from fairing_kfp.preprocess.bytecode import compile_tree
from fairing_kfp.preprocess.lock import Lock, Target
from fairing_kfp.preprocess.places import DEPENDENCIES

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache

__all__ = ["Lock", "Target", "resolve", "unpack"]

_RECORD = "lock"
_WHEELS_ONLY = ("--only-binary", ":all:")
# Copies, as links would have us write into uv's own cache.
_INSTALL = ("-r", "-", "--no-deps", "--require-hashes", *_WHEELS_ONLY, "--link-mode", "copy", "--no-compile-bytecode")
_COMPILE = ("-", "--generate-hashes", *_WHEELS_ONLY, "--no-annotate", "--no-header")

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


def resolve(requirements: Sequence[str], target: Target, cache: Cache) -> Lock:
    """Chooses the newest wheels that fit, once: afterwards the cache gives the same lock without asking an index.

    The user's settings of uv apply (indexes, credentials, constraints) and do not show in the lock.

    Args:
        requirements: PEP 508 requirements.
        target: what the wheels must fit.
        cache: remembers the lock.

    Raises:
        DependencyError: a requirement is malformed or not one of a package by name, nothing satisfies all of them, a
            package has no fitting wheel, or the index does not answer.
        CacheError: the cache cannot be used.
    """
    if isinstance(requirements, str):  # else its letters would be looked up as packages
        raise DependencyError(f"packages is the text {requirements!r}", f"make it a list: packages=[{requirements!r}]")
    wanted = sorted({_checked(requirement) for requirement in requirements})
    if not wanted:
        return Lock(target, "")
    key = json.dumps([wanted, asdict(target)], sort_keys=True)
    known = cache.record(_RECORD, key)
    if known is None:
        resolved = uv_command.run("compile", (*_COMPILE, *target.uv_options), "\n".join(wanted), str(target))
        known = {"text": Lock.of_requirements_file(target, resolved).text}
        cache.put_record(_RECORD, key, known)
    return Lock(target, known["text"])


def unpack(lock: Lock, cache: Cache) -> Path:
    """The folder of the locked wheels, made once; it works as a site directory (`site.addsitedir`).

    It is the same, byte for byte, whoever made it and where, and must not be changed: a Python that runs on it must
    keep its byte code elsewhere.

    Raises:
        DependencyError: wheels cannot be fetched, differ from the lock, or find no room on the disk.
        CacheError: the cache cannot be written.
    """
    return cache.folder("trees", lock.digest.removeprefix("sha256:"), lambda scratch: _built(lock, scratch))


def _built(lock: Lock, folder: Path) -> Path:
    tree = folder / "tree"
    _install(lock, tree)
    replaced = set()
    for name, paths in wheels.astray(tree).items():
        _install(lock.only(name), folder / name, "--no-cache")
        for path in paths:
            if (folder / name / path).exists():  # else its record lies, which older uv hands on
                shutil.copy2(folder / name / path, tree / path)
                replaced.add(path)
    wheels.normalise(tree, replaced)
    if lock.target.is_compiled_here:
        compile_tree(tree, DEPENDENCIES)
    return tree


def _install(lock: Lock, folder: Path, *options: str) -> None:
    folder.mkdir()
    if lock.text:
        options = (*_INSTALL, *options, "--target", str(folder), *lock.target.uv_options)
        uv_command.run("install", options, lock.text, str(lock.target))


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
