"""Layers: file system changes as compressed tar archives, known by two digests."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from fairing_kfp.errors import PackError
from fairing_kfp.image import tar
from fairing_kfp.image.stored import store

if TYPE_CHECKING:  # the cache is handed in by the builders, which stand above
    from fairing_kfp.build.cache import Cache

Compression = Literal["gzip", "zstd"]

HELD = "held"
"""The kind of the records of layers that a registry holds, by digest: builders write them, and packing heeds them."""


@dataclass(frozen=True)
class File:
    """A file of an image.

    Attributes:
        path: relative to the root of the image, parts separated by `/`.
        data: its content.
        mode: its permission bits.
    """

    path: str
    data: bytes = field(repr=False)
    mode: int = 0o644


@dataclass(frozen=True)
class Layer:
    """A layer, ready to be sent.

    Attributes:
        name: what it holds, such as `code`; for people, and for the image's history.
        diff_id: the digest of the tar archive (image-spec, config.md, layer DiffID).
        digest: the digest of the compressed file, which registries know it by.
        size: the length of the compressed file.
        open: gives the compressed file from its beginning, as often as asked.
        compression: how it is compressed.
    """

    name: str
    diff_id: str
    digest: str
    size: int
    open: Callable[[], BinaryIO] = field(compare=False, repr=False)
    compression: Compression = "gzip"

    @classmethod
    def of_files(cls, name: str, files: Iterable[File]) -> Layer:
        """A small layer, whose digest depends on the files alone.

        Folders become entries of mode 0755, because not every runtime makes missing ones readable. An entry replaces a
        base's symbolic link of that path (such as `lib`), so files belong under a folder of their own.

        Raises:
            PackError: two files have one path, or a path is not one inside an image.
        """
        by_path: dict[str, File] = {}
        for file in files:
            tar.check(file.path)
            if file.path in by_path:
                raise PackError(f"two files of the {name} layer have the path {file.path!r}", "leave one of them out")
            by_path[file.path] = file
        folders = {parent for path in by_path for parent in tar.parents(path)}
        if clash := sorted(folders & by_path.keys()):
            raise PackError(f"{clash[0]!r} is both a file and a folder of the {name} layer", "rename one of them")

        parts = []
        for path in sorted(folders | by_path.keys()):  # so a folder stands before its content, too
            if path in folders:
                parts.append(tar.entry(path, tar.DIRECTORY, 0o755))
            else:
                data = by_path[path].data
                parts += [tar.entry(path, tar.FILE, by_path[path].mode, len(data)), data, tar.padding(len(data))]
        archive = b"".join([*parts, tar.END])
        blob = store(archive)
        return cls(name, _sha256(archive), _sha256(blob), len(blob), lambda: io.BytesIO(blob))

    @classmethod
    def of_tree(
        cls,
        name: str,
        root: Path | Callable[[], Path],
        prefix: str,
        cache: Cache,
        key: str,
        compression: Compression = "gzip",
    ) -> Layer:
        """A layer of a whole folder, packed once and remembered.

        Args:
            name: what it holds.
            root: the folder whose content is packed, or what makes it when it is needed. It is read when the cache does
                not hold the layer, or holds it damaged; so it must stay there until the layer was sent.
            prefix: where its content lies in the image, such as `opt/packages`.
            cache: keeps the packed layer.
            key: stands for the content of the folder, the prefix included.
            compression: `zstd` is smaller and faster, makes the image one of OCI's, and needs containerd or Docker 23.

        Raises:
            PackError: the folder holds what a layer cannot.
            CacheError: the cache cannot be written.
            ConfigError: zstd is not installed.
        """
        from fairing_kfp.image.packed import Packing  # isal: only where a tree is packed

        packing = Packing(name, root if callable(root) else lambda: root, prefix, cache, key, compression)
        packed = packing.find()
        # Checked when it is opened and not here: an image that is unchanged never reads its layers.
        return cls(name, packed.diff_id, packed.digest, packed.size, lambda: packing.open(packed), compression)


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
