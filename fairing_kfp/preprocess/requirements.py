"""What a component asks for: the requirements behind `packages=`, in whichever form they were given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fairing_kfp.errors import ComponentError, DependencyError
from fairing_kfp.preprocess import indexes
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.requirement import checked

ENVIRONMENT = "environment"
CONSTRAINT = "-c "
"""What tells constraints from requirements, as in requirements files."""


@dataclass(frozen=True)
class Requirements:
    """Requirements of packages by name (PEP 508), each in one spelling, in order.

    Attributes:
        lines: what a step gets.
        provided: what its base image holds already; it is resolved too, so that versions agree, but not shipped.
        constraints: what versions are allowed of whatever is needed.
        hashes: for each pin `name==version` its allowed files. If there are any, all that is shipped is among them.
        build: whether pure wheels may be built here of what has none.
        sources: the indexes from which single ones of the lines come, where a project says so.
    """

    lines: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    hashes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    build: bool = False
    sources: tuple[indexes.Source, ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """The lines, the constraints marked as such, and the sources: what decides which versions a step gets."""
        return (*self.lines, *(f"{CONSTRAINT}{line}" for line in self.constraints), *map(str, self.sources))

    @classmethod
    def of(
        cls,
        lines: Iterable[str],
        provided: Iterable[str] = (),
        constraints: Iterable[str] = (),
        hashes: Mapping[str, Iterable[str]] | None = None,
        build: bool = False,
    ) -> Requirements:
        """The requirements of these texts.

        Raises:
            DependencyError: one is malformed, or not one of a package by name.
        """
        if isinstance(lines, str):  # else its letters would be looked up as packages
            raise DependencyError(f"packages is the text {lines!r}", f"make it a list: packages=[{lines!r}]")
        return cls(
            _ordered(lines),
            _ordered(provided),
            _ordered(constraints),
            {pin: tuple(sorted(given)) for pin, given in sorted((hashes or {}).items())},
            build,
        )

    def including(self, lines: Iterable[str]) -> Requirements:
        """The same with further requirements; a package that is asked for already stays as it is asked for."""
        known = {_name(line) for line in (*self.lines, *self.provided)}
        return replace(self, lines=_ordered((*self.lines, *(line for line in lines if _name(line) not in known))))


def read_requirements(
    packages: str | Sequence[str],
    bundle: Bundle,
    folder: Path,
    *,
    provided: Sequence[str] = (),
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    build: bool = False,
) -> Requirements:
    """What the options of a component ask for.

    Args:
        packages: requirements; `environment`; or the path of a `requirements*.txt`, `pyproject.toml` or `uv.lock`.
        bundle: the component's code.
        folder: where the path begins.
        provided: requirements that the base image holds.
        extras: optional dependencies of the project to include.
        groups: dependency groups of the project (PEP 735) to include.
        build: whether pure wheels may be built here.

    Raises:
        ComponentError: the form is none of these.
        DependencyError: a file is missing or malformed, or a requirement.
    """
    form = check_form(bundle.name, packages, extras, groups)
    found = _read(form, packages, bundle, folder, extras, groups)
    return replace(found, provided=_ordered(provided), build=build)


def check_form(name: str, packages: str | Sequence[str], extras: Sequence[str], groups: Sequence[str]) -> str:
    """Which form `packages=` has: `list`, `environment`, `requirements`, `project` or `lock`.

    Args:
        name: the component's, for messages.
        packages: what it gives.
        extras: optional dependencies, which projects and their locks have.
        groups: dependency groups, likewise.

    Raises:
        ComponentError: it has none of these forms.
    """
    file = PurePath(packages) if isinstance(packages, str) else PurePath()
    forms = {ENVIRONMENT: ENVIRONMENT, "pyproject.toml": "project", "uv.lock": "lock"}
    if not isinstance(packages, str):
        form = "list"
    elif packages == ENVIRONMENT or file.name in ("pyproject.toml", "uv.lock"):
        form = forms[file.name]
    elif file.suffix in (".txt", ".in") and re.search(r"requirements|constraints", "/".join(file.parts[-2:])):
        form = "requirements"
    else:
        raise ComponentError(f"{name}: packages={packages!r} is none of the known forms", _remedy(packages))
    if (extras or groups) and form not in ("project", "lock"):
        option = "extras" if extras else "groups"
        raise ComponentError(
            f"{name}: {option}= belongs to a project, and packages={packages!r} names none",
            'give packages="pyproject.toml" or packages="uv.lock"',
        )
    return form


def _read(
    form: str, packages: str | Sequence[str], bundle: Bundle, folder: Path, extras: Sequence[str], groups: Sequence[str]
) -> Requirements:
    if not isinstance(packages, str):
        return Requirements.of(packages)
    if form == ENVIRONMENT:
        from fairing_kfp.preprocess.environment_packages import installed_pins

        return Requirements.of(installed_pins(bundle))
    from fairing_kfp.preprocess import project

    path = folder / packages
    if not path.is_file():
        raise DependencyError(f"{bundle.name}: packages= names {path}, which is no file", _remedy(packages))
    if form == "requirements":
        return _of_file(_text(path), path)
    about = project.read(path.with_name("pyproject.toml"))
    if form == "project":
        found = Requirements.of(project.declared(path, extras, groups))
        return replace(found, sources=indexes.of_project(about, found.lines, extras, groups))
    found = _of_file(project.export_lock(path, extras, groups), path)
    return replace(found, sources=indexes.of_lock(about, project.read(path), found.lines))


def _of_file(text: str, path: Path) -> Requirements:
    from fairing_kfp.preprocess.requirements_file import read

    file = read(text, path)
    return Requirements.of(file.lines, constraints=file.constraints, hashes=file.hashes)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DependencyError(f"{path} cannot be read: {error}", "make it a readable text in UTF-8") from error


def _remedy(packages: str) -> str:
    return (
        f'give a list, packages=["{packages}"], or one of "environment", "requirements.txt", "pyproject.toml" and '
        f'"uv.lock", the path beginning at the folder of the component\'s file'
    )


def _ordered(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({checked(line) for line in lines}))


def _name(line: str) -> str:
    return canonicalize_name(Requirement(line).name)
