"""What is counted and logged of every request, and told to clients while the server ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .logs import log
from .metrics import Metrics

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_PROBES = ("/", "/healthz", "/metrics", "/v2/health/live", "/v2/health/ready")


class Watching:
    """An ASGI application around another.

    Attributes:
        closing: whether clients are told to open another connection for their next request.
    """

    def __init__(self, application: Callable[[_Scope, _Receive, _Send], Awaitable[None]], metrics: Metrics) -> None:
        self.closing = False
        self._application = application
        self._metrics = metrics

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Lets the application answer."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self.closing:
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        try:
            await self._application(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - began
            path = scope["path"]
            self._metrics.count(_endpoint(scope), status, seconds)
            level = logging.DEBUG if path in _PROBES and (status < 400 or status == 503) else logging.INFO
            if logging.getLogger("fairing").isEnabledFor(level):
                log(
                    level,
                    "request",
                    method=scope["method"],
                    path=path,
                    status=status,
                    seconds=round(seconds, 6),
                    **_request_id(scope),
                )


def _endpoint(scope: _Scope) -> str:
    """The name of what answered, and not the path, so that clients cannot make up values of a label."""
    return getattr(scope.get("endpoint"), "__name__", "none")


def _request_id(scope: _Scope) -> dict[str, Any]:
    """What proxies know the request by."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return {"request_id": value.decode("latin-1")[:128]}
    return {}
