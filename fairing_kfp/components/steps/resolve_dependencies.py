"""`resolve_dependencies`: requirements → a lock, and the layers of its packages."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

from fairing_kfp.cache.store import Cache
from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.package_layers import INDEX, MOUNT_INDEX, PackageLayers
from fairing_kfp.components.registries import CA, INSECURE, bases, connected, image_reference
from fairing_kfp.dependencies.formats import read_requirements
from fairing_kfp.dependencies.requirements import Requirements, normalized
from fairing_kfp.dependencies.requirements_file import read as read_requirements_file
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import ConfigError, DependencyError
from fairing_kfp.image.platform import Platform
from fairing_kfp.preprocess.bundle import Bundle


def run(given: StepInputs) -> StepResult:
    """Resolves the requirements, fetches their wheels and makes their layers; no package is built or run.

    Raises:
        ConfigError: not exactly one of requirements and source is given, or the Python is unknown.
        DependencyError: the requirements are malformed, conflict, have no wheel, or differ from their hashes.
        RegistryError: the base image cannot be read.
    """
    requirements, target = _requirements(given), _target(given)
    with tempfile.TemporaryDirectory(prefix="fairing-resolve-") as scratch:
        cache = Cache.temporary(Path(scratch))
        given.log(f"resolving requirements for {target}: {len(requirements.lines)}")
        lock = resolve(requirements, target, cache)
        given.log(f"fetching packages: {len(lock.pins)}")
        made = PackageLayers.make(lock, cache)
        made.write(given.outputs["layers"])
    path = given.outputs["lock"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lock.text, encoding="utf-8")
    return StepResult(
        f"{len(lock.pins)} package{'s are' if len(lock.pins) != 1 else ' is'} resolved for {target}",
        (
            ("digest", made.digest),
            ("layers", f"{len(made.layers)}, {made.size:,} bytes"),
            *(("package", pin) for pin in lock.requirements),
        ),
        {"digest": made.digest},
        {"layers": {"digest": made.digest, "packages": list(lock.requirements)}},
    )


def _requirements(given: StepInputs) -> Requirements:
    name, text, source = RESOLVE_DEPENDENCIES.name, given.values["requirements"], given.artifacts.get("source")
    extras, groups = given.values["extras"], given.values["groups"]
    if (source is None) == (not text):
        raise ConfigError(f"{name} needs exactly one of requirements and source", "set either of them")
    if source is None or source.is_file():
        if extras or groups:
            raise ConfigError(f"{name}: extras and groups are those of a project", "set source and file")
        path = source or Path("requirements.txt")
        found = read_requirements_file(text or path.read_text(encoding="utf-8-sig"), path)
        found = replace(found, provided=normalized(given.values["provided"]))
    else:
        file = PurePosixPath(given.values["file"])
        if file.is_absolute() or ".." in file.parts or not (source / file).is_file():
            known = sorted(one.name for one in source.iterdir() if one.is_file())[:10]
            raise ConfigError(
                f"{name}: there is no file {file} in the source", f"the source contains {', '.join(known) or 'no file'}"
            )
        found = read_requirements(
            str(file), Bundle(name, ()), source, provided=given.values["provided"], extras=extras, groups=groups
        )
    if not found.lines:
        raise DependencyError(f"{name}: there are no requirements", "list the packages, or leave this task out")
    return found


def _target(given: StepInputs) -> Target:
    """The target: given, or that of the base image."""
    name, values = RESOLVE_DEPENDENCIES.name, given.values
    python, platforms = _python(values["python"]), tuple(map(Platform.parse, filter(None, [values["platform"]])))
    platform = str(platforms[0]) if platforms else "linux/amd64"
    if values["base_image"]:
        reference = image_reference(name, "base_image", values["base_image"])
        with connected(values) as client:
            [(chosen, base)] = bases(reference, client, platforms).items()
        platform = str(chosen)
        if python and base.python and python != base.python:
            raise ConfigError(
                f"{name}: python={values['python']!r}, but {reference} has Python {base.python[0]}.{base.python[1]}",
                "leave python out",
            )
        python = base.python or python
        if python is None:
            raise ConfigError(f"{name}: the Python of {reference} is unknown", 'name it, such as python="3.12"')
    return Target.for_image(python or (sys.version_info[0], sys.version_info[1]), platform, values["libc"] or None)


def _python(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d+)\.(\d+)", text)
    if found is None:
        raise ConfigError(
            f"{RESOLVE_DEPENDENCIES.name}: python={text!r} is not a minor version of Python", "write it like 3.12"
        )
    return int(found[1]), int(found[2])


RESOLVE_DEPENDENCIES = ReusableComponent(
    name="resolve-dependencies",
    category="building",
    description="Locks requirements to versions and hashes, and makes layers of their wheels, for append-image.",
    details=(
        "Requirements are a text, or a file of the source: a requirements file, with its includes and hashes, a "
        "`pyproject.toml` or a `uv.lock`. Versions are chosen for the Python and platform of the base image, or for "
        "those that are given. Only wheels are used, so no code of a package runs; hashes that the requirements list "
        "are verified. Each large package has its own layer, and the others share one, so that an image with the same "
        "packages sends nothing. The output `lock` is a requirements file with hashes: kept in the source, it gives "
        f"the same layers from then on. {INDEX}\n\n"
        "KFP's cache compares inputs: a cached task gives the versions that it chose before. Call "
        "`set_caching_options(False)` on the task for the newest. The step needs no root user, and writes to `/tmp`."
    ),
    inputs=(
        Input("requirements", "str", "Requirements, one per line, as in a requirements file.", default=""),
        Input("source", "artifact", "Folder with a file of requirements, or the file alone.", optional=True),
        Input("file", "str", "Requirements file, `pyproject.toml` or `uv.lock` in the source.", "requirements.txt"),
        Input("extras", "list", "Extras of the project to include.", default=[]),
        Input("groups", "list", "Dependency groups of the project to include.", default=[]),
        Input("provided", "list", "Requirements that the base image satisfies; they are not added.", default=[]),
        Input("base_image", "str", "Base image whose Python and platform the packages are for.", default=""),
        Input(
            "python",
            "str",
            "Python version, such as `3.12`, if the base image does not tell; by default the step's.",
            default="",
        ),
        Input("platform", "str", "Platform such as `linux/arm64`; the base's, or linux/amd64 by default.", default=""),
        Input("libc", "str", "Newest C library that wheels may require; `manylinux_2_28` by default.", default=""),
        INSECURE,
        CA,
    ),
    outputs=(
        Output("layers", "artifact", "Folder with the layers and `layers.json`."),
        Output("lock", "artifact", "Requirements file of the chosen versions and their hashes."),
        Output("digest", "str", "Digest of the layers."),
    ),
    run=run,
    example=f'''\
preprocess_script = load("preprocessing/preprocess_script")
resolve_dependencies = load("building/resolve_dependencies")
append_image = load("building/append_image")


@dsl.pipeline(name="resolve-dependencies-example")
def example(
    source: str = "s3://bucket/source",
    base_image: str = "python:3.12-slim",
    repository: str = "registry.example.com/team/train",
):
    """Builds an image of the script train.py and the packages in requirements.txt."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    packed = preprocess_script(script="train.py", source=folder.output)
    resolved = resolve_dependencies(source=folder.output, base_image=base_image)
{MOUNT_INDEX.format(task="resolved")}\
    append_image(
        bundle=packed.outputs["bundle"],
        layers=resolved.outputs["layers"],
        base_image=base_image,
        repository=repository,
    )
''',
    needs=("Python package index",),
    tags=("building", "dependencies", "packages"),
)
