"""Our own image: this package and its locked packages on a Python base, for steps that talk to Kubernetes.

Steps that talk to Google Cloud use a variant with Google's clients, which are large.

The image depends on the package's files, the locks next to this module, the base image and this Python's minor version:
everyone who publishes a release gets the same digest. It runs without root or privileges, and writes to `/tmp` only,
and only to build images.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.atomic_file import write_atomic
from fairing_kfp.builders.builder import Builder
from fairing_kfp.builders.progress import Progress
from fairing_kfp.builders.select import Builders
from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.layers import dependency_layers
from fairing_kfp.dependencies.lock import Lock
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import ConfigError
from fairing_kfp.image.image import Image, combine
from fairing_kfp.image.reference import Reference
from fairing_kfp.option_signature import lists_options
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.image_paths import DEPENDENCIES, PACKAGE
from fairing_kfp.recipe.defaults import USER, chosen_base, chosen_compression, chosen_platforms
from fairing_kfp.recipe.image_recipe import ImageRecipe
from fairing_kfp.recipe.package_layer import NAME, package_files, package_layer, version
from fairing_kfp.recipe.publish import publish_recipe
from fairing_kfp.settings import SettingOptions, Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.dependencies.pipeline_lock import PipelineLock

REFERENCE = "image.txt"
"""Name of the file that contains the image's reference by digest."""

_LOCKS = {"": "own_image.lock", "vertex": "own_image_vertex.lock"}
_ENV = {
    "FAIRING_KFP_CACHE": "/tmp/fairing-kfp",  # noqa: S108 - the user has no home
    "FAIRING_KFP_TRUST_CACHE": "1",  # everybody can write an emptyDir
    "PYTHONPATH": f"/{PACKAGE}:/{DEPENDENCIES}",
    "PYTHONUNBUFFERED": "1",  # logs are followed
    "UV_CACHE_DIR": "/tmp/uv",  # noqa: S108 - likewise
}


@lists_options(SettingOptions, described_by=Settings)
def publish_own_image(
    output: str | os.PathLike[str],
    *,
    extra: str = "",
    builder: Builder | str | None = None,
    cache: Cache | None = None,
    progress: Progress | None = None,
    **settings: Unpack[SettingOptions],
) -> str:
    """Publishes our own image, and writes its reference by digest to a file.

    Args:
        output: the folder in which `image.txt` is written.
        extra: `vertex` to include Google's clients.
        builder: as for `fairing_kfp.compile`.
        cache: the cache on disk; the user's by default.
        progress: reports the blobs that are pushed.
        settings: as for `fairing_kfp.compile`; the default base image has this Python's minor version.

    Returns:
        The image's reference by digest.

    Raises:
        FairingError: the image cannot be made or pushed; the file is not written.
    """
    builder_name, given = (builder, None) if isinstance(builder, str) else (None, builder)
    chosen = Settings.load(builder=builder_name, **settings)
    cache = cache or Cache()
    folder = _created(Path(output))
    with Builders(chosen, NAME, cache, progress, given) as builders:
        selected = builders.of()  # fails on missing settings before packages are fetched
        recipe = own_image(chosen, cache, extra)
        reference = publish_recipe(recipe, selected, builders)
    write_atomic(folder / REFERENCE, f"{reference}\n")
    return reference


publish = publish_own_image
"""The former name of `publish_own_image`."""


def own_image(settings: Settings, cache: Cache, extra: str = "", lock: PipelineLock | None = None) -> ImageRecipe:
    """The recipe of our own image; fetches locked packages that are not cached.

    Args:
        settings: the project's settings.
        cache: the cache of packages and their layers.
        extra: `vertex` to include Google's clients.
        lock: the lock of a pipeline, with the digest of the base image.

    Raises:
        DependencyError: the packages cannot be fetched.
        LockError: the base image is not locked, and the lock file must not change.
        ConfigError: the compression is unknown, or its library is not installed.
    """
    python = (sys.version_info[0], sys.version_info[1])
    compression = chosen_compression(settings)
    package = package_layer(package_files(), compression, cache)
    base = chosen_base(settings, python, Path.cwd())
    if lock is not None and isinstance(base, Reference):
        base = lock.base(base)
    text = Path(__file__).with_name(_LOCKS[extra]).read_text(encoding="utf-8")
    targets = {platform: Target.for_image(python, str(platform)) for platform in chosen_platforms(settings)}
    locked = {platform: Lock.from_requirements_file(target, text) for platform, target in targets.items()}
    packages = {platform: dependency_layers(one, cache, compression) for platform, one in locked.items()}
    name = f"{NAME}-{extra}" if extra else NAME
    # Image-spec, annotations.md, pre-defined annotation keys.
    labels = {"title": NAME, "version": version(), "licenses": "Apache-2.0"}
    images = [
        Image(
            name=name,
            base=base,
            layers=(*layers, package),
            platform=platform,
            python_version=python,
            env=_ENV,
            labels={f"org.opencontainers.image.{key}": value for key, value in labels.items()},
            user=USER,
        )
        for platform, layers in packages.items()
    ]
    by_layer = {layer.digest: pins for layers in packages.values() for layer, pins in layers.items()}
    locks = {layer.digest: locked[platform] for platform, layers in packages.items() for layer in layers}
    return ImageRecipe(name, Bundle(name, ()), combine(images), by_layer, locks=locks)


def _created(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot create the folder {folder}: {error.strerror}", "name another with -o") from error
    return folder
