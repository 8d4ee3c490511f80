"""The compressors of large layers, each pinned to one level and one thread.

Measured on an installed numpy, scipy and scikit-learn (@@ MB of tar), on one thread:

@@TABLE

gzip is ISA-L's igzip at level 2. Its level 3 has different code, with different output, for SSE, AVX2 and AVX-512; the
output of level 2 was the same on every x86-64 processor with SSE 4.2 that was tried (from Nehalem on), so that two
machines pack one layer. zstd's output depends on its version and level alone. Docker pulls zstd from 23.0 on.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

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


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise ConfigError(
            "compression = zstd needs the zstandard package", "pip install 'fairing-kfp[zstd]', or use gzip"
        ) from error
    return zstandard
