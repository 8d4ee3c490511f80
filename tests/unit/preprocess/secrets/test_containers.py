"""Archives, compressed files and pickles."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest

from fairing_kfp.preprocess.secrets.containers import members


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("a/b.txt")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"text"))
    return buffer.getvalue()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/b.txt", "text")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [tar(), gzip.compress(tar()), bz2.compress(tar()), lzma.compress(tar()), zipped()],
    ids=["tar", "gzip", "bzip2", "xz", "zip"],
)
def test_files_of_archives(data: bytes) -> None:
    assert list(members(data)) == [("a/b.txt", b"text")]


def test_compressed_files_and_others() -> None:
    assert list(members(gzip.compress(b"text"))) == [("", b"text")]
    assert list(members(b"text")) == []
    assert list(members(zipped()[:40])) == []
    assert list(members(gzip.compress(b"text" * 999)[:20])) == []
