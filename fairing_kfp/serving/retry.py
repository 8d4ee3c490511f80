"""How often and when a request is sent again."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import urllib3
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import ReadTimeoutError


class Patience(urllib3.Retry):
    """urllib3's retries, but for answers that did not come in time: the server would work on both requests."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: TracebackType | None = None,
    ) -> Patience:
        """The retries that are left; raises the error of a request that is not to be sent again."""
        if isinstance(error, ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, _pool, _stacktrace)
