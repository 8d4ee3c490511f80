"""`packages="pyproject.toml"`: the dependencies that a project declares."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fairing_kfp.dependencies.indexes import declared_sources
from fairing_kfp.dependencies.package_format import PackageFormat, PackageOptions, file_name
from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.errors import DependencyError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(path: Path) -> dict[str, Any]:
    """Reads a pyproject.toml or uv.lock.

    Raises:
        DependencyError: the file cannot be read, or is not valid TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DependencyError(f"cannot read {path}: {error}", "make it a readable UTF-8 file") from error
    return parse_toml(text, path)


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """Parses TOML.

    Args:
        text: the text.
        path: its file, for messages.

    Raises:
        DependencyError: the text is not valid TOML.
    """
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DependencyError(f"{path} is not valid TOML: {error}", "correct the file") from error
    return document


def declared(path: Path, extras: Iterable[str], groups: Iterable[str]) -> list[str]:
    """The dependencies that a pyproject.toml declares, with those of extras and groups (PEP 621, PEP 735).

    Raises:
        DependencyError: the file is malformed, has no such extra or group, or its dependencies are dynamic.
    """
    document = read_toml(path)
    project = document.get("project", {})
    needed = ["dependencies", *(["optional-dependencies"] if extras else [])]
    for name in needed:
        if name in project.get("dynamic", []):
            raise DependencyError(
                f"{path}: the {name} are dynamic, and known only once the project is built",
                'lock the project with `uv lock` and give packages="uv.lock", or list the packages in packages=[…]',
            )
    lines = [*project.get("dependencies", []), *_group_members(document, groups, path)]
    for extra in extras:
        lines += _lookup(project.get("optional-dependencies", {}), extra, "extra", path)
    expanded = list(_expand_own_extras(lines, project, path))
    _check_sources(expanded, document, path)
    return expanded


def _read(options: PackageOptions) -> Requirements:
    path = options.path
    document = read_toml(path)
    requirements = Requirements.parse(declared(path, options.extras, options.groups))
    sources = declared_sources(document, requirements.lines, options.extras, options.groups)
    return replace(requirements, sources=sources)


FORMAT = PackageFormat(
    example='"pyproject.toml"',
    matches=lambda packages: file_name(packages) == "pyproject.toml",
    read=_read,
    has_extras=True,
)
"""The pyproject.toml of a project, with extras and dependency groups."""


def _group_members(
    document: dict[str, Any], names: Iterable[str], path: Path, parents: tuple[str, ...] = ()
) -> Iterator[str]:
    """The requirements of dependency groups and of the groups that they include (PEP 735)."""
    for name in names:
        if canonicalize_name(name) in parents:
            raise DependencyError(f"{path}: the group {name} includes itself", "remove one include-group")
        for item in _lookup(document.get("dependency-groups", {}), name, "group", path):
            if isinstance(item, str):
                yield item
            elif isinstance(item, dict) and set(item) == {"include-group"}:
                yield from _group_members(document, [item["include-group"]], path, (*parents, canonicalize_name(name)))
            else:
                raise DependencyError(
                    f"{path}: the group {name} contains {item!r}", 'write a requirement or {include-group = "name"}'
                )


def _lookup(table: dict[str, Any], name: str, kind: str, path: Path) -> list[Any]:
    """The members of an extra or group, in any spelling of its name."""
    for known, members in table.items():
        if canonicalize_name(known) == canonicalize_name(name):
            return list(members)
    raise DependencyError(
        f"{path} has no {kind} {name!r}", f"use one of {', '.join(sorted(table))}" if table else f"it has no {kind}s"
    )


def _expand_own_extras(
    lines: Iterable[str], project: dict[str, Any], path: Path, parents: tuple[str, ...] = ()
) -> Iterator[str]:
    """The requirements; references to the project's own extras (`demo[web]` in demo) are replaced by their members."""
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
            if canonicalize_name(extra) not in parents:
                members = _lookup(project.get("optional-dependencies", {}), extra, "extra", path)
                yield from _expand_own_extras(members, project, path, (*parents, canonicalize_name(extra)))


def _check_sources(lines: Iterable[str], document: dict[str, Any], path: Path) -> None:
    """Refuses packages that `[tool.uv.sources]` does not take from an index; only uv.lock can pin them."""
    sources = document.get("tool", {}).get("uv", {}).get("sources", {})
    not_indexed = {
        canonicalize_name(name)
        for name, source in sources.items()
        if any(
            set(one) & {"path", "workspace", "git", "url"} for one in (source if isinstance(source, list) else [source])
        )
    }
    for line in lines:
        name = re.split(r"[^A-Za-z0-9._-]", line.strip(), maxsplit=1)[0]
        if canonicalize_name(name) in not_indexed:
            raise DependencyError(
                f"{path}: [tool.uv.sources] does not take {name} from an index",
                'lock the project with `uv lock` and give packages="uv.lock"; own code is shipped with the step',
            )
