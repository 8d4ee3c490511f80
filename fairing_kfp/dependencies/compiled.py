"""Compiling requirements with uv: the wheels that fit a target."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from fairing_kfp.dependencies import uv
from fairing_kfp.dependencies.indexes import sources_project
from fairing_kfp.dependencies.lock import Lock
from fairing_kfp.dependencies.requirements import Requirements, normalized_requirement
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import SourceOnlyError

_OUTPUT = "pylock.toml"
# pylock.toml (PEP 751) shows which hashes belong to compatible wheels: a numpy release has 70 others.
_COMPILE = ("--generate-hashes", "--no-annotate", "--no-header", "--format", _OUTPUT)


def wheels_only(built: Iterable[str] = ()) -> tuple[str, ...]:
    """The options that restrict uv to wheels, except for the given packages, which are built from source."""
    return "--only-binary", ":all:", *(option for name in built for option in ("--no-binary", name))


def compiled(
    requirements: Requirements,
    lines: Sequence[str],
    constraints: Sequence[str],
    target: Target,
    preferred: Mapping[str, str],
    *extra: str,
    warn: Callable[[str], None] = lambda warning: None,
) -> Lock:
    """The lock of some of the requirements. Only packages without a wheel are built, and only if that is allowed.

    Args:
        requirements: the requirements, which say whether packages may be built, and which indexes have some of them.
        lines: the packages to lock.
        constraints: limits on the versions of any package.
        target: the target of the wheels.
        preferred: versions to prefer to the newest, by canonical name.
        extra: further options of uv.
        warn: called with uv's warnings.

    Raises:
        DependencyError: the requirements cannot be resolved.
    """
    with tempfile.TemporaryDirectory() as folder:
        output, bounds = Path(folder, _OUTPUT), Path(folder, "constraints.txt")
        inputs: tuple[str, ...] = ("-",)
        if project := sources_project(requirements.sources, lines):
            Path(folder, "pyproject.toml").write_text(project, "utf-8")
            inputs = ("-", str(Path(folder, "pyproject.toml")))
        if preferred:  # uv prefers the versions in an existing output file
            packages = (f'[[packages]]\nname = "{name}"\nversion = "{preferred[name]}"\n' for name in sorted(preferred))
            output.write_text("\n".join(['lock-version = "1.0"\ncreated-by = "fairing-kfp"\n', *packages]), "utf-8")
        bounds.write_text("\n".join(constraints), "utf-8")
        files = {normalized_requirement(wheel.line): wheel.url for wheel in requirements.wheels}
        # The option `--constraints` would override the user's own.
        text = "\n".join([f"-c {bounds.as_posix()}", *(files.get(line, line) for line in lines)])
        built: list[str] = []
        while True:
            options = (*inputs, *_COMPILE, *wheels_only(built), *target.uv_options, *extra, "-o", str(output))
            try:
                uv.run_pip("compile", options, text, str(target), warn)
            except SourceOnlyError as error:
                more = [name for name in error.names if name not in built]
                if not requirements.build or not more:
                    raise
                built += more
            else:
                return Lock.from_pylock(target, output.read_text("utf-8"))
