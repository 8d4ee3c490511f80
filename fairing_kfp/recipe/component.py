"""The recipe of a component: its source → code, packages and image; nothing is pushed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fairing_kfp.errors import ConfigError
from fairing_kfp.image.image import Image, combine
from fairing_kfp.image.reference import Reference
from fairing_kfp.preprocess.image_paths import SERVE
from fairing_kfp.preprocess.source import AUTHORS_PYTHON, ComponentSource
from fairing_kfp.recipe.defaults import chosen_base, chosen_compression, chosen_platforms
from fairing_kfp.recipe.image_recipe import ImageRecipe
from fairing_kfp.recipe.runtime_layer import runtime_layer
from fairing_kfp.settings import Settings

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.dependencies.lock import Lock
    from fairing_kfp.dependencies.pipeline_lock import PipelineLock
    from fairing_kfp.dependencies.requirements import Requirements
    from fairing_kfp.dependencies.target import Target
    from fairing_kfp.image.layer import File, Layer
    from fairing_kfp.image.platform import Platform
    from fairing_kfp.preprocess.bundle import Bundle


def component_recipe(
    source: ComponentSource, settings: Settings, cache: Cache, lock: PipelineLock | None = None
) -> ImageRecipe:
    """Packs a component's code, and resolves its packages; only packages that are not cached need the network.

    Args:
        source: the component's source.
        settings: the project's settings.
        cache: the cache of packages and their layers.
        lock: the pipeline's lock of packages and base images; by default, the versions in the cache, or the newest.

    Raises:
        PackError: the code cannot be packed.
        SecretError: it seems to contain a credential.
        DependencyError: the packages cannot be resolved for the image's Python and a platform.
        ConfigError: an option or setting is malformed, or the compression's library is not installed.
        LockError: the lock file must not change, and would.
    """
    compression = chosen_compression(settings)
    bundle = source.bundle(settings.allow_secrets)
    base = chosen_base(settings, AUTHORS_PYTHON, source.code.folder, source.base_image)
    if lock is not None and isinstance(base, Reference):
        base = lock.base(base)
    declared_python = _declared_python(source)
    platforms = platforms_of(source, settings)
    packages: dict[Platform, dict[Layer, tuple[str, ...]]] = {platform: {} for platform in platforms}
    locks: dict[str, Lock] = {}
    libc_files: tuple[File, ...] = ()
    if source.packages and (requirements := requirements_of(source, bundle, settings)).lines:
        from fairing_kfp.dependencies.layers import dependency_layers
        from fairing_kfp.dependencies.pipeline_lock import PipelineLock
        from fairing_kfp.dependencies.target import libc_check_files
        from fairing_kfp.dependencies.unpacked import minimum_libc

        lock = lock or PipelineLock(cache)
        libc_names = []
        for platform in platforms:
            locked = lock.lock(requirements, target_of(source, settings, platform))
            # Platforms that resolve to the same wheels, all pure Python, share the layers.
            packages[platform] = dependency_layers(locked, cache, compression)
            locks.update({layer.digest: locked for layer in packages[platform]})
            libc_names.append(minimum_libc(locked, cache))
        libc_files = libc_check_files(libc_names)
    # Compiled own modules are refused, so the runtime layer and the code layer fit all platforms.
    compiled: tuple[File, ...] = ()
    if bundle.modules:
        from fairing_kfp.recipe.byte_code import byte_code

        compiled = byte_code(bundle.modules)
    bundle = bundle.with_files(libc_files, compiled)
    code = bundle.layers
    images = []
    for platform in platforms:
        server: tuple[Layer, ...] = ()
        if bundle.serves:
            from fairing_kfp.recipe.server_layer import server_layers, server_lock

            target = target_of(source, settings, platform)
            server = server_layers(target, cache, compression)
            locks.update({layer.digest: server_lock(target) for layer in server[:1]})  # of the packages
        image = Image(
            name=source.name,
            base=base,
            layers=(runtime_layer(), *server, *packages[platform], *code),
            platform=platform,
            python_version=AUTHORS_PYTHON,
            declared_python=declared_python,
            env=source.env or {},
            command=SERVE if bundle.serves else None,
            tag=source.tag,
        )
        images.append(image)
    by_layer = {layer.digest: pins for layers in packages.values() for layer, pins in layers.items()}
    return ImageRecipe(source.name, bundle, combine(images), by_layer, source.builder, tuple(source.secrets), locks)


def platforms_of(source: ComponentSource, settings: Settings) -> tuple[Platform, ...]:
    """The platforms of a component's image.

    Raises:
        PlatformError: a platform is malformed.
    """
    return chosen_platforms(settings, source.platforms)


def target_of(source: ComponentSource, settings: Settings, platform: Platform) -> Target:
    """The target of a component's wheels on a platform.

    Raises:
        DependencyError: wheels cannot be resolved for the platform.
        ConfigError: wheels cannot be resolved for the C library.
    """
    from fairing_kfp.dependencies.target import Target

    return Target.for_image(AUTHORS_PYTHON, str(platform), source.libc or settings.libc)


def requirements_of(source: ComponentSource, bundle: Bundle, settings: Settings) -> Requirements:
    """The requirements of a component.

    Args:
        source: the component's source.
        bundle: its code, whose imports `packages="environment"` reads.
        settings: the project's settings.

    Raises:
        DependencyError: a file of requirements is missing or malformed, or a requirement is malformed.
    """
    from fairing_kfp.dependencies.formats import read_requirements

    return read_requirements(
        source.packages,
        bundle,
        source.code.folder,
        provided=source.provided,
        extras=source.extras,
        groups=source.groups,
        build=settings.build if source.build is None else source.build,
    )


def _declared_python(source: ComponentSource) -> str | None:
    version = source.python_version
    if version is not None and not re.fullmatch(r"3\.\d+(\.\d+)?", version):
        raise ConfigError(
            f"{source.name}: python_version={version!r} is not a Python version", 'write it as python_version="3.12"'
        )
    return version
