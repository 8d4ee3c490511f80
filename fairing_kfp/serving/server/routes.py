"""Routing of requests to handlers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from .http_error import HTTPError
from .messages import Answer, Request

Handler = Callable[[Request], Awaitable[Answer]]


@dataclass(frozen=True)
class Route:
    """A method and a path, and their handler.

    Attributes:
        method: `GET`, which includes HEAD, or `POST`.
        path: a path in which `{name}` matches a part without slashes.
        handler: the coroutine function that handles the requests.
    """

    method: str
    path: str
    handler: Handler

    @property
    def methods(self) -> tuple[str, ...]:
        """The allowed methods."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)


class Routes:
    """A routing table. Fixed paths take precedence over patterns, and earlier patterns over later ones."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._fixed: dict[str, Route] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        for route in routes:
            if "{" in route.path:
                self._patterns.append((re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)), route))
            else:
                self._fixed.setdefault(route.path, route)

    def find(self, method: str, path: str) -> tuple[Handler, Mapping[str, str]]:
        """Finds the handler of a request, and the parameters in its path.

        Raises:
            HTTPError: no route has this path (404), or none of those has this method (405).
        """
        other = None
        for route, parameters in self._matches(path):
            if method in route.methods:
                return route.handler, parameters
            other = other or route
        if other:
            raise HTTPError(405, f"{path}: Method Not Allowed", allow=", ".join(other.methods))
        raise HTTPError(404, f"{path}: Not Found")

    def _matches(self, path: str) -> Iterator[tuple[Route, dict[str, str]]]:
        if path in self._fixed:
            yield self._fixed[path], {}
        for pattern, route in self._patterns:
            match = pattern.fullmatch(path)
            if match:
                yield route, match.groupdict()
