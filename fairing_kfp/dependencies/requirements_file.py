"""`packages="requirements.txt"`: a requirements file with its includes, constraints and hashes.

Source: https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from fairing_kfp.dependencies.local_wheel import local_wheel
from fairing_kfp.dependencies.package_format import PackageFormat, PackageOptions, Packages
from fairing_kfp.dependencies.project import declared
from fairing_kfp.dependencies.requirements import Requirements, exact_pin, normalized_requirement
from fairing_kfp.dependencies.uv_errors import redacted
from fairing_kfp.errors import DependencyError

_INCLUDE = re.compile(r"(?:(-r)\s*|(-c)\s*|(--requirement)(?:\s+|=)|(--constraint)(?:\s+|=))(.+)")
_EDITABLE = re.compile(r"(?:-e\s*|--editable(?:\s+|=))(.+)")
_HASH = re.compile(r"\s--hash(?:\s+|=)(\S+)")
_PATH_WITH_EXTRAS = re.compile(r"([^\[\]]*)(?:\[([^\]]*)\])?")


def read(text: str, path: Path) -> Requirements:
    """Reads the text of a requirements file.

    Args:
        text: its content.
        path: its path, which its own includes are relative to.

    Raises:
        DependencyError: an included file is missing, a line has an unsupported option or a malformed requirement, or
            only some lines have hashes.
    """
    file = _File()
    _read(text, path, file, file.lines, ())
    if file.hashes and file.without_hash:
        raise DependencyError(
            f"{path}: {file.without_hash[0]!r} has no hash, but other lines have",
            "add hashes to all lines: uv pip compile --generate-hashes, or pip-compile --generate-hashes",
        )
    hashes = {**file.hashes, **file.wheels} if file.hashes else {}
    return Requirements.parse(file.lines, constraints=file.constraints, hashes=hashes, folder=path.parent)


def _matches(packages: Packages) -> bool:
    if not isinstance(packages, str):
        return False
    path = PurePath(packages)
    in_name = re.search(r"requirements|constraints", "/".join(path.parts[-2:]))
    return path.suffix in (".txt", ".in") and in_name is not None


def _read_options(options: PackageOptions) -> Requirements:
    return read(options.text(), options.path)


FORMAT = PackageFormat(example='"requirements.txt"', matches=_matches, read=_read_options)
"""A file named `*requirements*.txt` or `.in`, or a file in a folder of that name."""


@dataclass
class _File:
    """The lines of a requirements file and of the files that it includes.

    Attributes:
        lines: the requirements.
        constraints: the requirements in constraints files.
        hashes: the hashes of each pin's files, as `sha256:…`, by `name==version`.
        without_hash: the requirements among `lines` that have no hash, except local wheels.
        wheels: the hash of each local wheel, by `name==version`.
    """

    lines: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    hashes: dict[str, list[str]] = field(default_factory=dict)
    without_hash: list[str] = field(default_factory=list)
    wheels: dict[str, list[str]] = field(default_factory=dict)


def _read(text: str, path: Path, file: _File, target: list[str], parents: tuple[Path, ...]) -> None:
    """Adds the requirements of one file to `target`, which is a list of `file`."""
    if path in parents:
        raise DependencyError(f"{path} includes itself", "remove one of the lines -r and -c")
    for line in _logical_lines(text):
        if include := _INCLUDE.fullmatch(line):
            included = path.parent / include.group(5).strip("\"' ")
            deeper = file.constraints if include.group(2) or include.group(4) else target
            _read(_included_text(included, path), included, file, deeper, (*parents, path))
        elif editable := _EDITABLE.fullmatch(line):
            target.extend(_editable_dependencies(editable.group(1), path))
        elif line.startswith("-"):
            option = line.replace("=", " ").split()[0]
            raise DependencyError(
                f"{path}: {option} is an installer option", "set it for uv, in a UV_ variable or uv.toml"
            )
        else:
            _add(line, path, file, target)


def _add(line: str, path: Path, file: _File, target: list[str]) -> None:
    hashes = _HASH.findall(line)
    requirement = _HASH.sub("", line).strip()
    if re.search(r"\s--\w", requirement):
        raise DependencyError(
            f"{path}: {redacted(requirement)!r} has installer options", "remove all options except --hash="
        )
    wheel = local_wheel(requirement, path.parent) if target is file.lines else None
    if wheel:
        if hashes and wheel.digest not in hashes:
            raise DependencyError(
                f"{path}: the wheel {wheel.path} has none of its hashes", "find out whether the file was changed"
            )
        file.wheels[exact_pin(wheel.line)] = [wheel.digest]
        target.append(wheel.url)
        return
    target.append(requirement)
    if not hashes:
        if target is file.lines:
            file.without_hash.append(requirement)
        return
    pin = exact_pin(requirement)
    if not pin:
        normalized_requirement(requirement)
        raise DependencyError(
            f"{path}: {requirement!r} has hashes but no exact version", "pin it with ==, as tools that write hashes do"
        )
    file.hashes.setdefault(pin, []).extend(hashes)


def _logical_lines(text: str) -> Iterator[str]:
    """Lines without comments; lines that end in a backslash are joined with the next."""
    for line in re.sub(r"\\\r?\n", "", text).splitlines():
        if content := re.sub(r"(?:^|\s)#.*", "", line).strip():
            yield content


def _included_text(path: Path, parent: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise DependencyError(
            f"{parent} includes {redacted(str(path))}, which cannot be read: {reason}", "name an existing file"
        ) from error


def _editable_dependencies(text: str, path: Path) -> list[str]:
    """The dependencies of an editable project; its own code is shipped with the step."""
    match = _PATH_WITH_EXTRAS.fullmatch(text.strip("\"' "))
    document = path.parent / (match.group(1) if match else text) / "pyproject.toml"
    if "://" in text or match is None or not document.parent.is_dir():
        raise DependencyError(
            f"{path}: the editable {redacted(text)} is not a local folder",
            "check it out here, or build a wheel, put it into a folder that UV_FIND_LINKS names, and require it by "
            "name",
        )
    if not document.is_file():
        return []
    return declared(document, [extra.strip() for extra in (match.group(2) or "").split(",") if extra.strip()], ())
