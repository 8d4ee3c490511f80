"""`packages="uv.lock"`: the versions and files that a project is locked to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fairing_kfp.dependencies import uv
from fairing_kfp.dependencies.indexes import locked_sources
from fairing_kfp.dependencies.package_format import PackageFormat, PackageOptions, file_name
from fairing_kfp.dependencies.project import read_toml
from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.dependencies.requirements_file import read as read_requirements_file

# Own code is shipped with the step, and development groups are included only by name.
_EXPORT = ("--no-emit-project", "--no-emit-workspace", "--no-default-groups")
_OUTPUT = ("--frozen", "--format", "requirements.txt", "--no-header", "--no-annotate")
_PATH_DEPENDENCY = re.compile(r"^(?:-e\s+)?(?:\.|/|file:)(?!.*\.(?:whl|zip|gz)\b).*\n", re.MULTILINE)


def export(path: Path, extras: Sequence[str], groups: Sequence[str], project: Path | None = None) -> str:
    """The pins of a uv.lock and their hashes, as a requirements file without own code.

    Args:
        path: the file.
        extras: optional dependencies to include.
        groups: dependency groups to include.
        project: the folder of the project; by default that of the file. Members of a workspace share its file.

    Raises:
        DependencyError: uv cannot read the file, or the project has no such extra or group.
    """
    selected = [*(f"--extra={extra}" for extra in extras), *(f"--group={group}" for group in groups)]
    arguments = ("export", *_OUTPUT, *_EXPORT, *selected, "--project", str((project or path.parent).absolute()))
    return _PATH_DEPENDENCY.sub("", uv.run(arguments, "", str(path)))


def _read(options: PackageOptions) -> Requirements:
    path = options.path
    document = read_toml(path.with_name("pyproject.toml"))
    project = _member(options.folder, path.parent, document)
    requirements = read_requirements_file(export(path, options.extras, options.groups, project), path)
    return replace(requirements, sources=locked_sources(document, read_toml(path), requirements.lines))


def _member(folder: Path, root: Path, document: Mapping[str, Any]) -> Path:
    """The folder of the workspace's member that a component belongs to; the root outside a workspace."""
    if "workspace" in document.get("tool", {}).get("uv", {}):
        for parent in (folder.absolute(), *folder.absolute().parents):
            if parent == root.absolute() or not parent.is_relative_to(root.absolute()):
                break
            if (parent / "pyproject.toml").is_file() and "project" in read_toml(parent / "pyproject.toml"):
                return parent
    return root


FORMAT = PackageFormat(
    example='"uv.lock"',
    matches=lambda packages: file_name(packages) == "uv.lock",
    read=_read,
    has_extras=True,
)
"""The uv.lock of a project, with extras and dependency groups."""
