"""A component's source → its code, its dependencies and its image, before anything is sent."""

from __future__ import annotations

import functools
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, get_args

from fairing_kfp.errors import ConfigError
from fairing_kfp.image.dockerfile import parse_base
from fairing_kfp.image.image import Image
from fairing_kfp.image.layer import Compression, Layer
from fairing_kfp.image.multi_image import MultiImage, Recipe
from fairing_kfp.image.platform import Platform
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.places import DEPENDENCIES
from fairing_kfp.preprocess.runtime_files import runtime_files
from fairing_kfp.settings import Settings
from fairing_kfp.source import ComponentSource

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.preprocess.lock import Lock

DEFAULT_PLATFORM = "linux/amd64"


@dataclass(frozen=True)
class Prepared:
    """A component, ready to be published.

    Attributes:
        source: what it was made of.
        bundle: its files.
        image: its image, of one platform or several; its lowest layers change least often.
        requirements: the locked requirements of its dependencies on any of its platforms, one a line.
    """

    source: ComponentSource
    bundle: Bundle
    image: Recipe
    requirements: tuple[str, ...] = ()


@functools.cache
def runtime_layer() -> Layer:
    """The layer that every step shares; made once."""
    return Layer.of_files("runtime", runtime_files())


def prepare(source: ComponentSource, settings: Settings, cache: Cache) -> Prepared:
    """Makes a component's image as a recipe; only dependencies may need the network, where they were never resolved.

    Raises:
        PackError: its code cannot be packed.
        DependencyError: its packages cannot be resolved for the image's Python and a platform.
        ConfigError: the compression is unknown, or its library is not installed.
    """
    compression = compression_of(settings)
    packed = source.bundle()
    names = source.platforms or settings.platforms or (DEFAULT_PLATFORM,)
    platforms = dict.fromkeys(Platform.parse(name) for name in names)
    python = (sys.version_info[0], sys.version_info[1])
    # Own modules that are compiled were refused, so that one runtime layer and one of code serve all platforms.
    own = packed.layers
    base = parse_base(source.base_image or settings.base_image or default_base(python), source.code.folder)
    declared = _checked_python(source)
    requirements: dict[str, None] = {}
    images = []
    for platform in platforms:
        layers = [runtime_layer()]
        if source.packages:
            dependencies, locked = _dependencies(source, python, platform, compression, cache)
            layers.append(dependencies)
            requirements.update(dict.fromkeys(locked))
        image = Image(
            name=source.name,
            base=base,
            layers=(*layers, *own),
            platform=platform,
            python_version=python,
            declared_python=declared,
            env=source.env or {},
            tag=source.tag,
        )
        images.append(image)
    whole = images[0] if len(images) == 1 else MultiImage(tuple(images))
    return Prepared(source, packed, whole, tuple(requirements))


def default_base(python: tuple[int, int]) -> str:
    """The base image where none is named."""
    return f"python:{python[0]}.{python[1]}-slim"


def _dependencies(
    source: ComponentSource, python: tuple[int, int], platform: Platform, compression: Compression, cache: Cache
) -> tuple[Layer, tuple[str, ...]]:
    """The layer of a component's packages for a platform, and what it holds.

    Where two platforms get the same wheels, which are pure then, their trees are the same bytes, and so one layer.
    """
    from fairing_kfp.preprocess import dependencies  # starts uv

    lock = dependencies.resolve(source.packages, dependencies.Target.for_image(python, str(platform)), cache)
    return dependencies_layer(lock, compression, cache), lock.requirements


def dependencies_layer(lock: Lock, compression: Compression, cache: Cache) -> Layer:
    """The layer of locked packages.

    Raises:
        DependencyError: wheels cannot be fetched, or differ from the lock.
    """
    from fairing_kfp.preprocess import dependencies  # starts uv

    tree = dependencies.unpack(lock, cache)
    key = f"{DEPENDENCIES} {lock.digest}"
    return Layer.of_tree("dependencies", tree, DEPENDENCIES, cache, key, compression)


def compression_of(settings: Settings) -> Compression:
    """How layers of packages are compressed.

    Raises:
        ConfigError: the compression is unknown.
    """
    if settings.compression not in get_args(Compression):
        raise ConfigError(f"there is no compression {settings.compression!r}", "use gzip or zstd")
    return cast(Compression, settings.compression)


def _checked_python(source: ComponentSource) -> str | None:
    version = source.python_version
    if version is not None and not re.fullmatch(r"3\.\d+(\.\d+)?", version):
        raise ConfigError(
            f"python_version={version!r} of {source.name} is no Python version", 'write it as python_version="3.12"'
        )
    return version
