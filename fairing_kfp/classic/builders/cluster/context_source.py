"""Stores of a build context, which builds in the cluster needed."""

from __future__ import annotations

from typing import Any, NoReturn

from fairing_kfp.classic.work.deprecation import refuse, warn_once

_SUCCESSOR = "leave out context_source; the builder sends the files to its own pod"


class ContextSourceInterface:
    """A store of a build context. Builds in the cluster need none any more, so it is only taken."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        call = type(self).__name__
        warn_once(call, "", f"{call} has no effect any more: {_SUCCESSOR}")

    def prepare(self, context_filename: str | None = None) -> NoReturn:
        """Refused."""
        self._refuse("prepare")

    def upload_context(self, context_filename: str | None = None) -> NoReturn:
        """Refused."""
        self._refuse("upload_context")

    def cleanup(self) -> NoReturn:
        """Refused."""
        self._refuse("cleanup")

    def generate_pod_spec(self, *arguments: Any) -> NoReturn:
        """Refused."""
        self._refuse("generate_pod_spec")

    def _refuse(self, method: str) -> NoReturn:
        refuse(f"{type(self).__name__}.{method}()", "builds in the cluster need no store", _SUCCESSOR)
