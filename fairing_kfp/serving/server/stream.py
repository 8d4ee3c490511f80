"""A result that a predictor yields item by item, as server-sent events.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator
from typing import Any

from . import answers
from .messages import Request, Send
from .model import PredictorError
from .workers import Workers

Stream = Generator[Any, None, None]
"""What a predictor yields."""

_END = object()
_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]


class Events:
    """The events of a result; each item is the JSON of an event's data.

    An error of the predictor after the first item is an event `error`, since the status has been sent.

    Args:
        items: yields items; the next one is made in a thread of the workers once the last was sent.
        workers: where it runs.
        request: the request; nothing more is made once its client has gone.
        failed: gives the JSON of an error.
        held: is closed at the end.
    """

    def __init__(
        self,
        items: Stream,
        workers: Workers,
        request: Request,
        failed: Callable[[PredictorError], bytes],
        held: contextlib.ExitStack,
    ) -> None:
        self._items, self._workers, self._request, self._failed, self._held = items, workers, request, failed, held

    async def send(self, send: Send) -> None:
        """Sends all of them."""
        gone = asyncio.ensure_future(self._request.disconnected())
        with self._held:
            try:
                await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
                while (event := await self._workers.run(self._next)) and not gone.done():
                    await send({"type": "http.response.body", "body": event, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
            finally:
                gone.cancel()
                # In a thread, after an item that is being made; nobody waits for it.
                self._workers.begin(self._items.close)

    def _next(self) -> bytes:
        """The next event; empty at the end."""
        try:
            item = next(self._items, _END)
            return b"" if item is _END else b"data: %b\n\n" % answers.dumps(item)
        except PredictorError as error:
            failure = self._failed(error)
        except TypeError as error:
            failure = self._failed(PredictorError("predict yielded what cannot be sent", str(error)))
        self._items.close()  # which ends it
        return b"event: error\ndata: %b\n\n" % failure
