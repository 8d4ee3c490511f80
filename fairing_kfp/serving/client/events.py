"""Server-sent events whose data are JSON.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

MEDIA_TYPE = "text/event-stream"


@dataclass(frozen=True)
class Event:
    """An event.

    Attributes:
        data: value of its JSON.
        name: its type.
    """

    data: Any
    name: str = "message"


def read(chunks: Iterable[bytes]) -> Iterator[Event]:
    """Yields the events of a stream; one that is cut off is dropped.

    Raises:
        ValueError: the data of an event are not JSON.
    """
    rest, name, data = b"", "message", []
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            field, _, value = line.rstrip(b"\r").decode().partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                data.append(value)
            elif field == "event":
                name = value
            elif not field and not value:
                if data:
                    yield Event(json.loads("\n".join(data)), name)
                name, data = "message", []
