"""Access log and metrics of requests, and the `Connection: close` header during shutdown."""

from __future__ import annotations

import logging
import time
from collections.abc import MutableMapping
from typing import Any

from .logs import log_request
from .messages import Application, Receive, Scope, Send
from .metrics import Metrics

_PROBES = ("/", "/healthz", "/metrics", "/v2/health/live", "/v2/health/ready")


class Middleware:
    """An ASGI middleware.

    Attributes:
        closing: whether responses have the header `Connection: close`, so that clients open a new connection.
    """

    def __init__(self, application: Application, metrics: Metrics) -> None:
        self.closing = False
        self._application = application
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application for a request, then counts and logs the request."""
        start, status = time.perf_counter(), 500

        async def send_recorded(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self.closing:
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        try:
            if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
                await _reject_two_lengths(send_recorded)
            else:
                await self._application(scope, receive, send_recorded)
        finally:
            seconds = time.perf_counter() - start
            path = scope["path"]
            self._metrics.count(_endpoint(scope), status, seconds)
            level = logging.DEBUG if path in _PROBES and (status < 400 or status == 503) else logging.INFO
            fields = {"method": scope["method"], "path": path, "status": status, "seconds": round(seconds, 6)}
            log_request(level, **fields, **_request_id(scope))


async def _reject_two_lengths(send: Send) -> None:
    """Rejects a request with two lengths of its body, which a proxy may read differently (request smuggling)."""
    body = b'{"error":"a request must not have both Content-Length and Transfer-Encoding"}'
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _endpoint(scope: Scope) -> str:
    """The name of the handler; the path is no label of metrics, since clients choose it."""
    return getattr(scope.get("endpoint"), "__name__", "none")


def _request_id(scope: Scope) -> dict[str, Any]:
    """The id of the request in the logs of proxies."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return {"request_id": value.decode("latin-1")[:128]}
    return {}
