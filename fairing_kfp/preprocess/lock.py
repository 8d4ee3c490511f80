"""A lock: which distributions a step gets, for which Python and platform."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from packaging.markers import Marker
from packaging.tags import sys_tags

from fairing_kfp.errors import DependencyError
from fairing_kfp.image.platform import Platform
from fairing_kfp.preprocess import libc
from fairing_kfp.preprocess.indexes import Source

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_HOST = "host"
_MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_BUILT = "  # built of its source distribution"  # a comment of requirements files
_TREE_FORM = 2  # another number, and all trees are unpacked anew


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
    libc: str = libc.DEFAULT

    @classmethod
    def for_image(cls, python: tuple[int, int], platform: str = "linux/amd64", libc_name: str | None = None) -> Target:
        """The target of an image with this Python and C library.

        Raises:
            PlatformError: the platform is malformed.
            DependencyError: it is none for which wheels can be chosen.
            ConfigError: nor is the C library.
        """
        name = str(Platform.parse(platform))
        if name not in _MACHINES:
            raise DependencyError(
                f"packages cannot be locked for the platform {name}",
                f"choose one of {', '.join(_MACHINES)}, or a base image that already holds the packages",
            )
        return cls(python, name, libc.checked(libc_name or libc.DEFAULT))

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
    def environment(self) -> dict[str, str]:
        """What markers of requirements ask for."""
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
        """How uv is told. The interpreter is always named, so that uv does not look for one where it is started."""
        here = ("--python", sys.executable)
        if self.platform == _HOST:
            return here
        machine = libc.uv_platform(_MACHINES[self.platform], self.libc)
        return (*here, "--python-version", self._version, "--python-platform", machine)

    @property
    def is_host(self) -> bool:
        """Whether it is this very interpreter, and no image."""
        return self.platform == _HOST

    @property
    def _version(self) -> str:
        return ".".join(map(str, self.python))


@dataclass(frozen=True)
class Pin:
    """A distribution's version.

    Attributes:
        version: as its index writes it.
        hashes: of its wheels that fit, as `sha256:<hex>`; sorted.
        built: whether it has none, so that its source distribution is meant, and a wheel is built of it.
    """

    version: str
    hashes: tuple[str, ...]
    built: bool = False


@dataclass(frozen=True)
class Lock:
    """Distributions at their versions, with the hashes of their files.

    Attributes:
        target: what they were resolved for.
        text: a requirements file of sorted pins and their hashes, and nothing else.
        sources: indexes of a project, where its files are looked for, too; which they are, the hashes say.
    """

    target: Target
    text: str
    sources: tuple[Source, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def of_pins(cls, target: Target, pins: Mapping[str, Pin]) -> Lock:
        """The lock of pins by the canonical names of their distributions."""
        return cls(target, "".join(_entry(name, pins[name]) for name in sorted(pins)))

    @classmethod
    def of_requirements_file(cls, target: Target, text: str) -> Lock:
        """The lock of a file of pins with hashes: of those whose markers hold, without options and comments."""
        lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
        pins = {}
        for line in "\n".join(lines).replace("\\\n", " ").splitlines():
            if line.strip() and not line.startswith("-"):
                requirement, *hashes = line.split(" --hash=")
                name, _, version = requirement.partition(";")[0].strip().partition("==")
                marker = requirement.partition(";")[2].strip()
                if not marker or Marker(marker).evaluate(target.environment):
                    pins[name] = Pin(version, tuple(sorted(one.strip() for one in hashes)))
        return cls.of_pins(target, pins)

    @classmethod
    def of_pylock(cls, target: Target, text: str) -> Lock:
        """The lock of what uv writes as pylock.toml (PEP 751); addresses of indexes are left out.

        Raises:
            DependencyError: the index tells no hash of a package.
        """
        pins = {}
        for package in tomllib.loads(text).get("packages", []):
            name, version = package["name"], package["version"]
            files = package.get("wheels", []) or [package.get("sdist", {})]
            found = {f"{kind}:{value}" for file in files for kind, value in file.get("hashes", {}).items()}
            if not found:
                raise DependencyError(
                    f"the package index tells no hash of the files of {name} {version}",
                    "put them on an index that does, or into a folder named in UV_FIND_LINKS",
                )
            pins[name] = Pin(version, tuple(sorted(found)), "wheels" not in package)
        return cls.of_pins(target, pins)

    @property
    def pins(self) -> dict[str, Pin]:
        """The distributions by their names."""
        pins = {}
        for entry in self.text.replace(" \\\n", " ").splitlines():
            entry, built, _ = entry.partition(_BUILT)
            pin, *hashes = entry.split()
            name, _, version = pin.partition("==")
            pins[name] = Pin(version, tuple(one.removeprefix("--hash=") for one in hashes), bool(built))
        return pins

    @property
    def built(self) -> tuple[str, ...]:
        """The names of those of which a wheel is built."""
        return tuple(name for name, pin in self.pins.items() if pin.built)

    @property
    def requirements(self) -> tuple[str, ...]:
        """The distributions, as `name==version`."""
        return tuple(f"{name}=={pin.version}" for name, pin in self.pins.items())

    @property
    def digest(self) -> str:
        """Stands for the content of the unpacked tree; it includes the form that this release gives trees."""
        value = json.dumps([_TREE_FORM, self.target.is_compiled_here, asdict(self.target), self.text], sort_keys=True)
        return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"

    def only(self, *names: str) -> Lock:
        """The lock of some of its distributions; their names as uv writes them, canonical."""
        chosen = Lock.of_pins(self.target, {name: pin for name, pin in self.pins.items() if name in names})
        return replace(chosen, sources=tuple(one for one in self.sources if one.package in names))


def _entry(name: str, pin: Pin) -> str:
    return (
        " \\\n    ".join([f"{name}=={pin.version}", *(f"--hash={one}" for one in sorted(pin.hashes))])
        + _BUILT * pin.built
        + "\n"
    )
