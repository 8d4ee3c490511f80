"""One requirement by name, as every form of `packages=` comes down to."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, canonicalize_version

from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess.uv_command import redacted

BY_WHEEL = "build a wheel of it, put it on an index or into a folder named in UV_FIND_LINKS, and ask for it by name"

# What people write instead of a requirement by name. The first that is found counts.
_OTHER_FORMS = (
    (
        r"^(?:-e|--editable)\b",
        "an editable installation",
        "own code travels with the step: import it, or name it in modules=[...]",
    ),
    (r"^-", "an option of an installer", "set it for uv, in a UV_ variable or uv.toml"),
    (r"\b(?:git|hg|svn|bzr)\+", "a version control address", BY_WHEEL),
    (r"\b(?:https?|ftp)://", "a direct address", BY_WHEEL),
    (r"\bfile:|(?:^|@\s*)[./~]|[\\/]|\.(?:whl|zip|gz)$", "a local path", BY_WHEEL),
)


def checked(text: str) -> str:
    """The requirement in one spelling.

    Raises:
        DependencyError: it is malformed, or not one of a package by name.
    """
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise _refused(text, str(error).partition("\n")[0]) from error
    if requirement.url or requirement.name.endswith((".whl", ".tar.gz")):  # which could be names
        raise _refused(text, "it is an address")
    requirement.name = canonicalize_name(requirement.name)
    return str(requirement)


def pin_of(text: str) -> str:
    """`name==version` of an exact requirement in one spelling, whatever its markers; else nothing."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return ""
    exact = re.fullmatch(r"===?([^*,]+)", str(requirement.specifier))
    return f"{canonicalize_name(requirement.name)}=={canonicalize_version(exact.group(1))}" if exact else ""


def _refused(text: str, reason: str) -> DependencyError:
    """The error for what is not a requirement by name, which a lock could not pin to a version and hashes."""
    shown = repr(redacted(text))
    for expression, kind, remedy in _OTHER_FORMS:
        if re.search(expression, text.strip()):
            return DependencyError(f"the package {shown} is {kind}, which cannot be locked", remedy)
    return DependencyError(
        f"the package {shown} is not a requirement: {redacted(reason)}",
        "write it as scikit-learn==1.7.* or as torch>=2; python_version<'3.13'",
    )
