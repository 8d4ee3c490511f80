"""Which compressed file stands for a folder's content: found in the cache where it can be, else made.

A layer is known by the digest of its tar archive, and by that of the compressed file. The second depends on the
compressor, whose releases differ, and an image's digest depends on it. So an archive that was compressed once keeps
its compressed file: as long as that is in the cache, or in a registry that we pushed it to, or can be made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fairing_kfp.errors import CacheError
from fairing_kfp.image.compressor import identity
from fairing_kfp.image.layer import HELD, Compression
from fairing_kfp.image.reference import is_digest
from fairing_kfp.image.tree import archive_digest, outline, pack

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache

_CONTENT = "content"  # what stands for a folder's content → the digest of its archive
_OUTLINE = "outline"  # archives of this outline were compressed before
_COMPRESSED = "compressed"  # the digest of an archive → its compressed files, by compressor, the oldest first


@dataclass(frozen=True)
class Packed:
    """A compressed archive: the digest of the archive, and digest and size of the file."""

    diff_id: str
    digest: str
    size: int


@dataclass(frozen=True)
class Packing:
    """The packing of one folder.

    Attributes:
        name: the layer's, for messages.
        root: gives the folder; only asked when it is read.
        prefix: where its content lies in the image.
        cache: keeps the compressed file.
        key: stands for the folder's content, the prefix included.
        compression: how it is compressed.
    """

    name: str
    root: Callable[[], Path]
    prefix: str
    cache: Cache
    key: str
    compression: Compression

    def find(self) -> Packed:
        """The compressed file, whose content need not be read; made when none is known."""
        diff_id = self.cache.record(_CONTENT, self.key)
        found = self._known(diff_id) if is_digest(diff_id) else None
        if found:
            return found
        # Reading and hashing is in vain for a new archive; but one whose headers are new is a new one.
        known_outline = self.cache.record(_OUTLINE, self._outline)
        if known_outline and (found := self._known(archive_digest(self.root(), self.prefix))):
            self.cache.put_record(_CONTENT, self.key, found.diff_id)
            return found
        return self._make()

    def open(self, packed: Packed) -> BinaryIO:
        """The compressed file from its beginning, made again if it is missing or damaged.

        Raises:
            CacheError: the folder, or the compressor, gives another one now.
        """
        path = self.cache.blob(packed.digest)
        if path is None:
            again = self._make(instead_of=packed)
            if again != packed:
                raise CacheError(
                    f"the {self.name} layer is not in the cache {self.cache.root} any more, and packs differently now",
                    "run the same command again: the new layer is in the cache",
                )
            path = self.cache.blob_path(packed.digest)
        return path.open("rb")

    @cached_property
    def _outline(self) -> str:
        return outline(self.root(), self.prefix)

    def _known(self, diff_id: str) -> Packed | None:
        """The oldest compressed file of an archive that is there, or can be had when it is needed."""
        for by, one in self._files(diff_id).items():
            digest, size = one["digest"], one["size"]
            there = _has_size(self.cache.blob_path(digest), size) or self.cache.record(HELD, digest) is not None
            if there or by == identity(self.compression):
                return Packed(diff_id, digest, size)
        return None

    def _make(self, instead_of: Packed | None = None) -> Packed:
        """Packs the folder and remembers the result; `instead_of` is not known any more if it is another."""
        packed = Packed(**pack(self.root(), self.prefix, self.cache, self.compression))
        if instead_of and instead_of != packed:
            kept = {
                by: one for by, one in self._files(instead_of.diff_id).items() if one["digest"] != instead_of.digest
            }
            self.cache.put_record(_COMPRESSED, self._compressed_key(instead_of.diff_id), list(kept.items()))
        files = {**self._files(packed.diff_id), identity(self.compression): asdict(packed)}
        self.cache.put_record(_COMPRESSED, self._compressed_key(packed.diff_id), list(files.items()))
        self.cache.put_record(_OUTLINE, self._outline, True)
        self.cache.put_record(_CONTENT, self.key, packed.diff_id)
        return packed

    def _files(self, diff_id: str) -> Mapping[str, Any]:
        return dict(self.cache.record(_COMPRESSED, self._compressed_key(diff_id)) or [])

    def _compressed_key(self, diff_id: str) -> str:
        return f"{self.compression} {diff_id}"


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False
