from __future__ import annotations

import sys

import pytest
import zstandard

from fairing_kfp.errors import ConfigError
from fairing_kfp.layers.compression import compressor, identity


def test_the_version_is_in_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    assert identity("gzip").startswith("isal ")
    before = identity("zstd")
    monkeypatch.setattr(zstandard, "ZSTD_VERSION", (9, 9, 9))
    assert identity("zstd") != before
    assert "9.9.9" in identity("zstd")


def test_without_zstd_the_remedy_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    for use in (compressor, identity):
        with pytest.raises(ConfigError) as caught:
            use("zstd")
        assert "fairing-kfp[zstd]" in caught.value.remedy
