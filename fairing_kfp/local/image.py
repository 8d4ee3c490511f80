"""Local images: a component's image in a local run, as unpacked layers or as an image of the Docker Engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.lock import Lock
from fairing_kfp.dependencies.pipeline_lock import PipelineLock
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.target import Target
from fairing_kfp.dependencies.unpacked import unpack
from fairing_kfp.frozen import dataclass
from fairing_kfp.image.layer import Layer
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.local.launch import Launch
from fairing_kfp.local.root import bare_python, root_digest, unpack_root
from fairing_kfp.preprocess.image_paths import COMMAND, DEPENDENCIES, ROOT, SERVE, WORKING
from fairing_kfp.preprocess.source import ComponentSource
from fairing_kfp.recipe import server_layer
from fairing_kfp.recipe.component import requirements_of
from fairing_kfp.recipe.image_recipe import ImageRecipe
from fairing_kfp.recipe.runtime_layer import local_runtime_layer
from fairing_kfp.settings import Settings


@dataclass(frozen=True)
class LocalImage:
    """How the steps of a component run on this machine.

    Attributes:
        image: reference that replaces the component's image; steps are reused while it is unchanged.
        launch: starts a step.
        warnings: warnings for the author.
        layers: its layers above the base image; with this interpreter those of packages are none, but folders.
        packages: its packages, as `name==version`.
    """

    image: str
    launch: Launch
    warnings: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    packages: tuple[str, ...] = ()


def unpacked_image(
    source: ComponentSource, settings: Settings, cache: Cache, pipeline_lock: PipelineLock
) -> LocalImage:
    """Unpacks the layers of a component's image, to run it with this interpreter.

    Packages, and those that the base image provides (`provided=`), are resolved for this machine: at the versions
    locked for the image, unless they have no wheel for this machine. The lock file is not changed.

    Raises:
        FairingError: the component cannot be packed, or its packages cannot be resolved.
    """
    bundle = source.bundle(settings.allow_secrets)
    layers = [local_runtime_layer(), *bundle.layers]
    trees: dict[str, Path] = {}
    packages: tuple[str, ...] = ()
    lock, warnings, program = "", bundle.warnings, COMMAND[1]
    if bundle.serves:
        server = server_layer.server_lock(Target.for_host())
        layers.append(layer_of_files("server", server_layer.server_files()))
        trees[server_layer.PACKAGES], lock, program = unpack(server, cache), server.digest, SERVE[1]
    if source.packages or source.provided:
        requirements = requirements_of(source, bundle, settings)
        versions = pipeline_lock.locked_versions(requirements)
        resolved = resolve(requirements, Target.for_host(), cache, versions)
        trees[DEPENDENCIES], lock = unpack(resolved, cache), lock + resolved.digest
        packages = resolved.requirements
        warnings += (*_version_warnings(source.name, resolved, versions), *resolved.notes)
    digest = root_digest(layers, lock, source.env or {})
    root = unpack_root(layers, trees, digest, cache)
    command = [str(bare_python(cache)), str(root / Path(program).relative_to(f"/{ROOT}"))]
    # Unpacked packages are shared and must not change, so bytecode goes elsewhere.
    env = {"PYTHONPYCACHEPREFIX": str(cache.root / "pycache"), **(source.env or {})}
    launch = Launch(source.name, "subprocess", command, env)
    outside = [file.path for file in bundle.placed if not file.path.startswith(f"{WORKING}/")]
    missing = [f"{source.name}: /{path} exists in the image only, not in a run without Docker" for path in outside]
    reference = f"fairing.local/{source.name}@{digest}"
    return LocalImage(reference, launch, (*warnings, *missing), tuple(layers), packages)


def docker_image(
    recipe: ImageRecipe, reference: str, options: Mapping[str, Any] | None, warning: str = ""
) -> LocalImage:
    """The local image of a published image, which runs in containers.

    Args:
        recipe: the image's recipe.
        reference: the image by digest.
        options: extra arguments of docker's `containers.create`.
        warning: additional warning for the author.
    """
    command = list(SERVE if recipe.bundle.serves else COMMAND)
    launch = Launch(recipe.name, "docker", command, {}, reference, dict(options or {}), secrets=recipe.secrets)
    warnings = (*recipe.bundle.warnings, *([warning] if warning else ()))
    return LocalImage(reference, launch, warnings, recipe.image.images[0].layers, recipe.packages)


def _version_warnings(name: str, resolved: Lock, versions: Mapping[str, str]) -> tuple[str, ...]:
    """Warns of packages whose versions differ from those locked for the image."""
    differences = [
        f"{package} {pin.version} instead of {versions[package]}"
        for package, pin in resolved.pins.items()
        if package in versions and pin.version != versions[package]
    ]
    if not differences:
        return ()
    return (f"{name} runs with {', '.join(differences)}: fairing.lock's versions have no wheel for this machine",)
