"""Target of wheels: Python version, platform, and C library as in platform tags (PEP 600, PEP 656)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from packaging.tags import sys_tags

from fairing_kfp.errors import ConfigError, DependencyError
from fairing_kfp.frozen import dataclass
from fairing_kfp.image.layer import File
from fairing_kfp.image.platform import Platform
from fairing_kfp.preprocess.image_paths import CODE

_HOST = "host"
_MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}

DEFAULT_LIBC = "manylinux_2_28"
"""The newest C library that wheels may require by default: glibc 2.28."""

# The C libraries that uv can resolve for.
_MUSL = "musllinux_1_2"
_KNOWN = ("manylinux_2_17", "manylinux_2_28", *(f"manylinux_2_{minor}" for minor in range(31, 41)), _MUSL)
_OLD_NAMES = {"manylinux1": "manylinux_2_5", "manylinux2010": "manylinux_2_12", "manylinux2014": "manylinux_2_17"}
_TAG = re.compile(r"((?:many|musl)linux)_(\d+)_(\d+)_\w+")


@dataclass(frozen=True)
class Target:
    """The environment that wheels must be compatible with.

    Attributes:
        python: the major and minor version.
        platform: the image's platform, such as `linux/amd64`; or `host`, this interpreter and machine.
        libc: the newest C library that wheels may require, as in wheel names; for `host`, this interpreter's best tag.
    """

    python: tuple[int, int]
    platform: str = "linux/amd64"
    libc: str = DEFAULT_LIBC

    @classmethod
    def for_image(cls, python: tuple[int, int], platform: str = "linux/amd64", libc_name: str | None = None) -> Target:
        """The target of an image.

        Args:
            python: its Python's major and minor version.
            platform: its platform.
            libc_name: the newest C library that wheels may require; None for the default.

        Raises:
            PlatformError: the platform is malformed.
            DependencyError: wheels cannot be resolved for the platform.
            ConfigError: wheels cannot be resolved for the C library.
        """
        name = str(Platform.parse(platform))
        if name not in _MACHINES:
            raise DependencyError(
                f"packages cannot be locked for the platform {name}",
                f"use one of {', '.join(_MACHINES)}, or a base image that contains the packages",
            )
        return cls(python, name, checked_libc(libc_name or DEFAULT_LIBC))

    @classmethod
    def for_host(cls) -> Target:
        """The target of a run in this interpreter."""
        # The plain linux tag comes first, and does not name a C library.
        return cls(sys.version_info[:2], _HOST, next(str(tag) for tag in sys_tags() if "-linux_" not in str(tag)))

    @property
    def is_compiled_here(self) -> bool:
        """Whether byte code is compiled into its trees: for images with this Python's minor version."""
        return self.platform != _HOST and self.python == sys.version_info[:2]

    def __str__(self) -> str:
        """The target as shown in messages: `Python 3.12 on linux/amd64 (manylinux_2_28)`."""
        machine = "this machine" if self.platform == _HOST else self.platform
        return f"Python {self._version} on {machine} ({self.libc})"

    @property
    def environment(self) -> dict[str, str]:
        """The variables of environment markers (PEP 508); empty for `host`."""
        if self.platform == _HOST:
            return {}
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": _MACHINES[self.platform],
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self._version}.0",
            "python_version": self._version,
            "sys_platform": "linux",
        }

    @property
    def uv_options(self) -> tuple[str, ...]:
        """The options of uv for this target. They always name the interpreter, so that uv does not search for one."""
        here = ("--python", sys.executable)
        if self.platform == _HOST:
            return here
        machine = _uv_platform(_MACHINES[self.platform], self.libc)
        return (*here, "--python-version", self._version, "--python-platform", machine)

    @property
    def is_host(self) -> bool:
        """Whether it is this interpreter."""
        return self.platform == _HOST

    @property
    def _version(self) -> str:
        return ".".join(map(str, self.python))


def checked_libc(name: str) -> str:
    """The name of a C library in its newer form: `manylinux_2_17` for `manylinux2014`.

    Raises:
        ConfigError: wheels cannot be resolved for it.
    """
    known = _OLD_NAMES.get(name, name)
    if known not in _KNOWN:
        raise ConfigError(
            f"libc={name!r} is not a C library that wheels can be resolved for",
            f"use one of {', '.join(_KNOWN[:2])} (the default), {', '.join(_KNOWN[2:-1])}, or {_MUSL} for Alpine",
        )
    return known


def _uv_platform(machine: str, libc: str) -> str:
    """The name of a machine and C library in `--python-platform`."""
    return f"{machine}-unknown-linux-musl" if libc == _MUSL else f"{machine}-{libc}"


def minimum_libc(trees: Iterable[Path]) -> str:
    """The oldest C library that all wheels in unpacked trees support; empty if they are pure Python."""
    found: dict[str, tuple[int, int]] = {}
    for tree in trees:
        for file in tree.glob("*.dist-info/WHEEL"):
            tags = [_tag(line) for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("Tag:")]
            if None in tags or not tags:
                continue
            family, version = min(tag for tag in tags if tag)
            found[family] = max(version, found.get(family, version))
    family = min(found, default="")  # an image has a single C library
    return "_".join([family, *map(str, found[family])]) if found else ""


def libc_check_files(names: Iterable[str]) -> tuple[File, ...]:
    """The file from which a step checks its C library when it starts; none if all packages are pure Python.

    Args:
        names: the C library that the packages of each platform require, or an empty string; the newest is written.
    """
    newest = max(filter(None, names), key=lambda name: [int(part) for part in name.split("_")[1:]], default="")
    return (File(f"{CODE}/libc", newest.encode()),) if newest else ()


def _tag(line: str) -> tuple[str, tuple[int, int]] | None:
    """The family and version of a tag's C library; None for a wheel that requires none."""
    platforms = line.rpartition("-")[2]
    for old, new in _OLD_NAMES.items():
        platforms = platforms.replace(f"{old}_", f"{new}_")
    match = _TAG.match(platforms)
    return (match.group(1), (int(match.group(2)), int(match.group(3)))) if match else None
