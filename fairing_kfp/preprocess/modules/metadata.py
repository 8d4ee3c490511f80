"""Metadata of own packages that are installed in editable mode, for code that asks for its version or entry points."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from fairing_kfp.preprocess.modules.file_imports import file_imports
from fairing_kfp.preprocess.modules.own import is_installed

if TYPE_CHECKING:
    from importlib import metadata

_READERS = ("importlib.metadata", "importlib_metadata", "pkg_resources")


def own_metadata(files: Collection[Path], imported: Iterable[str]) -> dict[str, bytes]:
    """The `dist-info` folders of the own packages that files belong to; none if no code reads metadata.

    They have the name, the version and the entry points only: the rest depends on the tool that installed them.

    Args:
        files: the files of own modules.
        imported: modules that the step's other code imports.

    Returns:
        The files by their paths relative to a folder of `sys.path`.
    """
    if not (any(map(_is_reader, imported)) or any(map(_reads_metadata, files))):
        return {}
    projects = dict(_own_projects())
    found: dict[str, bytes] = {}
    for project in {_innermost(path.resolve(), projects) for path in files} - {None}:
        distribution = projects[project]  # type: ignore[index]
        name, version = distribution.metadata["Name"], distribution.version
        folder = f"{name.replace('-', '_')}-{version}.dist-info"
        found[f"{folder}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        if points := distribution.read_text("entry_points.txt"):
            found[f"{folder}/entry_points.txt"] = points.encode()
    return found


def _own_projects() -> Iterator[tuple[Path, metadata.Distribution]]:
    """The folders of own projects, with their distributions."""
    from importlib import metadata  # slow to import

    for distribution in metadata.distributions():
        url = json.loads(distribution.read_text("direct_url.json") or "{}")
        place = Path(str(distribution.locate_file("")))
        if url.get("dir_info", {}).get("editable"):
            yield Path(unquote(urlparse(url["url"]).path)).resolve(), distribution
        elif not is_installed(place):  # metadata beside the code, as `setup.py develop` writes it
            yield place.resolve(), distribution


def _innermost(path: Path, projects: Collection[Path]) -> Path | None:
    return next((folder for folder in path.parents if folder in projects), None)


def _reads_metadata(path: Path) -> bool:
    if path.suffix != ".py":
        return False
    try:
        return any(_is_reader(name) for one in file_imports(path) for name in one.absolute(""))
    except (SyntaxError, ValueError):  # a template, or for another Python
        return False


def _is_reader(name: str) -> bool:
    return name in _READERS
