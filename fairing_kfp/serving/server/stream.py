"""Streaming of a generator's items as server-sent events.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any

from . import answers
from .messages import Request, Send
from .model import PredictorError
from .workers import Workers

Stream = Generator[Any, None, None]
"""The items that a predictor yields."""

_END = object()
_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]


class Events:
    """A streamed response: one event for each item, with the item's JSON as data.

    An error of the predictor after the first item is sent as an event `error`, since the status has been sent already.

    Args:
        items: the generator, which is advanced in a worker thread after the previous item has been sent.
        workers: the worker threads, which the request has entered; the stream leaves them at its end.
        request: the request; if its client disconnects, the stream ends.
        format_error: returns the JSON of an error.
    """

    def __init__(
        self,
        items: Stream,
        workers: Workers,
        request: Request,
        format_error: Callable[[PredictorError], bytes],
    ) -> None:
        self._items, self._workers, self._request = items, workers, request
        self._format_error = format_error

    async def send(self, send: Send) -> None:
        """Sends the events."""
        disconnected = asyncio.ensure_future(self._request.disconnected())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            while (event := await self._workers.run(self._next)) and not disconnected.done():
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            disconnected.cancel()
            # In a worker thread, after an item that is being created; the result is not awaited.
            self._workers.submit(self._items.close)
            self._workers.leave()

    def _next(self) -> bytes:
        """The next event; empty at the end."""
        try:
            item = next(self._items, _END)
            return b"" if item is _END else b"data: %b\n\n" % answers.dumps(item)
        except PredictorError as error:
            failure = self._format_error(error)
        except TypeError as error:
            failure = self._format_error(PredictorError("an item of predict cannot be sent", str(error)))
        self._items.close()  # the next call returns the end
        return b"event: error\ndata: %b\n\n" % failure
