"""The content of artifacts, from the pages of Kubeflow Pipelines."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

import urllib3

from fairing_kfp.errors import KfpError

if TYPE_CHECKING:
    from fairing_kfp.remote.connect import Kfp

_SOURCES = {"minio": "minio", "s3": "s3", "gs": "gcs"}
_CHUNK = 1 << 20
_WHOLE = 2**53 - 1  # bytes; with a limit, the pages give a file of Google Cloud Storage unchanged


def download_from_page(kfp: Kfp, uri: str, store: str, target: Path, on_bytes: Callable[[int], None]) -> None:
    """Downloads an artifact into a new file, or a folder if it is one.

    Args:
        kfp: connection with Kubeflow Pipelines.
        uri: its URI.
        store: the description of its store in ML Metadata.
        target: the new file or folder.
        on_bytes: called with the number of bytes of each part that is written.

    Raises:
        KfpError: the pages do not serve it.
        OSError: the target cannot be written.
    """
    if not kfp.page:
        raise KfpError("the address of the pages is unknown", "set KF_PIPELINES_UI_ENDPOINT to it")
    parts = urlsplit(uri)
    source = _SOURCES[parts.scheme]
    query = {
        "namespace": kfp.namespace or "",
        "providerInfo": store,
        "peek": str(_WHOLE) if source == "gcs" else "",
    }
    url = f"{kfp.page.rstrip('/')}/artifacts/{source}/{parts.netloc}/{quote(parts.path.lstrip('/'))}"
    url += f"?{urlencode({name: value for name, value in query.items() if value})}"
    unserved = KfpError(f"{kfp.page} does not serve it", "use the address of the pages as --host", status=404)
    try:
        response = kfp.send("download artifacts", "GET", url, {"Accept": "*/*"})
    except KfpError as error:
        raise unserved if error.status in (404, 405, 501) else error from error
    try:
        kind = response.headers.get("Content-Type", "")
        if kind.startswith("text/html"):  # the page of another host; artifacts have no type
            raise unserved
        if kind.startswith("application/gzip") and "attachment" in response.headers.get("Content-Disposition", ""):
            _unpack(response, target, on_bytes)
            return
        with target.open("wb") as file:
            _copy(response, file, on_bytes)
        if source == "gcs" and not target.stat().st_size:
            raise KfpError(f"{kfp.page} gives no content: it is a folder, or empty", "")
    except (urllib3.exceptions.HTTPError, tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise KfpError(f"the download from {kfp.page} broke off: {error}", "try again") from error
    finally:
        response.release_conn()


def _unpack(response: Any, folder: Path, on_bytes: Callable[[int], None]) -> None:
    """Unpacks the files of a folder, which the pages give as a tarball."""
    folder.mkdir()
    with gzip.GzipFile(fileobj=response) as unzipped, tarfile.open(fileobj=unzipped, mode="r|") as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            content = archive.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            if path.is_absolute() or ".." in path.parts:
                raise tarfile.TarError(f"the file {member.name} is outside of the folder")
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as written:
                _copy(content, written, on_bytes)
        while unzipped.read(_CHUNK):  # up to the checksum at its end
            pass


def _copy(source: Any, target: BinaryIO, on_bytes: Callable[[int], None]) -> None:
    while chunk := source.read(_CHUNK):
        on_bytes(target.write(chunk))
