"""Compression of large layers: gzip or zstd, each with a fixed level and one thread.

Measured on a tar archive of numpy, scipy and scikit-learn (202 MB), on one thread; medians of five interleaved runs
(zlib 6: three):

    zlib 6    5.37 s   59.8 MB      igzip 1   0.31 s   69.8 MB      zstd 1   0.39 s   63.7 MB
    zlib 1    2.09 s   68.6 MB      igzip 2   0.33 s   68.7 MB      zstd 3   0.65 s   54.9 MB
                                    igzip 3   0.51 s   66.8 MB      zstd 6   1.69 s   50.2 MB

gzip uses ISA-L's igzip at level 2. At level 3, its code and output differ between SSE, AVX2 and AVX-512. At level 2,
the output was the same on all tested x86-64 processors with SSE 4.2 (Nehalem and later), so different machines pack
the same layer. zstd uses level 3; its output depends only on its version and level. containerd and Docker 23.0 pull it.
"""

from __future__ import annotations

from typing import IO, Any, BinaryIO, Protocol, cast

from fairing_kfp.errors import UnavailableError
from fairing_kfp.image.layer import Compression

_IGZIP_LEVEL = 2
_GZIP = 31  # wbits: the largest window, in a gzip frame
_ZSTD_LEVEL = 3


class Compressor(Protocol):
    """A streaming compressor."""

    def compress(self, data: bytes, /) -> bytes:
        """Compresses more data; returns the output so far."""
        ...

    def flush(self) -> bytes:
        """Ends the stream; returns the remaining output."""
        ...


def compressor(compression: Compression) -> Compressor:
    """Starts a compressed stream.

    Raises:
        UnavailableError: the compression's library is not installed.
    """
    if compression == "zstd":
        made = _zstandard().ZstdCompressor(level=_ZSTD_LEVEL, threads=0, write_checksum=True).compressobj()
        return cast(Compressor, made)
    from isal import isal_zlib

    return cast(Compressor, isal_zlib.compressobj(_IGZIP_LEVEL, wbits=_GZIP))


def identity(compression: Compression) -> str:
    """Library, version and level: with the content, they determine the compressed bytes.

    Raises:
        UnavailableError: the compression's library is not installed.
    """
    if compression == "zstd":
        return f"zstd {'.'.join(map(str, _zstandard().ZSTD_VERSION))} level {_ZSTD_LEVEL}"
    import isal

    return f"isal {isal.__version__} level {_IGZIP_LEVEL}"


def decompress_zstd(source: BinaryIO, target: IO[bytes]) -> None:
    """Decompresses a zstd stream into a file.

    Raises:
        UnavailableError: the zstandard package is not installed.
    """
    _zstandard().ZstdDecompressor().copy_stream(source, target)


def zstd_reader(source: BinaryIO) -> IO[bytes]:
    """The decompressed content of a zstd stream.

    Raises:
        UnavailableError: the zstandard package is not installed.
    """
    return cast("IO[bytes]", _zstandard().ZstdDecompressor().stream_reader(source))


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise UnavailableError(
            "compression = zstd needs the zstandard package", "pip install 'fairing-kfp[zstd]', or use gzip"
        ) from error
    return zstandard
