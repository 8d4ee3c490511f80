"""Newer versions that were passed over, since they, or packages that they need, have no wheel."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from fairing_kfp.dependencies import uv
from fairing_kfp.dependencies.compiled import compiled
from fairing_kfp.dependencies.lock import Lock
from fairing_kfp.dependencies.requirements import Requirements, exact_pin
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import DependencyError, SourceOnlyError

_NO_WHEEL = "no wheel for it"


def passed_over(requirements: Requirements, lock: Lock, preferred: Mapping[str, str]) -> Iterator[str]:
    """Sentences for the author about required packages whose newest version was passed over for lack of a wheel.

    uv lists the newest versions in one call, and is asked for the reason where one was not chosen that the requirement
    allows. Exact pins, preferred versions, and versions that conflict with other requirements are not reported.

    Args:
        requirements: the requirements.
        lock: what was chosen for them.
        preferred: versions that were preferred to the newest, by name.
    """
    free = {
        requirement.name: requirement
        for line in requirements.lines
        if not exact_pin(line) and _applies(requirement := Requirement(line), lock.target)
    }
    chosen = {
        name: pin.version
        for name, pin in lock.pins.items()
        if name in free and not requirements.hashes and pin.version != preferred.get(name)
    }
    try:
        newest = _newest(requirements, {name: free[name] for name in chosen}, chosen, lock.target)
    except (DependencyError, ValueError):  # an index without a list of versions; the lock is valid nevertheless
        return
    for name, version in newest.items():
        why = _reason(requirements, free[name], chosen[name], lock.target)
        if why:
            yield (
                f"packages for {lock.target}: {name} {chosen[name]} was chosen, not {version}: {why[0]}; "
                f'require "{name}=={version}"{why[1]}, or "{name}=={chosen[name]}" if that is the right one'
            )


def _applies(requirement: Requirement, target: Target) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(target.environment)


def _newest(
    requirements: Requirements, free: Mapping[str, Requirement], chosen: Mapping[str, str], target: Target
) -> dict[str, str]:
    """The newest versions that the requirements allow, where these were not chosen."""
    if not free:
        return {}
    newest = _outdated(chosen, target)
    bounded = [
        name for name, version in newest.items() if requirements.constraints or version not in free[name].specifier
    ]
    if bounded:
        lines = [str(free[name]) for name in bounded]
        allowed = compiled(requirements, lines, requirements.constraints, target, {}, "--no-deps").pins
        newest |= {name: allowed[name].version if name in allowed else chosen[name] for name in bounded}
    return {name: version for name, version in newest.items() if _is_newer(version, chosen[name])}


def _outdated(chosen: Mapping[str, str], target: Target) -> dict[str, str]:
    """The newest versions of packages that have newer ones than those chosen."""
    with tempfile.TemporaryDirectory() as folder:
        for name, version in chosen.items():
            info = Path(folder, f"{name.replace('-', '_')}-{version}.dist-info")
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
        options = ("--outdated", "--format", "json", "--target", folder, "--python", sys.executable)
        found = json.loads(uv.run_pip("list", options, "", str(target)))
    return {one["name"]: one["latest_version"] for one in found if one["name"] in chosen}


def _is_newer(version: str, than: str) -> bool:
    try:
        return Version(version) > Version(than)
    except InvalidVersion:
        return False


def _reason(
    requirements: Requirements, requirement: Requirement, chosen: str, target: Target
) -> tuple[str, str] | None:
    """Why no version above the chosen one can be used, and what builds it; None unless a wheel is missing."""
    newer = Requirement(str(requirement))
    newer.marker = None
    newer.specifier &= f">{chosen}"
    try:
        # Without a stable version uv would take a preview of a later one.
        options = () if newer.specifier.prereleases else ("--prerelease", "disallow")
        compiled(replace(requirements, build=False), [str(newer)], requirements.constraints, target, {}, *options)
    except DependencyError as error:
        meaning = error.message.partition("\n")[0].removeprefix(f"packages for {target}: ")
        if _NO_WHEEL in meaning:
            is_source = isinstance(error, SourceOnlyError)
            return f"for newer versions {meaning}", " with build=True to build it here" if is_source else ""
    return None
