"""Layers in the Job: each is requested from the author's machine when it is pushed, and verified."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO, cast

import urllib3

from fairing_kfp.builders.cluster.frames import CHUNK
from fairing_kfp.errors import DigestError, ImageError


@dataclass
class _Arriving:
    """A layer that was requested.

    Attributes:
        file: its bytes so far; deleted when it is closed.
        done: set when all bytes have arrived, or are known not to.
        url: the URL to download it from; empty if it arrives in frames.
        failed: whether the author's machine cannot send it.
    """

    file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    done: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    failed: bool = False


class ReceivedLayers:
    """The layers that arrive in one Job.

    Args:
        request: asks the author's machine for a layer, by its digest.
    """

    def __init__(self, request: Callable[[str], None]) -> None:
        self._request = request
        self._arriving: dict[str, _Arriving] = {}
        self._lock = threading.Lock()

    def open(self, digest: str, size: int) -> BinaryIO:
        """Requests a layer, waits until it has arrived, and opens it.

        Raises:
            ImageError: the layer cannot be sent or downloaded.
            DigestError: the bytes that arrived are damaged.
        """
        arriving = _Arriving()
        with self._lock:
            self._arriving[digest] = arriving
        self._request(digest)
        arriving.done.wait()
        try:
            if arriving.failed:
                raise ImageError(f"the layer {digest} cannot be read on the author's machine", "see its error there")
            if arriving.url:
                _download(arriving.url, digest, arriving.file)
            _verify(arriving.file, digest, size)
        except BaseException:
            arriving.file.close()
            raise
        return cast(BinaryIO, arriving.file)

    def receive(self, header: dict[str, Any], data: bytes) -> None:
        """Takes a frame of a layer."""
        arriving = self._arriving[header["layer"]]
        arriving.file.write(data)
        arriving.url = header.get("url", "")
        arriving.failed = header.get("failed", False)
        if header.get("last"):
            arriving.done.set()


def _download(url: str, digest: str, file: IO[bytes]) -> None:
    """Downloads a layer. The URL contains a signature, so no error quotes it."""
    host = urllib3.util.parse_url(url).netloc
    remedy = "check that pods reach the host of cluster_upload, and that its bucket has the layer"
    try:
        response = urllib3.request("GET", url, preload_content=False, retries=urllib3.Retry(3, backoff_factor=0.2))
        with response:
            if response.status != 200:
                raise ImageError(f"in the cluster, the store {host} answers {response.status} for {digest}", remedy)
            for chunk in response.stream(CHUNK):
                file.write(chunk)
    except urllib3.exceptions.HTTPError as error:
        cause = type(error.__context__ or error).__name__
        raise ImageError(f"in the cluster, the store {host} cannot be reached: {cause}", remedy) from None


def _verify(file: IO[bytes], digest: str, size: int) -> None:
    file.seek(0)
    hashed, length = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        hashed.update(chunk)
        length += len(chunk)
    if f"sha256:{hashed.hexdigest()}" != digest or length != size:
        raise DigestError(f"the layer {digest} arrived with {length} bytes instead of {size}", "run it again")
    file.seek(0)
