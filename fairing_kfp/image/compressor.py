"""The compressors of large layers, each pinned to one level and one thread.

Measured on an installed numpy, scipy and scikit-learn (202 MB of tar), on one thread; medians of five
interleaved runs, zlib 6 of three:

    zlib 6    5.37 s   59.8 MB      igzip 1   0.31 s   69.8 MB      zstd 1   0.39 s   63.7 MB
    zlib 1    2.09 s   68.6 MB      igzip 2   0.33 s   68.7 MB      zstd 3   0.65 s   54.9 MB
                                    igzip 3   0.51 s   66.8 MB      zstd 6   1.69 s   50.2 MB

gzip is ISA-L's igzip at level 2. Its level 3 has different code, with different output, for SSE, AVX2 and AVX-512; the
output of level 2 was the same on every x86-64 processor with SSE 4.2 that was tried (from Nehalem on), so that two
machines pack one layer. zstd is at level 3, where its output depends on version and level alone; containerd pulls it,
and Docker from 23.0 on.
"""

from __future__ import annotations

from typing import IO, Any, BinaryIO, Protocol, cast

from fairing_kfp.errors import ConfigError
from fairing_kfp.image.layer import Compression

_IGZIP_LEVEL = 2
_GZIP = 31  # wbits: the largest window, in a gzip frame
_ZSTD_LEVEL = 3


class Compressor(Protocol):
    """Compresses a stream."""

    def compress(self, data: bytes, /) -> bytes:
        """What can be said after more of the stream."""
        ...

    def flush(self) -> bytes:
        """What remains to be said at its end."""
        ...


def compressor(compression: Compression) -> Compressor:
    """A compressor of a new stream.

    Raises:
        ConfigError: the library that it needs is not installed.
    """
    if compression == "zstd":
        made = _zstandard().ZstdCompressor(level=_ZSTD_LEVEL, threads=0, write_checksum=True).compressobj()
        return cast(Compressor, made)
    from isal import isal_zlib

    return cast(Compressor, isal_zlib.compressobj(_IGZIP_LEVEL, wbits=_GZIP))


def identity(compression: Compression) -> str:
    """What a compressed layer's bytes depend on beside its content: the compressor, its level and its version.

    Raises:
        ConfigError: the library that it needs is not installed.
    """
    if compression == "zstd":
        return f"zstd {'.'.join(map(str, _zstandard().ZSTD_VERSION))} level {_ZSTD_LEVEL}"
    import isal

    return f"isal {isal.__version__} level {_IGZIP_LEVEL}"


def decompress_zstd(source: BinaryIO, target: IO[bytes]) -> None:
    """Writes what is in a zstd stream.

    Raises:
        ConfigError: the library that it needs is not installed.
    """
    _zstandard().ZstdDecompressor().copy_stream(source, target)


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise ConfigError(
            "compression = zstd needs the zstandard package", "pip install 'fairing-kfp[zstd]', or use gzip"
        ) from error
    return zstandard
