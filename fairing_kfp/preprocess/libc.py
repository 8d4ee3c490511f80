"""The C library that wheels ask for, as in their platform tags (PEP 600, PEP 656)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from fairing_kfp.errors import ConfigError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.places import CODE

DEFAULT = "manylinux_2_28"
# What uv can resolve for, and how it calls it.
_MUSL = "musllinux_1_2"
_KNOWN = ("manylinux_2_17", "manylinux_2_28", *(f"manylinux_2_{minor}" for minor in range(31, 41)), _MUSL)
_OLD_NAMES = {"manylinux1": "manylinux_2_5", "manylinux2010": "manylinux_2_12", "manylinux2014": "manylinux_2_17"}
_TAG = re.compile(r"((?:many|musl)linux)_(\d+)_(\d+)_\w+")


def checked(name: str) -> str:
    """The C library in its newer spelling: `manylinux_2_17` of `manylinux2014`.

    Raises:
        ConfigError: wheels cannot be chosen for it.
    """
    known = _OLD_NAMES.get(name, name)
    if known not in _KNOWN:
        raise ConfigError(
            f"libc={name!r} is none that wheels can be chosen for",
            f"use one of {', '.join(_KNOWN[:2])} (the default), {', '.join(_KNOWN[2:-1])}, or {_MUSL} for Alpine",
        )
    return known


def uv_platform(machine: str, libc: str) -> str:
    """What uv calls a processor with a C library."""
    return f"{machine}-unknown-linux-musl" if libc == _MUSL else f"{machine}-{libc}"


def needed(trees: Iterable[Path]) -> str:
    """The oldest C library with which all wheels in unpacked trees work; empty where they are pure."""
    found: dict[str, tuple[int, int]] = {}
    for tree in trees:
        for file in tree.glob("*.dist-info/WHEEL"):
            tags = [_tag(line) for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("Tag:")]
            if None in tags or not tags:
                continue
            family, version = min(tag for tag in tags if tag)
            found[family] = max(version, found.get(family, version))
    family = min(found, default="")  # an image has one C library
    return "_".join([family, *map(str, found[family])]) if found else ""


def files(names: Iterable[str]) -> tuple[File, ...]:
    """What tells a step the newest of the C libraries that its packages need; nothing where they are pure."""
    newest = max(filter(None, names), key=lambda name: [int(part) for part in name.split("_")[1:]], default="")
    return (File(f"{CODE}/libc", newest.encode()),) if newest else ()


def _tag(line: str) -> tuple[str, tuple[int, int]] | None:
    """A tag's kind of C library and its version; None for a wheel that asks for none."""
    platforms = line.rpartition("-")[2]
    for old, new in _OLD_NAMES.items():
        platforms = platforms.replace(f"{old}_", f"{new}_")
    match = _TAG.match(platforms)
    return (match.group(1), (int(match.group(2)), int(match.group(3)))) if match else None
