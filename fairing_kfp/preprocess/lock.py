"""A lock: which distributions a step gets, for which Python and platform."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from packaging.tags import sys_tags

from fairing_kfp.errors import DependencyError
from fairing_kfp.image.platform import Platform

_HOST = "host"
_MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_TREE_FORM = 1  # another number, and all trees are unpacked anew


@dataclass(frozen=True)
class Target:
    """What wheels must fit.

    Attributes:
        python: major and minor version.
        platform: of the image, such as `linux/amd64`; or `host`, this very interpreter and machine.
        libc: the newest C library that wheels may ask for, as in their names; for `host`, this interpreter's best tag.
    """

    python: tuple[int, int]
    platform: str = "linux/amd64"
    libc: str = "manylinux_2_28"

    @classmethod
    def for_image(cls, python: tuple[int, int], platform: str = "linux/amd64") -> Target:
        """The target of an image with this Python.

        Raises:
            PlatformError: the platform is malformed.
            DependencyError: it is none for which wheels can be chosen.
        """
        name = str(Platform.parse(platform))
        if name not in _MACHINES:
            raise DependencyError(
                f"packages cannot be locked for the platform {name}",
                f"choose one of {', '.join(_MACHINES)}, or a base image that already holds the packages",
            )
        return cls(python, name)

    @classmethod
    def for_host(cls) -> Target:
        """The target of a run in this interpreter."""
        # The plain linux tag, which comes first, says nothing about the C library.
        return cls(sys.version_info[:2], _HOST, next(str(tag) for tag in sys_tags() if "-linux_" not in str(tag)))

    @property
    def is_compiled_here(self) -> bool:
        """Whether byte code goes into its trees: those of images, by a Python of the same minor version."""
        return self.platform != _HOST and self.python == sys.version_info[:2]

    def __str__(self) -> str:
        """For messages: `Python 3.12 on linux/amd64 (manylinux_2_28)`."""
        machine = "this machine" if self.platform == _HOST else self.platform
        return f"Python {self._version} on {machine} ({self.libc})"

    @property
    def uv_options(self) -> tuple[str, ...]:
        """How uv is told. The interpreter is always named, so that uv does not look for one where it is started."""
        here = ("--python", sys.executable)
        if self.platform == _HOST:
            return here
        machine = f"{_MACHINES[self.platform]}-{self.libc}"
        return (*here, "--python-version", self._version, "--python-platform", machine)

    @property
    def _version(self) -> str:
        return ".".join(map(str, self.python))


@dataclass(frozen=True)
class Lock:
    """Distributions at their versions, with the hashes of their files.

    Attributes:
        target: what they were resolved for.
        text: a requirements file of sorted pins and their hashes, and nothing else.
    """

    target: Target
    text: str

    @classmethod
    def of_requirements_file(cls, target: Target, text: str) -> Lock:
        """The lock of a file of pins with hashes; options, comments and addresses of indexes are left out."""
        lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
        logical = "\n".join(lines).replace("\\\n", " ").splitlines()
        return cls(target, _text(line.split() for line in logical if line.strip() and not line.startswith("-")))

    @property
    def requirements(self) -> tuple[str, ...]:
        """The distributions, as `name==version`."""
        return tuple(line.split()[0] for line in self.text.splitlines() if not line.startswith(" "))

    @property
    def digest(self) -> str:
        """Stands for the content of the unpacked tree; it includes the form that this release gives trees."""
        value = json.dumps([_TREE_FORM, self.target.is_compiled_here, asdict(self.target), self.text], sort_keys=True)
        return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"

    def only(self, name: str) -> Lock:
        """The lock of one of its distributions; its name as uv writes it, canonical."""
        entries = (entry.split() for entry in self.text.replace(" \\\n", " ").splitlines())
        return Lock(self.target, _text(entry for entry in entries if entry[0].startswith(f"{name}==")))


def _text(entries: Iterable[list[str]]) -> str:
    """The requirements file of entries, each a pin (with a marker, perhaps, in several words) and hashes."""
    files = []
    for entry in entries:
        pin = " ".join(word for word in entry if not word.startswith("--hash="))
        files.append(" \\\n    ".join([pin, *sorted(word for word in entry if word.startswith("--hash="))]) + "\n")
    return "".join(sorted(files))
