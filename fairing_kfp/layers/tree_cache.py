"""Layers of folders, packed once and then found in the cache.

A layer has two digests: of its tar archive and of the compressed file. The latter, and with it the image's digest,
changes with the release of the compressor. So an archive that was compressed once keeps its compressed file as long
as it is in the cache, or in a registry that it was pushed to, or can be made again by the same compressor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fairing_kfp.cache.store import KNOWN_REMOTE
from fairing_kfp.errors import CacheError
from fairing_kfp.frozen import dataclass
from fairing_kfp.image.layer import Compression, Layer
from fairing_kfp.image.reference import is_digest
from fairing_kfp.layers.compression import identity
from fairing_kfp.layers.tree import archive_digest, headers_digest, pack_tree

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache

_CONTENT = "content"  # key of a folder's content → digest of its archive
_HEADERS = "outline"  # digest of an archive's headers → whether such an archive was compressed before
_COMPRESSED = "compressed"  # digest of an archive → its compressed files by compressor, oldest first


def layer_of_tree(
    name: str,
    root: Path | Callable[[], Path],
    prefix: str,
    cache: Cache,
    key: str,
    compression: Compression = "gzip",
) -> Layer:
    """A layer of a folder, from the cache if possible.

    Args:
        name: the layer's name.
        root: the folder, or a function that makes it. It is read if the layer is not in the cache, or damaged there,
            so it must exist until the layer is sent.
        prefix: path of its content in the image, such as `opt/packages`.
        cache: the cache.
        key: a key of the folder's content and the prefix.
        compression: `zstd` is faster and smaller, but needs OCI media types, and containerd or Docker 23.

    Raises:
        PackError: the folder contains an entry that a layer cannot contain.
        CacheError: the cache is not writable, or the disk is full.
        ConfigError: the zstandard package is not installed.
    """
    cached = _CachedTree(name, root if callable(root) else lambda: root, prefix, cache, key, compression)
    packed = cached.find()
    # The blob is verified when it is read, since publishing an unchanged image does not read its layers.
    return Layer(
        name,
        packed.diff_id,
        packed.digest,
        packed.size,
        partial(cached.open, packed),
        compression,
        partial(cached.stream, packed),
    )


@dataclass(frozen=True)
class _PackedTree:
    """A compressed archive.

    Attributes:
        diff_id: the digest of the archive.
        digest: the digest of the compressed file.
        size: of the compressed file, in bytes.
    """

    diff_id: str
    digest: str
    size: int


@dataclass(frozen=True)
class _CachedTree:
    """A folder to be packed, or to be found in the cache.

    Attributes:
        name: the layer's name, for messages.
        root: returns the folder; called only when it is read.
        prefix: path of its content in the image.
        cache: the cache.
        key: a key of the folder's content and the prefix.
        compression: the compression.
    """

    name: str
    root: Callable[[], Path]
    prefix: str
    cache: Cache
    key: str
    compression: Compression

    def find(self) -> _PackedTree:
        """Finds the compressed archive in the cache, or packs the folder."""
        diff_id = self.cache.record(_CONTENT, self.key)
        found = self._known(diff_id) if is_digest(diff_id) else None
        if found:
            return found
        # The digest of the archive takes a pass over all files, and is useless for a new archive. New headers mean a
        # new archive.
        known_headers = self.cache.record(_HEADERS, self._headers_digest)
        if known_headers and (found := self._known(archive_digest(self.root(), self.prefix))):
            self.cache.put_record(_CONTENT, self.key, found.diff_id)
            return found
        return self._pack()

    def open(self, packed: _PackedTree) -> BinaryIO:
        """Opens the compressed file; packs the folder again if the file is missing or damaged.

        Raises:
            CacheError: the folder or the compressor has changed, so that the file cannot be made again.
        """
        path = self.cache.blob(packed.digest)
        if path is None:
            again = self._pack(replaces=packed)
            if again != packed:
                raise CacheError(
                    f"the {self.name} layer is not in the cache {self.cache.root} any more, and packs differently now",
                    "run the same command again: the new layer is in the cache",
                )
            path = self.cache.blob_path(packed.digest)
        return path.open("rb")

    def stream(self, packed: _PackedTree) -> BinaryIO:
        """Opens the compressed file like `open`, but it is verified by its last read: see `Layer`."""
        return self.cache.open_blob(packed.digest, packed.size) or self.open(packed)

    @cached_property
    def _headers_digest(self) -> str:
        return headers_digest(self.root(), self.prefix)

    def _known(self, diff_id: str) -> _PackedTree | None:
        """The oldest compressed file of an archive that is in the cache or a registry, or can be made again."""
        for by, one in self._files(diff_id).items():
            digest, size = one["digest"], one["size"]
            there = _has_size(self.cache.blob_path(digest), size) or self.cache.record(KNOWN_REMOTE, digest) is not None
            if there or by == identity(self.compression):
                return _PackedTree(diff_id, digest, size)
        return None

    def _pack(self, replaces: _PackedTree | None = None) -> _PackedTree:
        """Packs the folder and records the result; removes the record of a file that cannot be made again."""
        self.cache.on_miss(f"compressing {self.name}")
        packed = _PackedTree(**pack_tree(self.root(), self.prefix, self.cache, self.compression))
        if replaces and replaces != packed:
            kept = {by: one for by, one in self._files(replaces.diff_id).items() if one["digest"] != replaces.digest}
            self.cache.put_record(_COMPRESSED, self._compressed_key(replaces.diff_id), list(kept.items()))
        files = {**self._files(packed.diff_id), identity(self.compression): vars(packed)}
        self.cache.put_record(_COMPRESSED, self._compressed_key(packed.diff_id), list(files.items()))
        self.cache.put_record(_HEADERS, self._headers_digest, True)
        self.cache.put_record(_CONTENT, self.key, packed.diff_id)
        return packed

    def _files(self, diff_id: str) -> Mapping[str, Any]:
        """The known compressed files of an archive, by compressor."""
        return dict(self.cache.record(_COMPRESSED, self._compressed_key(diff_id)) or [])

    def _compressed_key(self, diff_id: str) -> str:
        return f"{self.compression} {diff_id}"


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False
