"""The packages of a step: resolved for its image into a lock, and the locked wheels unpacked into a folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import sys_tags
from packaging.utils import canonicalize_name

from fairing_kfp.errors import CacheError, DependencyError
from fairing_kfp.image.platform import Platform
from fairing_kfp.preprocess import uv_command, wheels

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache

_RECORD = "lock"
_FORM = 1  # of unpacked trees: another number, and all are unpacked anew
_HOST = "host"
_MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}

_BY_MODULES = "own code travels with the step: import it, or name it in modules=[...]"
_BY_WHEEL = "build a wheel of it, put it on an index or into a folder named in UV_FIND_LINKS, and ask for it by name"
# The first that is found counts.
_OTHER_FORMS = (
    (r"^(?:-e|--editable)\b", "an editable installation", _BY_MODULES),
    (r"^-", "an option of an installer", "set it for uv, in UV_ variables or uv.toml"),
    (r"\b(?:git|hg|svn|bzr)\+", "a version control address", _BY_WHEEL),
    (r"\b(?:https?|ftp)://", "a direct address", _BY_WHEEL),
    (r"\bfile:|(?:^|@\s*)[./~]|[\\/]|\.(?:whl|zip|gz)$", "a local path", _BY_WHEEL),
)


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
        return cls(sys.version_info[:2], _HOST, str(next(sys_tags())))

    def __str__(self) -> str:
        """For messages: `Python 3.12 on linux/amd64 (manylinux_2_28)`."""
        machine = "this machine" if self.platform == _HOST else self.platform
        return f"Python {self.python[0]}.{self.python[1]} on {machine} ({self.libc})"

    @property
    def uv_options(self) -> list[str]:
        """How uv is told. The interpreter is always this one, so that uv never looks for another."""
        options = ["--python", sys.executable]
        if self.platform != _HOST:
            version = f"{self.python[0]}.{self.python[1]}"
            options += ["--python-version", version, "--python-platform", f"{_MACHINES[self.platform]}-{self.libc}"]
        return options


@dataclass(frozen=True)
class Lock:
    """Distributions at their versions, with the hashes of their files.

    Attributes:
        target: what they were resolved for.
        text: a requirements file with hashes and nothing else, sorted.
    """

    target: Target
    text: str

    @property
    def requirements(self) -> tuple[str, ...]:
        """The distributions, as `name==version`."""
        return tuple(entry.split()[0] for entry in _entries(self.text))

    @property
    def digest(self) -> str:
        """Stands for the content of the unpacked tree; it includes the form that this release gives trees."""
        return f"sha256:{_sha256([_FORM, asdict(self.target), self.text])}"

    def only(self, name: str) -> Lock:
        """The lock of one of its distributions."""
        return Lock(self.target, _joined(entry for entry in _entries(self.text) if _named(entry) == name))


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
    key = _sha256([wanted, asdict(target)])
    known = cache.record(_RECORD, key)
    if known is None:
        options = ["--generate-hashes", "--no-annotate", "--no-header", "--only-binary", ":all:", *target.uv_options]
        resolved = uv_command.run("compile", ["-", *options], "\n".join(wanted), str(target))
        known = {"text": _joined(_entries(resolved))}
        cache.put_record(_RECORD, key, known)
    return Lock(target, known["text"])


def unpack(lock: Lock, cache: Cache) -> Path:
    """The folder of the locked wheels, made once; it works as a site directory (`site.addsitedir`).

    It is the same, byte for byte, whoever made it and where. It must not be changed: run Python on it with byte code
    kept elsewhere.

    Raises:
        DependencyError: wheels cannot be fetched, differ from the lock, or find no room on the disk.
        CacheError: the cache cannot be written.
    """
    place = cache.root / "trees" / lock.digest.removeprefix("sha256:")
    try:
        if not place.is_dir():
            with _scratch(cache) as folder:
                _place(_built(lock, folder), place)
    except OSError as error:
        raise CacheError(
            f"packages cannot be unpacked into the cache {cache.root}: {error.strerror or error}",
            "make it writable and leave room on its disk, or name another folder in FAIRING_KFP_CACHE",
        ) from error
    return place


@contextlib.contextmanager
def _scratch(cache: Cache) -> Iterator[Path]:
    parent = cache.root.absolute() / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _built(lock: Lock, folder: Path) -> Path:
    tree = folder / "tree"
    tree.mkdir()
    if not lock.text:
        return tree
    _install(lock, tree)
    contested = wheels.contested(tree)
    for name, paths in contested.items():
        alone = folder / name
        _install(lock.only(name), alone)
        for path in paths:
            shutil.copy2(alone / path, tree / path)
    wheels.normalise(tree, {path for paths in contested.values() for path in paths})
    return tree


def _install(lock: Lock, folder: Path) -> None:
    # Copies, as links would let us write into uv's own cache.
    options = [
        "--target",
        str(folder),
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--link-mode",
        "copy",
    ]
    uv_command.run(
        "install", ["-r", "-", *options, "--no-compile-bytecode", *lock.target.uv_options], lock.text, str(lock.target)
    )


def _place(tree: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        tree.rename(place)
    except OSError:
        if not place.is_dir():  # else another process was faster, with the same
            raise


def _checked(text: str) -> str:
    """The requirement in one spelling."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise _refused(text, str(error).partition("\n")[0]) from error
    if requirement.url:
        raise _refused(text, "it is a direct address")
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


def _entries(text: str) -> list[str]:
    """The distributions of a requirements file, each with its hashes in order, without options and comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    entries = (" ".join(entry.split()) for entry in "\n".join(lines).replace("\\\n", " ").splitlines())
    return sorted(_sorted_hashes(entry) for entry in entries if entry and not entry.startswith("-"))


def _sorted_hashes(entry: str) -> str:
    pin, *hashes = entry.split(" --hash=")
    return " ".join([pin, *(f"--hash={value}" for value in sorted(hashes))])


def _joined(entries: Iterable[str]) -> str:
    return "".join(entry.replace(" --hash=", " \\\n    --hash=") + "\n" for entry in entries)


def _named(entry: str) -> str:
    return canonicalize_name(entry.partition("==")[0])


def _sha256(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
