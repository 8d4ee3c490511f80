"""What the pages of Kubeflow Pipelines serve beside the API: ML Metadata as gRPC-web, and artifacts."""

from __future__ import annotations

import base64
import io
import struct
import tarfile
from dataclasses import dataclass, field

from tests.support.ml_metadata import MlMetadata


@dataclass
class Raw:
    """A response that is not JSON."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def grpc_web(store: MlMetadata, method: str, body: bytes, content_type: str) -> Raw:
    """A call in the text form of gRPC-web, whose frames are encoded one by one, as Envoy does it."""
    assert content_type == "application/grpc-web-text", content_type
    data = base64.b64decode(body)
    flag, size = struct.unpack(">BI", data[:5])
    assert (flag, size) == (0, len(data) - 5)
    status, answer = store.answer(method, data[5:])
    trailer = f"grpc-status:{status}\r\ngrpc-message:it%20says\r\n".encode()
    frames = [(0x80, trailer)] if status else [(0, answer), (0x80, trailer)]
    encoded = [base64.b64encode(struct.pack(">BI", flag, len(content)) + content) for flag, content in frames]
    return Raw(b"".join(encoded), {"Content-Type": "application/grpc-web-text"})


def artifact(objects: dict[str, bytes], place: str, *, whole: bool) -> Raw | None:
    """An artifact: a file without a type, or a folder as a tarball; from GCS a file alone, else nothing.

    Args:
        objects: the objects of all stores, by bucket and key.
        place: bucket and key.
        whole: whether folders are given, as from S3.
    """
    if place in objects:
        return Raw(objects[place])
    files = {
        name.removeprefix(f"{place}/"): content for name, content in objects.items() if name.startswith(f"{place}/")
    }
    if not whole:
        return Raw(b"")
    if not files:
        return None
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    disposition = f'attachment; filename="{place.rpartition("/")[2]}.tar.gz"'
    return Raw(packed.getvalue(), {"Content-Type": "application/gzip", "Content-Disposition": disposition})
