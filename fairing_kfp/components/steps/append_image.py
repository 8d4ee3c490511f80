"""`append_image`: a bundle on a base image → an image by digest."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from fairing_kfp.cache.store import Cache
from fairing_kfp.components.code_bundle import CodeBundle
from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.package_layers import INDEX, PackageLayers
from fairing_kfp.components.pushed_image import push_image
from fairing_kfp.components.registries import (
    CA,
    CACHING,
    CREDENTIALS,
    INSECURE,
    MOUNT_LOGIN,
    PLATFORMS,
    SERVICE,
    bases,
    connected,
    image_reference,
    repository_name,
)
from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import ConfigError
from fairing_kfp.image.base import Base
from fairing_kfp.image.image import Image, combine
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.preprocess.image_paths import DEPENDENCIES, WORKING


def run(given: StepInputs) -> StepResult:
    """Builds the image in the registry; everything is read and checked before anything is sent.

    Raises:
        PackError: the bundle is damaged.
        ConfigError: the repository has a tag or digest, or the Python of the base is unknown.
        InvalidReferenceError: a name of an image is malformed.
        ImageError: the base cannot be used, or lacks a platform.
        DependencyError: the layers are damaged or for another base, or the packages cannot be resolved.
        RegistryError: the base does not exist, or the image cannot be pushed.
    """
    base = image_reference(APPEND_IMAGE.name, "base_image", given.values["base_image"])
    target = repository_name(APPEND_IMAGE.name, "repository", given.values["repository"])
    platforms = tuple(dict.fromkeys(map(Platform.parse, given.values["platforms"])))
    bundle = CodeBundle.read(given.artifacts["bundle"])
    layers = PackageLayers.read(given.artifacts["layers"]) if "layers" in given.artifacts else None
    packages = Requirements.parse(given.values["packages"], provided=layers.lock.requirements if layers else ())
    with tempfile.TemporaryDirectory(prefix="fairing-append-") as scratch, connected(given.values) as client:
        cache, found = Cache.temporary(Path(scratch)), bases(base, client, platforms)
        if layers:
            for platform, one in found.items():
                layers.check_fits(str(base), platform, one.python)
        images, pins = [], set[str]()
        for platform, one in found.items():
            added = _added(base, platform, one, packages, cache, given.log)
            image, more = _image(bundle, base, platform, one, [made for made in (layers, added) if made])
            images.append(image)
            pins.update(more)
        pushed = push_image(combine(images), target, cache, client, given.log)
    return StepResult(
        f"{bundle.name} is an image in {target.name}",
        (
            ("image", pushed.reference),
            ("tag", pushed.plan.tag),
            ("base", pushed.plan.base),
            ("bundle", bundle.digest),
            ("command", " ".join(bundle.command)),
            ("sent", pushed.sent),
            *(("package", pin) for pin in sorted(pins)),
        ),
        {"image": pushed.reference},
    )


def _added(
    reference: Reference,
    platform: Platform,
    base: Base,
    packages: Requirements,
    cache: Cache,
    log: Callable[[str], None],
) -> PackageLayers | None:
    """The layers of the input `packages`, resolved for a base."""
    if not packages.lines:
        return None
    if base.python is None:
        raise ConfigError(
            f"{APPEND_IMAGE.name}: the Python of {reference} is unknown, so no packages can be resolved for it",
            "use resolve-dependencies, whose input python names the version",
        )
    target = Target.for_image(base.python, str(platform))
    log(f"resolving requirements for {target}: {len(packages.lines)}")
    return PackageLayers.make(resolve(packages, target, cache), cache)


def _image(
    bundle: CodeBundle, reference: Reference, platform: Platform, base: Base, packages: Sequence[PackageLayers]
) -> tuple[Image, tuple[str, ...]]:
    """The image of a bundle and packages on a base, and the packages."""
    layers = tuple(layer for made in packages for layer in made.layers)
    env = {"PYTHONUNBUFFERED": "1"}
    if layers:
        found = dict(variable.partition("=")[::2] for variable in base.env).get("PYTHONPATH", "")
        env["PYTHONPATH"] = ":".join(filter(None, [f"/{DEPENDENCIES}", found]))
    image = Image(
        name=re.sub(r"[^a-z0-9]+", "-", bundle.name.lower()).strip("-") or "code",
        base=reference.with_digest(base.reference.digest or ""),
        layers=(*layers, layer_of_files("code", bundle.image_files())),
        platform=platform,
        python_version=base.python,  # the files fit any; packages are checked
        env=env,
        command=bundle.command,
        working_folder=f"/{WORKING}",
    )
    return image, tuple(pin for made in packages for pin in made.lock.requirements)


APPEND_IMAGE = ReusableComponent(
    name="append-image",
    category="building",
    description="Puts a bundle on a base image and pushes the result, by digest, without Docker, daemon or privilege.",
    details=(
        "The bundle becomes one layer on top of the base image, and commands of the image start in its folder. "
        "Packages are below it: `layers` of `resolve_dependencies`, and `packages`, which are resolved here for the "
        f"Python and platforms of the base. {INDEX} Layers "
        "of the base that the registry has are mounted; only what it lacks is sent. The output `image` is a reference "
        "by digest, and a later task of the same run can run in it: "
        '`task.set_container_image(built.outputs["image"])`. An equal bundle on '
        f"an equal base gives an equal digest. {CACHING} {CREDENTIALS}"
    ),
    inputs=(
        Input("bundle", "artifact", "Bundle of a preprocess component."),
        Input("base_image", "str", "Base image, by tag or digest, such as `python:3.12-slim`."),
        Input("repository", "str", "Repository of the image, such as `registry.example.com/team/train`."),
        Input("layers", "artifact", "Layers of resolve_dependencies, for the same base image.", optional=True),
        Input("packages", "list", "Requirements to add, such as `numpy>=2`.", default=[]),
        PLATFORMS,
        INSECURE,
        CA,
    ),
    outputs=(Output("image", "str", "Reference of the image by digest."),),
    run=run,
    example=f'''\
preprocess_script = load("preprocessing/preprocess_script")
append_image = load("building/append_image")


@dsl.container_component
def train(depth: int, model: dsl.Output[dsl.Model]):
    """Runs the script of the image that the task before it built."""
    return dsl.ContainerSpec(
        image="python:3.12-slim",  # replaced below
        command=["python3", "/opt/fairing/code/files/train.py"],
        args=["--depth", depth, "--model", model.path],
    )


@dsl.pipeline(name="append-image-example")
def example(
    source: str = "s3://bucket/source",
    base_image: str = "python:3.12-slim",
    repository: str = "registry.example.com/team/train",
):
    """Builds an image in the cluster, and runs the next task in it."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    packed = preprocess_script(script="train.py", source=folder.output)
    built = append_image(bundle=packed.outputs["bundle"], base_image=base_image, repository=repository)
{MOUNT_LOGIN.format(task="built")}\
    trained = train(depth=8)
    trained.set_container_image(built.outputs["image"])
''',
    needs=(SERVICE,),
    tags=("building", "container", "oci"),
)
