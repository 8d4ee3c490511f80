"""Our own image: this package and its locked packages upon a Python base, for steps that talk to Kubernetes.

For those that talk to Google Cloud there is one with Google's clients too, which are large.

It depends on the package's files, the lock beside them, the base and the minor version of the Python that makes it, so
that everybody who publishes a release gets one digest. It needs neither root nor privilege, and of its file system
nothing but `/tmp`, and that only where images are made.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ConfigError
from fairing_kfp.image.dockerfile import parse_base
from fairing_kfp.image.image import Image
from fairing_kfp.image.layer import Layer
from fairing_kfp.image.multi_image import MultiImage
from fairing_kfp.image.platform import Platform
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.places import DEPENDENCIES, PACKAGE
from fairing_kfp.settings import Settings
from fairing_kfp.whole_file import write_whole

if TYPE_CHECKING:
    from fairing_kfp.build.builder import Builder
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.build.progress import Progress
    from fairing_kfp.image.layer import Compression
    from fairing_kfp.prepare import Prepared

NAME = "fairing-kfp"
USER = "65532:65532"
"""Nobody in particular, as in distroless images; numbers, because Kubernetes' `runAsNonRoot` takes no name."""

REFERENCE = "image.txt"
"""The file that holds the image's name by digest."""

_LOCKS = {"": "own_image.lock", "vertex": "own_image_vertex.lock"}
_ENV = {
    "FAIRING_KFP_CACHE": "/tmp/fairing-kfp",  # noqa: S108 - a user without a name has no home
    "PYTHONPATH": f"/{PACKAGE}:/{DEPENDENCIES}",
    "PYTHONUNBUFFERED": "1",  # a step's log is followed as it is written
}


def publish(
    output: str | os.PathLike[str],
    *,
    extra: str = "",
    builder: Builder | str | None = None,
    cache: Cache | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> str:
    """Publishes our own image, and keeps its name by digest in a file.

    Args:
        output: the folder in which `image.txt` is written.
        extra: what it holds beside: `vertex`, Google's clients.
        builder: as for `fairing_kfp.compile`.
        cache: on disk; the user's by default.
        progress: is told of blobs as they are sent.
        settings: as for `fairing_kfp.compile`; the base image is that of this Python's minor version by default.

    Returns:
        The image by its digest.

    Raises:
        FairingError: the image cannot be made or sent; then no file is written.
    """
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.build.choose import Builders

    named, given = (builder, None) if isinstance(builder, str) else (None, builder)
    chosen = Settings.load(builder=named, **settings)
    cache = cache or Cache()
    folder = _folder(Path(output))
    with Builders(chosen, NAME, cache, progress, given) as builders:
        maker = builders.of()  # what it lacks shows before anything is fetched
        reference = maker.publish(own_image(chosen, cache, extra).image)
    write_whole(folder / REFERENCE, f"{reference}\n")
    return reference


def own_image(settings: Settings, cache: Cache, extra: str = "") -> Prepared:
    """Our own image, ready to be published; fetches the locked packages that the cache lacks.

    Args:
        settings: those of the project.
        cache: keeps packages and their layers.
        extra: as for `publish`.

    Raises:
        DependencyError: the packages cannot be fetched.
        ConfigError: the compression is unknown, or its library is not installed.
    """
    from fairing_kfp.prepare import DEFAULT_PLATFORM, Prepared, compression_of, default_base

    python = (sys.version_info[0], sys.version_info[1])
    compression = compression_of(settings)
    package = _package_layer(package_files(), compression, cache)
    base = parse_base(settings.base_image or default_base(python), Path.cwd())
    platforms = dict.fromkeys(map(Platform.parse, settings.platforms or (DEFAULT_PLATFORM,)))
    lock = Path(__file__).with_name(_LOCKS[extra]).read_text(encoding="utf-8")
    dependencies = {platform: _dependencies(lock, python, platform, compression, cache) for platform in platforms}
    name = f"{NAME}-{extra}" if extra else NAME
    images = tuple(
        Image(
            name=name,
            base=base,
            layers=(*dependencies[platform], package),
            platform=platform,
            python_version=python,
            env=_ENV,
            labels=_labels(),
            user=USER,
        )
        for platform in platforms
    )
    holds = {layer.digest: pins for layers in dependencies.values() for layer, pins in layers.items()}
    return Prepared(name, Bundle(name, ()), images[0] if len(images) == 1 else MultiImage(images), holds)


def package_files(root: Path | None = None) -> dict[str, bytes]:
    """The files of this package, by their paths below an import path; the same of a wheel and of a checkout.

    Args:
        root: the folder of the package; by default where it was imported from.
    """
    root = root or Path(__file__).parent
    files = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        for name in names:
            if not name.startswith(".") and not name.endswith((".pyc", ".pyo", "~")):
                path = Path(folder, name)
                files[f"{root.name}/{path.relative_to(root).as_posix()}"] = path.read_bytes()
    # What `importlib.metadata` needs. The installed one tells how it was installed, and by which release of what.
    described = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {_version()}\n"
    files[f"fairing_kfp-{_version()}.dist-info/METADATA"] = described.encode()
    return dict(sorted(files.items()))


def _package_layer(files: Mapping[str, bytes], compression: Compression, cache: Cache) -> Layer:
    """The layer of this package, compiled: nobody can keep its byte code in a file system that is read-only."""
    from fairing_kfp.preprocess.bytecode import compile_trees

    digests = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    value = json.dumps([PACKAGE, sys.version_info[:2], digests], sort_keys=True)
    key = hashlib.sha256(value.encode()).hexdigest()

    def made(scratch: Path) -> Path:
        tree = scratch / "tree"
        for path, data in files.items():
            place = tree / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        compile_trees([tree], PACKAGE)
        return tree

    tree = cache.folder("trees", key, made)
    return Layer.of_tree(NAME, tree, PACKAGE, cache, f"{PACKAGE} {key}", compression)


def _dependencies(
    text: str, python: tuple[int, int], platform: Platform, compression: Compression, cache: Cache
) -> dict[Layer, tuple[str, ...]]:
    from fairing_kfp.dependency_layers import dependency_layers
    from fairing_kfp.preprocess.lock import Lock, Target

    lock = Lock.of_requirements_file(Target.for_image(python, str(platform)), text)
    return dependency_layers(lock, cache, compression)


def _labels() -> dict[str, str]:
    """Image-spec, annotations.md, pre-defined annotation keys."""
    labels = {"title": NAME, "version": _version(), "licenses": "Apache-2.0"}
    return {f"org.opencontainers.image.{key}": value for key, value in labels.items()}


def _version() -> str:
    return metadata.version(NAME)


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{path} cannot be a folder: {error.strerror}", "name another place with -o") from error
    return path
