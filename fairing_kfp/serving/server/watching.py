"""What is counted and logged of every request, and told to clients while the server ends."""

from __future__ import annotations

import logging
import time
from collections.abc import MutableMapping
from typing import Any

from .logs import log_request
from .messages import Application, Receive, Scope, Send
from .metrics import Metrics

_PROBES = ("/", "/healthz", "/metrics", "/v2/health/live", "/v2/health/ready")


class Watching:
    """An ASGI application around another.

    Attributes:
        closing: whether clients are told to open another connection for their next request.
    """

    def __init__(self, application: Application, metrics: Metrics) -> None:
        self.closing = False
        self._application = application
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets the application answer."""
        began, status = time.perf_counter(), 500

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self.closing:
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        try:
            if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
                await _refuse_two_lengths(watched)
            else:
                await self._application(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - began
            path = scope["path"]
            self._metrics.count(_endpoint(scope), status, seconds)
            level = logging.DEBUG if path in _PROBES and (status < 400 or status == 503) else logging.INFO
            fields = {"method": scope["method"], "path": path, "status": status, "seconds": round(seconds, 6)}
            log_request(level, **fields, **_request_id(scope))


async def _refuse_two_lengths(send: Send) -> None:
    """Refuses a request whose body has two lengths, of which a proxy before us may go by the other."""
    body = b'{"error":"a request has either a Content-Length or a Transfer-Encoding"}'
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _endpoint(scope: Scope) -> str:
    """The name of what answered, and not the path, so that clients cannot make up values of a label."""
    return getattr(scope.get("endpoint"), "__name__", "none")


def _request_id(scope: Scope) -> dict[str, Any]:
    """What proxies know the request by."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return {"request_id": value.decode("latin-1")[:128]}
    return {}
