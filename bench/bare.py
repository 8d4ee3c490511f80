"""The limit: the fewest requests that append a layer, in sequence and without verification."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from http.client import HTTPConnection
from typing import Any, BinaryIO
from urllib.parse import quote

from bench.layers import Ready

_MANIFESTS = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
_BUFFER = 1 << 18


def append(host: str, base: str, target: str, images: Sequence[Sequence[Ready]]) -> None:
    """Appends layers to a base, for several images in one repository.

    Args:
        host: host of the registry.
        base: repository and tag of the base.
        target: repository of the images.
        images: layers of each image; shared layers are sent once.
    """
    wire, sent = _Wire(host, target), set[str]()
    repository, _, tag = base.partition(":")
    document = json.loads(wire.ask("GET", f"/v2/{repository}/manifests/{tag}", {"Accept": _MANIFESTS})[0])
    config = json.loads(wire.ask("GET", f"/v2/{repository}/blobs/{document['config']['digest']}")[0])
    for layer in document["layers"]:
        wire.ask("POST", f"/v2/{target}/blobs/uploads/?mount={layer['digest']}&from={quote(repository)}")
    for number, layers in enumerate(images):
        for layer in layers:
            if layer.layer.digest not in sent:
                sent.add(layer.layer.digest)
                with layer.blob.open("rb") as file:
                    wire.send(layer.layer.digest, layer.layer.size, file)
        diff_ids = [*config["rootfs"]["diff_ids"], *(layer.layer.diff_id for layer in layers)]
        data = json.dumps({**config, "rootfs": {**config["rootfs"], "diff_ids": diff_ids}}).encode()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        wire.send(digest, len(data), data)
        kind = document["layers"][0]["mediaType"]
        added = [{"mediaType": kind, "digest": one.layer.digest, "size": one.layer.size} for one in layers]
        changed = {**document["config"], "digest": digest, "size": len(data)}
        body = json.dumps({**document, "config": changed, "layers": [*document["layers"], *added]}).encode()
        wire.ask("PUT", f"/v2/{target}/manifests/{number}", {"Content-Type": document["mediaType"]}, body)
    wire.close()


class _Wire:
    """A persistent connection."""

    def __init__(self, host: str, target: str) -> None:
        self._connection = HTTPConnection(host, blocksize=_BUFFER)
        self._target = target

    def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | BinaryIO | None = None
    ) -> tuple[bytes, Any]:
        self._connection.request(method, path, body, headers or {})
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {data!r}")
        return data, answer.headers

    def send(self, digest: str, size: int, body: bytes | BinaryIO) -> None:
        """Uploads a blob in two requests."""
        session = self.ask("POST", f"/v2/{self._target}/blobs/uploads/")[1]["Location"]
        path = session.partition("://")[2].partition("/")[2] if "://" in session else session[1:]
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self.ask("PUT", f"/{path}{'&' if '?' in path else '?'}digest={quote(digest)}", headers, body)

    def close(self) -> None:
        self._connection.close()
