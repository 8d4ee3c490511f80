"""The dependencies of a project: what its pyproject.toml declares, and what its uv.lock pins."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess import uv_command

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Own code travels with the step, and development groups only when they are named.
_EXPORT = ("--no-emit-project", "--no-emit-workspace", "--no-default-groups")
_OWN_CODE = re.compile(r"^(?:-e\s+)?(?:\.|/|file:)(?!.*\.(?:whl|zip|gz)\b).*\n", re.MULTILINE)  # of path dependencies
_PLAIN = ("--frozen", "--format", "requirements.txt", "--no-header", "--no-annotate")


def read(path: Path) -> dict[str, Any]:
    """The content of a pyproject.toml or uv.lock.

    Raises:
        DependencyError: it is no TOML.
    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DependencyError(f"{path} is not valid TOML: {error}", "mend it") from error
    return content


def declared(path: Path, extras: Iterable[str], groups: Iterable[str]) -> list[str]:
    """The dependencies that a pyproject.toml declares, with those of extras and of groups (PEP 621, PEP 735).

    Raises:
        DependencyError: the file is malformed, has no such extra or group, or computes its dependencies at its build.
    """
    document = read(path)
    project = document.get("project", {})
    wanted = ["dependencies", *(["optional-dependencies"] if extras else [])]
    for name in wanted:
        if name in project.get("dynamic", []):
            raise DependencyError(
                f"{path}: the {name} are dynamic, known only when the project is built",
                'lock the project with `uv lock` and give packages="uv.lock", or list them in packages=[…]',
            )
    lines = [*project.get("dependencies", []), *_of_groups(document, groups, path)]
    for extra in extras:
        lines += _member(project.get("optional-dependencies", {}), extra, "extra", path)
    kept = list(_without_itself(lines, project, path))
    _check_sources(kept, document, path)
    return kept


def export_lock(path: Path, extras: Sequence[str], groups: Sequence[str]) -> str:
    """The pins of a uv.lock with their hashes, as a requirements file.

    Raises:
        DependencyError: uv cannot read it, or the project has no such extra or group.
    """
    named = [*(f"--extra={extra}" for extra in extras), *(f"--group={group}" for group in groups)]
    arguments = ("export", *_PLAIN, *_EXPORT, *named, "--project", str(path.parent.absolute()))
    return _OWN_CODE.sub("", uv_command.start(arguments, "", str(path)))


def _of_groups(
    document: dict[str, Any], names: Iterable[str], path: Path, above: tuple[str, ...] = ()
) -> Iterator[str]:
    """The requirements of groups and of those they include (PEP 735)."""
    for name in names:
        if canonicalize_name(name) in above:
            raise DependencyError(f"{path}: the group {name} includes itself", "take one include-group out")
        for item in _member(document.get("dependency-groups", {}), name, "group", path):
            if isinstance(item, str):
                yield item
            elif isinstance(item, dict) and set(item) == {"include-group"}:
                yield from _of_groups(document, [item["include-group"]], path, (*above, canonicalize_name(name)))
            else:
                raise DependencyError(
                    f"{path}: the group {name} holds {item!r}", 'write a requirement or {include-group = "name"}'
                )


def _member(table: dict[str, Any], name: str, kind: str, path: Path) -> list[Any]:
    """An extra or group under whichever spelling of its name."""
    for known, members in table.items():
        if canonicalize_name(known) == canonicalize_name(name):
            return list(members)
    raise DependencyError(
        f"{path} has no {kind} {name!r}", f"name one of {', '.join(sorted(table))}" if table else f"it has no {kind}s"
    )


def _without_itself(
    lines: Iterable[str], project: dict[str, Any], path: Path, above: tuple[str, ...] = ()
) -> Iterator[str]:
    """The requirements, those of the project's own extras (`demo[web]` in demo's) replaced by what they stand for."""
    own = canonicalize_name(str(project.get("name", "")))
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            requirement = None
        if requirement is None or not own or canonicalize_name(requirement.name) != own:
            yield line
            continue
        for extra in sorted(requirement.extras):
            if canonicalize_name(extra) not in above:
                deeper = _member(project.get("optional-dependencies", {}), extra, "extra", path)
                yield from _without_itself(deeper, project, path, (*above, canonicalize_name(extra)))


def _check_sources(lines: Iterable[str], document: dict[str, Any], path: Path) -> None:
    """Refuses what `[tool.uv.sources]` takes from elsewhere than an index, and uv.lock alone knows."""
    sources = document.get("tool", {}).get("uv", {}).get("sources", {})
    elsewhere = {
        canonicalize_name(name)
        for name, source in sources.items()
        if any(
            set(one) & {"path", "workspace", "git", "url"} for one in (source if isinstance(source, list) else [source])
        )
    }
    for line in lines:
        name = re.split(r"[^A-Za-z0-9._-]", line.strip(), maxsplit=1)[0]
        if canonicalize_name(name) in elsewhere:
            raise DependencyError(
                f"{path}: {name} comes from [tool.uv.sources], not from an index",
                'lock the project with `uv lock` and give packages="uv.lock"; own code that it holds travels by itself',
            )
