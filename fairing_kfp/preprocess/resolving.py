"""Resolving by uv: requirements → a lock of wheels that fit a target."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess import uv_command
from fairing_kfp.preprocess.indexes import as_project
from fairing_kfp.preprocess.lock import Lock, Target
from fairing_kfp.preprocess.requirement import pin_of
from fairing_kfp.preprocess.requirements import Requirements

_FORM = "pylock.toml"
# PEP 751's form, as it tells which hashes are those of wheels that fit: a release of numpy has 70 more.
_COMPILE = ("--generate-hashes", "--no-annotate", "--no-header", "--format", _FORM, "--quiet")


def wheels_only(built: Iterable[str] = ()) -> tuple[str, ...]:
    """The options that let uv take wheels alone, but for what is built."""
    return "--only-binary", ":all:", *(option for name in built for option in ("--no-binary", name))


def resolved(wanted: Requirements, target: Target, preferred: Mapping[str, str]) -> Lock:
    """Asks uv for the newest wheels that satisfy all requirements, and leaves out what the base image provides.

    Args:
        wanted: the requirements.
        target: what the wheels must fit.
        preferred: versions to be chosen instead of the newest wherever they satisfy the requirements and fit.

    Raises:
        DependencyError: there are none, or their files are not those that hashes allow.
    """
    lock = _compiled(wanted, (*wanted.lines, *wanted.provided), wanted.constraints, target, preferred)
    provided: Collection[str] = ()
    if wanted.provided:
        agreed = [f"{name}=={pin.version}" for name, pin in lock.pins.items()]
        provided = _compiled(wanted, wanted.provided, agreed, target, {}).pins
    lock = _among(wanted, lock, provided)
    return lock if target.is_host else lock.only(*(lock.pins.keys() - set(provided)))


def _compiled(
    wanted: Requirements,
    lines: Sequence[str],
    constraints: Sequence[str],
    target: Target,
    preferred: Mapping[str, str],
) -> Lock:
    """The lock of requirements. What has no wheel is built if that is allowed, and nothing else is."""
    with tempfile.TemporaryDirectory() as folder:
        output, bounds = Path(folder, _FORM), Path(folder, "constraints.txt")
        read: tuple[str, ...] = ("-",)
        if project := as_project(wanted.sources, lines):
            Path(folder, "pyproject.toml").write_text(project, "utf-8")
            read = ("-", str(Path(folder, "pyproject.toml")))
        if preferred:  # uv keeps the versions of the file that it is to write, where it can
            packages = (f'[[packages]]\nname = "{name}"\nversion = "{preferred[name]}"\n' for name in sorted(preferred))
            output.write_text("\n".join(['lock-version = "1.0"\ncreated-by = "fairing-kfp"\n', *packages]), "utf-8")
        bounds.write_text("\n".join(constraints), "utf-8")
        # Not as an option, which would outdo the user's own constraints.
        text = "\n".join([f"-c {bounds.as_posix()}", *lines])
        built: list[str] = []
        while True:
            options = (*read, *_COMPILE, *wheels_only(built), *target.uv_options, "-o", str(output))
            try:
                uv_command.run("compile", options, text, str(target))
            except uv_command.OnlySourceError as error:
                more = [name for name in error.names if name not in built]
                if not wanted.build or not more:
                    raise
                built += more
            else:
                return Lock.of_pylock(target, output.read_text("utf-8"))


def _among(wanted: Requirements, lock: Lock, provided: Collection[str]) -> Lock:
    """The lock with the files that the hashes of a requirements file allow, where it has any."""
    if not wanted.hashes:
        return lock
    pins = lock.pins
    for name, pin in lock.pins.items():
        exact = f"{name}=={pin.version}"
        listed = wanted.hashes.get(pin_of(exact))
        if listed is None:
            if name in provided:
                continue
            raise DependencyError(
                f"packages for {lock.target}: {exact} is needed, but the requirements with hashes do not hold it",
                "write the file anew with all that is needed: uv pip compile --generate-hashes",
            )
        allowed = tuple(sorted(set(listed) & set(pin.hashes)))
        if not allowed:
            raise DependencyError(
                f"packages for {lock.target}: the hashes that are given for {exact} are those of no file that fits",
                "find out whether the index or the hashes were changed before you use it",
            )
        pins[name] = replace(pin, hashes=allowed)
    return Lock.of_pins(target=lock.target, pins=pins)
