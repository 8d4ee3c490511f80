"""Which handler answers a request."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from .messages import Answer, Request
from .refusal import Refusal

Handler = Callable[[Request], Awaitable[Answer]]


@dataclass(frozen=True)
class Route:
    """A path and what answers requests to it.

    Attributes:
        method: `GET`, which includes HEAD, or `POST`.
        path: a path, in which `{name}` stands for a part without slashes.
        handler: answers requests.
    """

    method: str
    path: str
    handler: Handler

    @property
    def methods(self) -> tuple[str, ...]:
        """All methods that are answered."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)


class Routes:
    """Routes by their paths; of several whose path fits, the first."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._fixed: dict[str, Route] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        for route in routes:
            if "{" in route.path:
                self._patterns.append((re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)), route))
            else:
                self._fixed.setdefault(route.path, route)

    def find(self, method: str, path: str) -> tuple[Handler, Mapping[str, str]]:
        """The handler for a request, and the parameters in its path.

        Raises:
            Refusal: there is none for this path (404) or method (405).
        """
        other = None
        for route, parameters in self._fitting(path):
            if method in route.methods:
                return route.handler, parameters
            other = other or route
        if other:
            raise Refusal(405, f"{path}: Method Not Allowed", allow=", ".join(other.methods))
        raise Refusal(404, f"{path}: Not Found")

    def _fitting(self, path: str) -> Iterator[tuple[Route, dict[str, str]]]:
        if path in self._fixed:
            yield self._fixed[path], {}
        for pattern, route in self._patterns:
            match = pattern.fullmatch(path)
            if match:
                yield route, match.groupdict()
