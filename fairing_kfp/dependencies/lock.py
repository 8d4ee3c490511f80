"""A lock: the distributions of a step, for one Python and platform."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, field, replace

from packaging.markers import Marker

from fairing_kfp.dependencies.indexes import IndexSource
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import DependencyError
from fairing_kfp.frozen import dataclass

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BUILT = "  # built of its source distribution"  # a comment in a requirements file, and part of the digest
_TREE_FORMAT = 2  # a new number unpacks all trees again


@dataclass(frozen=True)
class Pin:
    """A distribution's version.

    Attributes:
        version: the version, as its index spells it.
        hashes: the hashes of its compatible wheels, as `sha256:<hex>`; sorted.
        built: whether it has no wheel: the hashes are those of its source distribution, and a wheel is built.
    """

    version: str
    hashes: tuple[str, ...]
    built: bool = False


@dataclass(frozen=True)
class Lock:
    """Distributions with their versions and hashes.

    Attributes:
        target: the target they were resolved for.
        text: a requirements file that contains only sorted pins and their hashes.
        sources: a project's indexes that are searched for their files; hashes decide which files are accepted.
        notes: sentences for the author about the choice of versions.
        wheels: paths of local wheels.
    """

    target: Target
    text: str
    sources: tuple[IndexSource, ...] = field(default=(), compare=False, repr=False)
    notes: tuple[str, ...] = field(default=(), compare=False, repr=False)
    wheels: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def from_pins(cls, target: Target, pins: Mapping[str, Pin]) -> Lock:
        """Makes a lock of pins by canonical name."""
        return cls(target, "".join(_entry(name, pins[name]) for name in sorted(pins)))

    @classmethod
    def from_requirements_file(cls, target: Target, text: str) -> Lock:
        """Parses a requirements file of pins with hashes; pins whose markers do not apply are dropped."""
        lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
        pins = {}
        for line in "\n".join(lines).replace("\\\n", " ").splitlines():
            if line.strip() and not line.startswith("-"):
                requirement, *hashes = line.split(" --hash=")
                name, _, version = requirement.partition(";")[0].strip().partition("==")
                marker = requirement.partition(";")[2].strip()
                if not marker or Marker(marker).evaluate(target.environment):
                    pins[name] = Pin(version, tuple(sorted(one.strip() for one in hashes)))
        return cls.from_pins(target, pins)

    @classmethod
    def from_pylock(cls, target: Target, text: str) -> Lock:
        """Parses a pylock.toml that uv wrote (PEP 751); index URLs are dropped.

        Raises:
            DependencyError: the index has no hash of a package.
        """
        pins = {}
        for package in tomllib.loads(text).get("packages", []):
            name, version = package["name"], package["version"]
            local = package.get("archive")
            files = package.get("wheels", []) or [local or package.get("sdist", {})]
            found = {f"{kind}:{value}" for file in files for kind, value in file.get("hashes", {}).items()}
            if not found:
                raise DependencyError(
                    f"the package index has no hashes of the files of {name} {version}",
                    "publish them to an index that has hashes, or put them into a folder that UV_FIND_LINKS names",
                )
            pins[name] = Pin(version, tuple(sorted(found)), "wheels" not in package and local is None)
        return cls.from_pins(target, pins)

    @property
    def pins(self) -> dict[str, Pin]:
        """The pins by distribution name."""
        pins = {}
        for entry in self.text.replace(" \\\n", " ").splitlines():
            entry, built, _ = entry.partition(_BUILT)
            pin, *hashes = entry.split()
            name, _, version = pin.partition("==")
            pins[name] = Pin(version, tuple(one.removeprefix("--hash=") for one in hashes), bool(built))
        return pins

    @property
    def built(self) -> tuple[str, ...]:
        """The names of the distributions that are built from source."""
        return tuple(name for name, pin in self.pins.items() if pin.built)

    @property
    def requirements(self) -> tuple[str, ...]:
        """The distributions, as `name==version`."""
        return tuple(f"{name}=={pin.version}" for name, pin in self.pins.items())

    @property
    def digest(self) -> str:
        """Digest of the unpacked tree's content, which includes this release's tree format."""
        value = json.dumps([_TREE_FORMAT, self.target.is_compiled_here, asdict(self.target), self.text], sort_keys=True)
        return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"

    def only(self, *names: str) -> Lock:
        """The lock of some of its distributions, by canonical name."""
        chosen = Lock.from_pins(self.target, {name: pin for name, pin in self.pins.items() if name in names})
        sources = tuple(one for one in self.sources if one.package in names)
        return replace(chosen, sources=sources, wheels=self.wheels)


def _entry(name: str, pin: Pin) -> str:
    return (
        " \\\n    ".join([f"{name}=={pin.version}", *(f"--hash={one}" for one in sorted(pin.hashes))])
        + _BUILT * pin.built
        + "\n"
    )
