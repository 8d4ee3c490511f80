"""The formats of `packages=`, and reading the requirements of a component in any of them."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from fairing_kfp.dependencies.package_format import PackageFormat, PackageOptions, Packages
from fairing_kfp.dependencies.requirements import Requirements, normalized
from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.bundle import Bundle

_MODULES = (
    "requirement_list",
    "environment",
    "requirements_file",
    "project",
    "uv_lock",
)
"""The modules of this package that define a format, as `FORMAT`. The first format that matches is used."""


@functools.cache
def formats() -> tuple[PackageFormat, ...]:
    """All formats, in the order in which they are tried."""
    return tuple(import_module(f"{__package__}.{module}").FORMAT for module in _MODULES)


def find_format(name: str, packages: Packages, extras: Sequence[str], groups: Sequence[str]) -> PackageFormat:
    """Finds the format of `packages=`.

    Args:
        name: the component's name, for messages.
        packages: the value.
        extras: optional dependencies, which only projects have.
        groups: dependency groups, which only projects have.

    Raises:
        ComponentError: the value has an unknown format, a list contains a file or keyword, or extras or groups are
            given without a project.
    """
    found = next((one for one in formats() if one.matches(packages)), None)
    if found is None:
        raise ComponentError(
            f"{name}: packages={packages!r} has an unknown format",
            f"use one of {', '.join(one.example for one in formats())}; a path is relative to the component's file",
        )
    if not isinstance(packages, str):
        _check_items(name, packages)
    if (extras or groups) and not found.has_extras:
        projects = [f"packages={one.example}" for one in formats() if one.has_extras]
        raise ComponentError(
            f"{name}: {'extras' if extras else 'groups'}= requires a project, and packages={packages!r} names none",
            f"give {' or '.join(projects)}",
        )
    return found


def read_requirements(
    packages: Packages,
    bundle: Bundle,
    folder: Path,
    *,
    provided: Sequence[str] = (),
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    build: bool = False,
) -> Requirements:
    """Reads the requirements of a component.

    Args:
        packages: the value of `packages=`, in any format.
        bundle: the component's code.
        folder: the folder that relative paths start from.
        provided: requirements that the base image satisfies.
        extras: optional dependencies of the project to include.
        groups: dependency groups of the project to include (PEP 735).
        build: whether pure Python wheels may be built here.

    Raises:
        ComponentError: the value has an unknown format.
        DependencyError: a file is missing or malformed, or a requirement is malformed.
    """
    found = find_format(bundle.name, packages, extras, groups)
    requirements = found.read(PackageOptions(packages, bundle, folder, extras, groups))
    return replace(requirements, provided=normalized(provided), build=build)


def _check_items(name: str, packages: Sequence[str]) -> None:
    """Refuses lists that contain what is a value of its own, such as the name of a requirements file."""
    for item in packages:
        value = re.sub(r"^(?:-r|--requirement)[\s=]*", "", item.strip()).strip("\"'")
        if any(one.matches(value) for one in formats()):
            others = [one for one in packages if one is not item]
            also = f", and put {others[0]} into a requirements file, too" if others else ""
            raise ComponentError(
                f"{name}: packages={list(packages)!r} is a list of requirements, and {item!r} is none",
                f'give it without brackets: packages="{value}"{also}',
            )
