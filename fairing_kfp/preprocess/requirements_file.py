"""Requirements files: their lines, includes, constraints and hashes.

The form is pip's (https://pip.pypa.io/en/stable/reference/requirements-file-format/).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess.requirement import checked, pin_of
from fairing_kfp.preprocess.uv_command import redacted

_INCLUDE = re.compile(r"(?:(-r)\s*|(-c)\s*|(--requirement)(?:\s+|=)|(--constraint)(?:\s+|=))(.+)")
_EDITABLE = re.compile(r"(?:-e\s*|--editable(?:\s+|=))(.+)")
_HASH = re.compile(r"\s--hash(?:\s+|=)(\S+)")
_LOCAL = re.compile(r"([^\[\]]*)(?:\[([^\]]*)\])?")


@dataclass
class RequirementsFile:
    """What a requirements file and those that it includes say.

    Attributes:
        lines: the requirements.
        constraints: those of constraints files.
        hashes: for each pin `name==version` the hashes of its files, as `sha256:…`.
    """

    lines: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    hashes: dict[str, list[str]] = field(default_factory=dict)


def read(text: str, path: Path) -> RequirementsFile:
    """Reads the text of a requirements file, whose own includes begin at its folder.

    Raises:
        DependencyError: an included file is missing, an option is one of uv's, or only some lines have hashes.
    """
    found = RequirementsFile()
    unhashed: list[str] = []
    _read(text, path, found, found.lines, unhashed, ())
    if found.hashes and unhashed:
        raise DependencyError(
            f"{path}: {unhashed[0]!r} has no hash, though others have",
            "give every line its hashes: uv pip compile --generate-hashes, or pip-compile --generate-hashes",
        )
    return found


def _read(
    text: str, path: Path, found: RequirementsFile, target: list[str], unhashed: list[str], above: tuple[Path, ...]
) -> None:
    if path in above:
        raise DependencyError(f"{path} includes itself", "take one of the lines -r and -c out")
    for line in _logical_lines(text):
        if include := _INCLUDE.fullmatch(line):
            place = path.parent / include.group(5).strip("\"' ")
            deeper = found.constraints if include.group(2) or include.group(4) else target
            _read(_text(place, path), place, found, deeper, unhashed, (*above, path))
        elif editable := _EDITABLE.fullmatch(line):
            target.extend(_of_local_project(editable.group(1), path))
        elif line.startswith("-"):
            option = line.replace("=", " ").split()[0]
            raise DependencyError(
                f"{path}: {option} is a setting of an installer", "set it for uv, in a UV_ variable or uv.toml"
            )
        else:
            _add(line, path, found, target, unhashed)


def _add(line: str, path: Path, found: RequirementsFile, target: list[str], unhashed: list[str]) -> None:
    hashes = _HASH.findall(line)
    requirement = _HASH.sub("", line).strip()
    if re.search(r"\s--\w", requirement):
        raise DependencyError(
            f"{path}: {redacted(requirement)!r} has options of an installer", "leave nothing but --hash= there"
        )
    target.append(requirement)
    if not hashes:
        if target is found.lines:
            unhashed.append(requirement)
        return
    pin = pin_of(requirement)
    if not pin:
        checked(requirement)
        raise DependencyError(
            f"{path}: {requirement!r} has hashes but no exact version", "pin it with == as tools that write hashes do"
        )
    found.hashes.setdefault(pin, []).extend(hashes)


def _logical_lines(text: str) -> Iterator[str]:
    """The lines without comments, those joined that end in a backslash."""
    for line in re.sub(r"\\\r?\n", "", text).splitlines():
        if content := re.sub(r"(?:^|\s)#.*", "", line).strip():
            yield content


def _text(place: Path, includer: Path) -> str:
    try:
        return place.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise DependencyError(
            f"{includer} includes {redacted(str(place))}, which cannot be read: {reason}", "name a file that is there"
        ) from error


def _of_local_project(given: str, path: Path) -> list[str]:
    """The dependencies of a project whose own code travels with the step, as that of editable installations does."""
    match = _LOCAL.fullmatch(given.strip("\"' "))
    place = path.parent / (match.group(1) if match else given) / "pyproject.toml"
    if "://" in given or match is None or not place.parent.is_dir():
        raise DependencyError(
            f"{path}: the editable {redacted(given)} is no folder here",
            "check it out here, or build a wheel of it, name its folder in UV_FIND_LINKS, and ask for it by name",
        )
    if not place.is_file():
        return []
    from fairing_kfp.preprocess.project import declared

    return declared(place, [extra.strip() for extra in (match.group(2) or "").split(",") if extra.strip()], ())
