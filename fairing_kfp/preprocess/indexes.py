"""The indexes from which a project takes single packages: `[tool.uv.sources]` and `[[tool.uv.index]]` for uv pip."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = "fairing-kfp-sources"
"""The project that uv is told of: it takes sources of projects alone."""


@dataclass(frozen=True)
class Source:
    """The index that a package comes from, and no other.

    Attributes:
        package: its canonical name.
        index: the name of the index, by which uv finds credentials.
        url: its address; empty where the user's settings of uv have it.
        marker: where that holds; empty for everywhere.
    """

    package: str
    index: str
    url: str
    marker: str = ""

    def __str__(self) -> str:
        """As lock files have it, without the address: `torch @ index:cuda`."""
        return f"{self.package} @ index:{self.index}" + (f" ; {self.marker}" if self.marker else "")


def of_project(
    document: Mapping[str, Any], lines: Iterable[str], extras: Iterable[str], groups: Iterable[str]
) -> tuple[Source, ...]:
    """The sources of requirements that a pyproject.toml takes from an index of its own.

    Args:
        document: the content of the file.
        lines: the requirements.
        extras: those that are asked for, as a source may be that of one alone.
        groups: likewise.
    """
    asked = {canonicalize_name(Requirement(line).name) for line in lines}
    chosen = {"extra": set(map(canonicalize_name, extras)), "group": set(map(canonicalize_name, groups))}
    urls = _named(document)
    found = []
    for name, given in _settings(document).get("sources", {}).items():
        for one in given if isinstance(given, list) else [given]:
            alien = any(key in one and canonicalize_name(one[key]) not in names for key, names in chosen.items())
            if "index" not in one or alien or canonicalize_name(name) not in asked:
                continue
            url = urls.get(one["index"], "")
            found.append(Source(canonicalize_name(name), one["index"], url, one.get("marker", "")))
    return tuple(sorted(found, key=str))


def of_lock(document: Mapping[str, Any], lock: Mapping[str, Any], lines: Iterable[str]) -> tuple[Source, ...]:
    """The sources of a uv.lock's pins that come from an index to which the project gives a name.

    Args:
        document: the content of the project's pyproject.toml.
        lock: the content of its uv.lock.
        lines: the pins, as `name==version ; marker`.
    """
    names = {url.rstrip("/"): name for name, url in _named(document).items()}
    registries = {
        (package["name"], package.get("version")): package.get("source", {}).get("registry", "")
        for package in lock.get("package", [])
    }
    found = []
    for line in lines:
        pin = Requirement(line)
        package, version = canonicalize_name(pin.name), str(pin.specifier).removeprefix("==")
        url = registries.get((package, version), "").rstrip("/")
        if url in names:
            found.append(Source(package, names[url], _named(document)[names[url]], str(pin.marker or "")))
    return tuple(sorted(set(found), key=str))


def as_project(sources: Iterable[Source], lines: Sequence[str]) -> str:
    """A pyproject.toml with those of the requirements that have sources; empty if none has."""
    by_package: dict[str, list[Source]] = {}
    for source in sources:
        by_package.setdefault(source.package, []).append(source)
    wanted = [line for line in lines if canonicalize_name(Requirement(line).name) in by_package]
    if not wanted:
        return ""
    text = ["[project]", f'name = "{PROJECT}"', 'version = "0"', f"dependencies = {json.dumps(wanted)}"]
    text.append("[tool.uv.sources]")
    for package, those in sorted(by_package.items()):
        text.append(f"{package} = [{', '.join(map(_as_table, those))}]")
    for name, url in sorted({(one.index, one.url) for those in by_package.values() for one in those if one.url}):
        text += ["[[tool.uv.index]]", f"name = {json.dumps(name)}", f"url = {json.dumps(url)}", "explicit = true"]
    return "\n".join([*text, ""])


def as_variable(sources: Iterable[Source], before: str) -> str:
    """The value of UV_INDEX that names the sources' indexes before those that it names already."""
    there = {one.partition("=")[0] for one in before.split()}
    more = sorted({f"{one.index}={one.url}" for one in sources if one.url and one.index not in there})
    return " ".join([*more, *before.split()])


def _as_table(source: Source) -> str:
    marker = f", marker = {json.dumps(source.marker)}" if source.marker else ""
    return f"{{ index = {json.dumps(source.index)}{marker} }}"


def _settings(document: Mapping[str, Any]) -> Mapping[str, Any]:
    settings: Mapping[str, Any] = document.get("tool", {}).get("uv", {})
    return settings


def _named(document: Mapping[str, Any]) -> dict[str, str]:
    """The addresses of the project's indexes by their names."""
    return dict(_pairs(_settings(document).get("index", [])))


def _pairs(indexes: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for one in indexes:
        if "name" in one and "url" in one:
            yield one["name"], one["url"]
