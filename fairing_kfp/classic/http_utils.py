"""HTTP clients of Google's libraries."""

from __future__ import annotations

from typing import Any, NoReturn

from fairing_kfp.classic.work.deprecation import refuse


def configure_http_instance(http: Any = None) -> NoReturn:
    """Refused, since no call uses httplib2."""
    refuse("configure_http_instance()", "no call uses httplib2", "leave out the call")
