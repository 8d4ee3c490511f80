"""What the layers of a recipe contain: packages with hashes and licenses, and files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.attestation.contents import ImageContents, LayerContents, Package
from fairing_kfp.attestation.licenses import licenses_of
from fairing_kfp.dependencies.lock import Lock
from fairing_kfp.dependencies.target import Target
from fairing_kfp.recipe.package_layer import NAME, version

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.image.layer import Layer
    from fairing_kfp.recipe.image_recipe import ImageRecipe

_RUNTIME = {"kfp": ("Apache-2.0",), "cloudpickle": ("BSD-3-Clause",)}
"""The packages of the runtime layer, by name, with their licenses: fetching them to read these would take seconds."""


def contents_of(recipe: ImageRecipe, cache: Cache) -> ImageContents:
    """The contents of a recipe's layers.

    Raises:
        DependencyError: a package whose license is not known yet cannot be fetched.
        CacheError: the cache cannot be written.
    """
    layers = {layer.digest: layer for image in recipe.image.images for layer in image.layers}
    return ImageContents(recipe.name, tuple(_contents(layer, recipe, cache) for layer in layers.values()))


def _contents(layer: Layer, recipe: ImageRecipe, cache: Cache) -> LayerContents:
    lock = recipe.locks.get(layer.digest)
    if lock is not None:
        listed = recipe.packages_by_layer.get(layer.digest, lock.requirements)
        return LayerContents(layer.digest, layer.name, _locked(lock, [pin.partition("==")[0] for pin in listed], cache))
    own = Package(NAME, version(), licenses=("Apache-2.0",))
    if layer.name == "runtime":
        return LayerContents(layer.digest, layer.name, (own, *_runtime()))
    if layer.name in ("server", NAME):
        return LayerContents(layer.digest, layer.name, (own,))
    files = {"code": (*recipe.bundle.files, *recipe.bundle.compiled), "files": recipe.bundle.placed}.get(layer.name, ())
    return LayerContents(layer.digest, layer.name, files=tuple(files))


def _locked(lock: Lock, names: list[str], cache: Cache) -> tuple[Package, ...]:
    pins, licenses = lock.pins, licenses_of(lock, names, cache)
    return tuple(Package(name, pins[name].version, pins[name].hashes, licenses[name]) for name in names)


def _runtime() -> tuple[Package, ...]:
    text = Path(__file__).with_name("runtime.lock").read_text("utf-8")
    pins = Lock.from_requirements_file(Target.for_host(), text).pins
    return tuple(Package(name, pins[name].version, pins[name].hashes, known) for name, known in _RUNTIME.items())
