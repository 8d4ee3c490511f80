"""Checks of this machine: Python, kfp and the cache."""

from __future__ import annotations

import platform
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from fairing_kfp.doctor.check import Setup
from fairing_kfp.errors import UnavailableError

_NAME = "fairing-kfp"


def python(setup: Setup) -> str:
    """The version of Python, if it is supported."""
    found, supported = platform.python_version(), SpecifierSet(metadata.metadata(_NAME)["Requires-Python"] or "")
    if not supported.contains(found, prereleases=True):
        raise UnavailableError(
            f"Python {found} is not supported, but {supported}", f"use an environment with Python {supported}"
        )
    return found


def kfp(setup: Setup) -> str:
    """The version of the kfp SDK, if it is supported."""
    needed = [Requirement(line) for line in metadata.requires(_NAME) or ()]
    supported = next((one.specifier for one in needed if one.name == "kfp"), SpecifierSet())
    remedy = f"pip install 'kfp{supported}'"
    try:
        found = metadata.version("kfp")
    except metadata.PackageNotFoundError as error:
        raise UnavailableError("kfp is not installed", remedy) from error
    if not supported.contains(found, prereleases=True):
        raise UnavailableError(f"kfp {found} is not supported, but {supported}", remedy)
    return found


def cache(setup: Setup) -> str:
    """The folder of the cache, if a file can be written to it and nobody else can change it."""
    with setup.cache.writing() as pending:
        pending.file.write(b"doctor")
    return str(setup.cache.root)
