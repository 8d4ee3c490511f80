"""Requirements of a component: packages by name (PEP 508), the result of reading any format of `packages=`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, canonicalize_version

from fairing_kfp.dependencies.indexes import IndexSource
from fairing_kfp.dependencies.local_wheel import LocalWheel, local_wheel
from fairing_kfp.dependencies.uv_errors import redacted
from fairing_kfp.errors import DependencyError
from fairing_kfp.frozen import dataclass

CONSTRAINT = "-c "
"""Prefix of constraints, as in requirements files."""

_BUILD_WHEEL = "build a wheel, put it on an index or into a folder that UV_FIND_LINKS names, and require it by name"

# What people write instead of a name. The first match is used.
_UNSUPPORTED = (
    (
        r"^(?:-e|--editable)\b",
        "an editable installation",
        "own code is shipped with the step: import it, or list it in modules=[...]",
    ),
    (r"^-", "an installer option", "set it for uv, in a UV_ variable or uv.toml"),
    (r"\b(?:git|hg|svn|bzr)\+", "a version control URL", _BUILD_WHEEL),
    (r"\b(?:https?|ftp)://", "a direct URL", _BUILD_WHEEL),
    (r"\bfile:|(?:^|@\s*)[./~]|[\\/]|\.(?:whl|zip|gz)$", "a local path", _BUILD_WHEEL),
)


@dataclass(frozen=True)
class Requirements:
    """Requirements in normalized spelling, sorted.

    Attributes:
        lines: the packages to install.
        provided: packages in the base image; resolved together with the others, but not installed.
        constraints: limits on the versions of any package.
        hashes: the allowed files, by `name==version`. If there are any, they cover every installed package.
        build: whether pure Python wheels may be built here from source distributions.
        sources: the indexes of packages that a project takes from a named index.
        wheels: local files of packages, which are also among the lines.
    """

    lines: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    hashes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    build: bool = False
    sources: tuple[IndexSource, ...] = ()
    wheels: tuple[LocalWheel, ...] = ()

    @property
    def lock_lines(self) -> tuple[str, ...]:
        """Everything that decides the versions, as an entry of the lock file lists it."""
        constraints = (f"{CONSTRAINT}{line}" for line in self.constraints)
        return (*self.lines, *constraints, *map(str, self.sources), *map(str, self.wheels))

    @classmethod
    def parse(
        cls,
        lines: Iterable[str],
        provided: Iterable[str] = (),
        constraints: Iterable[str] = (),
        hashes: Mapping[str, Iterable[str]] | None = None,
        build: bool = False,
        sources: Iterable[IndexSource] = (),
        folder: Path | None = None,
    ) -> Requirements:
        """Parses requirements in any spelling and order.

        Args:
            lines: the packages to install.
            provided: packages in the base image.
            constraints: limits on the versions of any package.
            hashes: the allowed files, by `name==version`.
            build: whether pure Python wheels may be built here.
            sources: the indexes of packages that a project takes from a named index.
            folder: the folder that paths of wheels start from; None if there must be none.

        Raises:
            DependencyError: a requirement is malformed, or is not a package by name.
        """
        if isinstance(lines, str):  # its letters would be taken for packages
            raise DependencyError(f"packages is the string {lines!r}", f"give a list: packages=[{lines!r}]")
        wheels: list[LocalWheel] = []
        if folder is not None:
            read = {line: local_wheel(line, folder) for line in lines}
            wheels = [wheel for wheel in read.values() if wheel]
            lines = [wheel.line if wheel else line for line, wheel in read.items()]
        return cls(
            normalized(lines),
            normalized(provided),
            normalized(constraints),
            {pin: tuple(sorted(given)) for pin, given in sorted((hashes or {}).items())},
            build,
            tuple(sources),
            tuple(sorted(wheels, key=str)),
        )


def normalized(lines: Iterable[str]) -> tuple[str, ...]:
    """Distinct requirements in normalized spelling, sorted.

    Raises:
        DependencyError: a requirement is malformed, or is not a package by name.
    """
    return tuple(sorted({normalized_requirement(line) for line in lines}))


def normalized_requirement(text: str) -> str:
    """A requirement in normalized spelling.

    Raises:
        DependencyError: the requirement is malformed, or is not a package by name.
    """
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise _error(text, str(error).partition("\n")[0]) from error
    if requirement.url or requirement.name.endswith((".whl", ".tar.gz")):  # these are valid names
        raise _error(text, "it is an address")
    requirement.name = canonicalize_name(requirement.name)
    return str(requirement)


def exact_pin(text: str) -> str:
    """A requirement of one exact version as `name==version`, without its marker; empty for any other."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return ""
    exact = re.fullmatch(r"===?([^*,]+)", str(requirement.specifier))
    return f"{canonicalize_name(requirement.name)}=={canonicalize_version(exact.group(1))}" if exact else ""


def _error(text: str, reason: str) -> DependencyError:
    """The error for a requirement that a lock cannot pin to a version and hashes."""
    shown = repr(redacted(text))
    for pattern, kind, remedy in _UNSUPPORTED:
        if re.search(pattern, text.strip()):
            return DependencyError(f"the package {shown} is {kind}, which cannot be locked", remedy)
    return DependencyError(
        f"the package {shown} is not a valid requirement: {redacted(reason)}",
        "write it as scikit-learn==1.7.* or torch>=2; python_version<'3.13'",
    )
