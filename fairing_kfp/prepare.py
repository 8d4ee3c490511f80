"""A component's source → its code, its dependencies and its image, before anything is sent."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast, get_args

from fairing_kfp.errors import ConfigError
from fairing_kfp.image.dockerfile import parse_base
from fairing_kfp.image.image import Image
from fairing_kfp.image.layer import Compression, Layer
from fairing_kfp.image.multi_image import MultiImage, Recipe
from fairing_kfp.image.platform import Platform
from fairing_kfp.preprocess import libc
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.places import SERVE
from fairing_kfp.preprocess.runtime_files import runtime_files
from fairing_kfp.settings import Settings
from fairing_kfp.source import ComponentSource

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.preprocess.lock import Target
    from fairing_kfp.preprocess.locks import Locks
    from fairing_kfp.preprocess.requirements import Requirements

DEFAULT_PLATFORM = "linux/amd64"
AUTHORS_PYTHON = (sys.version_info[0], sys.version_info[1])
"""What steps are packed for: pickled code fits one minor version."""


@dataclass(frozen=True)
class Prepared:
    """An image, ready to be published: a component's, or our own.

    Attributes:
        name: the component's.
        bundle: its files; none of our own image, which has them in layers.
        image: its image, of one platform or several; its lowest layers change least often.
        holds: the packages in its layers, as `name==version`, by the layers' digests.
        builder: what makes it, where its component says so.
        secrets: the variables that Kubernetes brings its steps from Secrets.
    """

    name: str
    bundle: Bundle
    image: Recipe
    holds: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    builder: str | None = None
    secrets: tuple[str, ...] = ()

    @property
    def requirements(self) -> tuple[str, ...]:
        """The packages on any of its platforms."""
        return tuple(sorted({pin for pins in self.holds.values() for pin in pins}))


@functools.cache
def runtime_layer() -> Layer:
    """The layer that every step shares; made once."""
    return Layer.of_files("runtime", runtime_files())


def prepare(source: ComponentSource, settings: Settings, cache: Cache, locks: Locks | None = None) -> Prepared:
    """Makes a component's image as a recipe; only dependencies may need the network, where they were never resolved.

    Args:
        source: what it is made of.
        settings: those of the project.
        cache: keeps packages and their layers.
        locks: the kept versions of packages; without, those that the cache remembers hold, or else the newest.

    Raises:
        PackError: its code cannot be packed.
        DependencyError: its packages cannot be resolved for the image's Python and a platform.
        ConfigError: the compression is unknown, or its library is not installed.
    """
    compression = compression_of(settings)
    packed = source.bundle()
    python = AUTHORS_PYTHON
    base = parse_base(source.base_image or settings.base_image or default_base(python), source.code.folder)
    declared = _checked_python(source)
    holds: dict[str, tuple[str, ...]] = {}
    dependencies: dict[Platform, tuple[Layer, ...]] = dict.fromkeys(platforms_of(source, settings), ())
    needed = []
    if source.packages and (wanted := requirements_of(source, packed, settings)).lines:
        from fairing_kfp.dependency_layers import dependency_layers, needed_libc
        from fairing_kfp.preprocess.locks import Locks

        locks = locks or Locks(cache)
        for platform in dependencies:
            lock = locks.lock(wanted, target_of(source, settings, platform))
            # Where two platforms get the same wheels, which are pure then, their layers are the same bytes.
            found = dependency_layers(lock, cache, compression)
            dependencies[platform] = tuple(found)
            holds.update((layer.digest, pins) for layer, pins in found.items())
            needed.append(needed_libc(lock, cache))
    # Own modules that are compiled were refused, so that one runtime layer and one of code serve all platforms.
    own = replace(packed, files=(*packed.files, *libc.files(needed))).layers
    images = []
    for platform, layers in dependencies.items():
        server: tuple[Layer, ...] = ()
        if packed.serves:
            from fairing_kfp.serving.layer import server_layers

            server = server_layers(target_of(source, settings, platform), cache, compression)
        image = Image(
            name=source.name,
            base=base,
            layers=(runtime_layer(), *server, *layers, *own),
            platform=platform,
            python_version=python,
            declared_python=declared,
            env=source.env or {},
            command=SERVE if packed.serves else None,
            tag=source.tag,
        )
        images.append(image)
    whole = images[0] if len(images) == 1 else MultiImage(tuple(images))
    return Prepared(source.name, packed, whole, holds, source.builder, tuple(source.secrets))


def default_base(python: tuple[int, int]) -> str:
    """The base image where none is named."""
    return f"python:{python[0]}.{python[1]}-slim"


def platforms_of(source: ComponentSource, settings: Settings) -> tuple[Platform, ...]:
    """The platforms of a component's image."""
    names = source.platforms or settings.platforms or (DEFAULT_PLATFORM,)
    return tuple(dict.fromkeys(Platform.parse(name) for name in names))


def target_of(source: ComponentSource, settings: Settings, platform: Platform) -> Target:
    """What the wheels of a component must fit on a platform."""
    from fairing_kfp.preprocess.lock import Target

    return Target.for_image(AUTHORS_PYTHON, str(platform), source.libc or settings.libc)


def requirements_of(source: ComponentSource, packed: Bundle, settings: Settings) -> Requirements:
    """What a component asks for.

    Args:
        source: the component.
        packed: its code, whose imports count with `packages="environment"`.
        settings: those of the project.

    Raises:
        DependencyError: a file of requirements is missing, or a requirement malformed.
    """
    from fairing_kfp.preprocess.requirements import read_requirements  # starts uv

    return read_requirements(
        source.packages,
        packed,
        source.code.folder,
        provided=source.provided,
        extras=source.extras,
        groups=source.groups,
        build=settings.build if source.build is None else source.build,
    )


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
