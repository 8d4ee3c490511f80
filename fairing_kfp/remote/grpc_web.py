"""Calls of ML Metadata, which the pages of Kubeflow Pipelines pass on as gRPC-web, in its text form.

Protocol: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import urllib3

from fairing_kfp.errors import KfpError

if TYPE_CHECKING:
    from fairing_kfp.remote.connect import Kfp

_SERVICE = "ml_metadata.MetadataStoreService"
_FORM = "application/grpc-web-text"
_TRAILER = 0x80  # flag of the frame with the status
_NOT_FOUND = "5"


def call(kfp: Kfp, method: str, message: bytes) -> bytes | None:
    """The response to a call of ML Metadata; None if it does not know what is asked for.

    Args:
        kfp: connection with Kubeflow Pipelines.
        method: such as `GetContextByTypeAndName`.
        message: the request, encoded.

    Raises:
        KfpError: the pages do not serve ML Metadata, or it rejects the call.
    """
    if not kfp.page:
        raise _unserved("an unknown address of its pages")
    parts = urlsplit(kfp.page)
    # The pages call it at the root of their host, whatever their own path is.
    for base in dict.fromkeys((f"{parts.scheme}://{parts.netloc}", kfp.page.rstrip("/"))):
        found = _send(kfp, f"{base}/{_SERVICE}/{method}", message)
        if found is not None:
            body, status, cause = found
            if status not in ("0", _NOT_FOUND):
                raise KfpError(
                    f"cannot read outputs of the run: ML Metadata at {base} answered gRPC status {status}: {cause}",
                    "see the log of the Deployment metadata-grpc-deployment, or try again later",
                )
            return body if status == "0" else None
    raise _unserved(kfp.page)


def _send(kfp: Kfp, url: str, message: bytes) -> tuple[bytes, str, str] | None:
    """The message, status and error text of a response; None if the URL serves something else."""
    frame = b"\0" + struct.pack(">I", len(message)) + message
    headers = {"Content-Type": _FORM, "Accept": _FORM, "X-Grpc-Web": "1"}
    try:
        response = kfp.send("read outputs of the run", "POST", url, headers, base64.b64encode(frame))
        text = response.read()
    except KfpError as error:
        if error.status in (404, 405, 501):
            return None
        raise
    except urllib3.exceptions.HTTPError as error:
        raise KfpError(f"cannot read outputs of the run: {url} broke off: {error}", "try again") from error
    body, trailer = b"", {name.lower(): value for name, value in response.headers.items()}
    try:
        for flag, content in _frames(text):
            if flag & _TRAILER:
                lines = (line.partition(":") for line in content.decode().split("\r\n"))
                trailer |= {name.strip().lower(): value.strip() for name, _, value in lines}
            else:
                body += content
    except (ValueError, struct.error):
        return None
    if "grpc-status" not in trailer:
        return None
    return body, trailer["grpc-status"], unquote(trailer.get("grpc-message", ""))


def _frames(text: bytes) -> list[tuple[int, bytes]]:
    """The frames of a body, each with its flag.

    Raises:
        ValueError: the body is not gRPC-web.
    """
    if re.fullmatch(rb"(?:[A-Za-z0-9+/]+={0,2})*", text) is None:
        raise ValueError("not base64")
    try:  # proxies encode each chunk by itself
        data = b"".join(base64.b64decode(chunk) for chunk in re.findall(rb"[A-Za-z0-9+/]+={0,2}", text))
    except binascii.Error as error:
        raise ValueError("not base64") from error
    frames = []
    while data:
        flag, size = struct.unpack(">BI", data[:5])
        if len(data) < 5 + size:
            raise ValueError("a frame is cut off")
        frames.append((flag, data[5 : 5 + size]))
        data = data[5 + size :]
    return frames


def _unserved(where: str) -> KfpError:
    return KfpError(
        f"outputs and artifacts of runs are in ML Metadata, which {where} does not serve",
        "use the address of the pages (the Service ml-pipeline-ui) as --host; if the API has another address, set "
        "KF_PIPELINES_UI_ENDPOINT to that of the pages",
        status=404,
    )
