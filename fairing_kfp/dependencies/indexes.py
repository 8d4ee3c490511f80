"""Named indexes of a project: `[tool.uv.sources]` and `[[tool.uv.index]]`, made available to `uv pip`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fairing_kfp.frozen import dataclass

PROJECT = "fairing-kfp-sources"
"""Name of the project that `sources_project` writes: uv reads sources from projects only."""


@dataclass(frozen=True)
class IndexSource:
    """The only index that a package is taken from.

    Attributes:
        package: the package's canonical name.
        index: the index's name, by which uv finds credentials.
        url: the index's URL; empty if the user's uv settings define it.
        marker: the environments that the source applies to; empty for all.
    """

    package: str
    index: str
    url: str = field(repr=False)  # may contain credentials
    marker: str = ""

    def __str__(self) -> str:
        """The source as lock files list it, without the URL: `torch @ index:cuda`."""
        return f"{self.package} @ index:{self.index}" + (f" ; {self.marker}" if self.marker else "")


def declared_sources(
    document: Mapping[str, Any], lines: Iterable[str], extras: Iterable[str], groups: Iterable[str]
) -> tuple[IndexSource, ...]:
    """The index sources that a project declares for requirements.

    Args:
        document: the content of its pyproject.toml.
        lines: the requirements.
        extras: the selected extras; a source may apply to one of them only.
        groups: the selected dependency groups; a source may apply to one of them only.
    """
    required = {canonicalize_name(Requirement(line).name) for line in lines}
    selected = {"extra": set(map(canonicalize_name, extras)), "group": set(map(canonicalize_name, groups))}
    urls = _index_urls(document)
    found = []
    for name, sources in _uv_settings(document).get("sources", {}).items():
        for source in sources if isinstance(sources, list) else [sources]:
            excluded = any(
                key in source and canonicalize_name(source[key]) not in names for key, names in selected.items()
            )
            if "index" not in source or excluded or canonicalize_name(name) not in required:
                continue
            url = urls.get(source["index"], "")
            found.append(IndexSource(canonicalize_name(name), source["index"], url, source.get("marker", "")))
    return tuple(sorted(found, key=str))


def locked_sources(
    document: Mapping[str, Any], lock: Mapping[str, Any], lines: Iterable[str]
) -> tuple[IndexSource, ...]:
    """The index sources of pins in a uv.lock that come from a named index.

    Args:
        document: the content of the project's pyproject.toml.
        lock: the content of its uv.lock.
        lines: the pins, as `name==version ; marker`.
    """
    names = {url.rstrip("/"): name for name, url in _index_urls(document).items()}
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
            found.append(IndexSource(package, names[url], _index_urls(document)[names[url]], str(pin.marker or "")))
    return tuple(sorted(set(found), key=str))


def sources_project(sources: Iterable[IndexSource], lines: Sequence[str]) -> str:
    """A pyproject.toml of the requirements that have sources; empty if none has."""
    by_package: dict[str, list[IndexSource]] = {}
    for source in sources:
        by_package.setdefault(source.package, []).append(source)
    required = [line for line in lines if canonicalize_name(Requirement(line).name) in by_package]
    if not required:
        return ""
    text = ["[project]", f'name = "{PROJECT}"', 'version = "0"', f"dependencies = {json.dumps(required)}"]
    text.append("[tool.uv.sources]")
    for package, given in sorted(by_package.items()):
        text.append(f"{package} = [{', '.join(map(_inline_table, given))}]")
    for name, url in sorted({(one.index, one.url) for given in by_package.values() for one in given if one.url}):
        text += ["[[tool.uv.index]]", f"name = {json.dumps(name)}", f"url = {json.dumps(url)}", "explicit = true"]
    return "\n".join([*text, ""])


def uv_index_variable(sources: Iterable[IndexSource], current: str) -> str:
    """The value of UV_INDEX that puts the sources' indexes before those of the current value."""
    defined = {one.partition("=")[0] for one in current.split()}
    added = sorted({f"{one.index}={one.url}" for one in sources if one.url and one.index not in defined})
    return " ".join([*added, *current.split()])


def _inline_table(source: IndexSource) -> str:
    marker = f", marker = {json.dumps(source.marker)}" if source.marker else ""
    return f"{{ index = {json.dumps(source.index)}{marker} }}"


def _uv_settings(document: Mapping[str, Any]) -> Mapping[str, Any]:
    settings: Mapping[str, Any] = document.get("tool", {}).get("uv", {})
    return settings


def _index_urls(document: Mapping[str, Any]) -> dict[str, str]:
    """The URLs of the project's indexes, by name."""
    return dict(_named_indexes(_uv_settings(document).get("index", [])))


def _named_indexes(indexes: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for one in indexes:
        if "name" in one and "url" in one:
            yield one["name"], one["url"]
