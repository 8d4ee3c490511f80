"""Layers in an object store: this machine puts them there, and the Job downloads each by a signed URL.

The Job needs no credentials for the store, since the signature is part of the URL, and nothing but an HTTP client.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from fairing_kfp.builders.cluster.frames import CHUNK
from fairing_kfp.builders.cluster.object_store import cause, open_store
from fairing_kfp.errors import ConfigError, ImageError
from fairing_kfp.image.layer import Layer

_SCHEMES = {"s3": "s3", "minio": "s3", "gs": "gs"}
_OPTIONS = ("endpoint", "pod_endpoint", "region")
_VALID = timedelta(hours=1)  # of a signed URL
_PART = 8 << 20
_PURPOSE = "cluster_upload"


class LayerStore:
    """A folder of an object store, which is used by one builder and emptied at its end.

    Args:
        uri: such as `s3://bucket/prefix?endpoint=http://localhost:9000&region=us-east-1`, or `gs://bucket/prefix`;
            `pod_endpoint` is the endpoint for pods, if it differs.

    Raises:
        ConfigError: the URI is malformed, or obstore is not installed.
    """

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        options = dict(parse_qsl(parts.query))
        if parts.scheme not in _SCHEMES or not parts.hostname or not set(options) <= set(_OPTIONS) or parts.username:
            shown = f"{parts.scheme}://{parts.hostname or ''}{parts.path}" if parts.scheme else parts.path
            raise ConfigError(
                f"cluster_upload: {shown!r} is not the URI of a store, or has unknown options or credentials",
                f"write it as s3://BUCKET/PREFIX or gs://BUCKET/PREFIX, with the options {', '.join(_OPTIONS)}",
            )
        prefix = f"{parts.path.strip('/')}/fairing-kfp-{uuid.uuid4().hex}".lstrip("/")
        self._uri = f"{parts.scheme}://{parts.netloc}/{prefix}"
        place = f"{_SCHEMES[parts.scheme]}://{parts.netloc}/{prefix}"
        pods = options.pop("pod_endpoint", "")
        self._store = open_store(place, options, _PURPOSE)
        self._signing = open_store(place, {**options, "endpoint": pods}, _PURPOSE) if pods else self._store
        self._written: set[str] = set()
        self._lock = threading.Lock()

    def check(self) -> None:
        """Checks that objects can be written and deleted, and URLs signed.

        Raises:
            ImageError: the store does not answer, or rejects it.
        """
        import obstore

        with self._errors("write to"):
            obstore.put(self._store, "check", b"fairing-kfp")
            obstore.delete(self._store, "check")
        self.signed("check")

    def signed(self, path: str) -> str:
        """A URL from which anyone can download an object for an hour.

        Raises:
            ImageError: the credentials cannot sign.
        """
        import obstore

        with self._errors("sign URLs of"):
            return str(obstore.sign(self._signing, "GET", path, _VALID))

    def upload(self, layer: Layer, progress: Callable[[int], None]) -> str:
        """Puts a layer into the store, unless it is there, and returns a signed URL.

        Args:
            layer: the layer.
            progress: called with the number of bytes read so far.

        Raises:
            ImageError: the store does not answer, or rejects it.
            FairingError: the layer cannot be read.
        """
        import obstore

        path = layer.digest.replace(":", "-")
        with self._errors("write to"):
            if path not in self._written:
                obstore.put(self._store, path, _chunks(layer, progress), chunk_size=_PART)
                with self._lock:
                    self._written.add(path)
        return self.signed(path)

    def close(self) -> None:
        """Deletes the layers."""
        import obstore

        with self._lock:
            written, self._written = self._written, set()
        if written:
            with self._errors("delete layers from"):
                obstore.delete(self._store, sorted(written))

    @contextlib.contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as error:
            raise ImageError(
                f"cannot {verb} {self._uri}: {cause(error)}",
                "check cluster_upload, the bucket, and this machine's credentials for it, such as AWS_ACCESS_KEY_ID "
                "and AWS_SECRET_ACCESS_KEY, or GOOGLE_APPLICATION_CREDENTIALS with the key of a service account",
            ) from error


def _chunks(layer: Layer, progress: Callable[[int], None]) -> Iterator[bytes]:
    with layer.open() as file:
        done = 0
        while chunk := file.read(CHUNK):
            yield chunk
            done += len(chunk)
            progress(done)
