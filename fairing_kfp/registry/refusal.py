"""What a registry's refusal means (distribution-spec, error codes)."""

from __future__ import annotations

import json
import math
from typing import Any, Protocol

from fairing_kfp.errors import NotFoundError, RegistryError, UnauthorizedError
from fairing_kfp.registry.retry import TransientError, is_transient

_LONGEST_TEXT = 300
_REMEDIES = {
    413: "a proxy in front of the registry limits the size of uploads: have its limit raised",
    429: "wait, or log in: registries grant more to those they know",
}


class Answer(Protocol):
    """The part of an answer that says why."""

    status: int

    @property
    def headers(self) -> Any:
        """Its header fields."""
        ...


def refusal(answer: Answer, body: bytes, *, registry: str, what: str) -> RegistryError:
    """The error for an answer other than was hoped for.

    Args:
        answer: status and headers.
        body: the beginning of its body.
        registry: who answered.
        what: the request in words, such as `the manifest team/app:1`.
    """
    code, detail = _first_error(body)
    status = answer.status
    said = f"{status} {code}".rstrip() + (f": {detail}" if detail else "")
    if status == 404:
        return NotFoundError(
            f"{registry} does not have {what} ({said})", "check the name and the tag", status=status, code=code
        )
    if status in (401, 403):
        return UnauthorizedError(
            f"{registry} refuses access to {what} ({said})",
            f"log in: docker login {registry}; and check the name: registries answer so for what does not exist, too",
            status=status,
            code=code,
        )
    message = f"{registry} refuses {what} ({said})"
    remedy = _REMEDIES.get(status, "try again later, or ask those who run the registry")
    if is_transient(status):
        return TransientError(
            message, remedy, status=status, code=code, pause=_pause(answer.headers.get("Retry-After"))
        )
    return RegistryError(message, remedy, status=status, code=code)


def _first_error(body: bytes) -> tuple[str, str]:
    """Code and message of the first error in `{"errors": [{"code": …, "message": …}]}`, as printable text."""
    try:
        error = json.loads(body)["errors"][0]
        code, message = str(error.get("code") or ""), str(error.get("message") or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        code, message = "", body.decode("utf-8", "replace") if body[:1] not in (b"<", b"{", b"[") else ""
    return _printable(code), _printable(message)


def _printable(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST_TEXT else line[:_LONGEST_TEXT] + "…"


def _pause(retry_after: str | None) -> float:
    """Seconds; a date instead of a number (RFC 9110, section 10.2.3) is left to the usual backoff."""
    try:
        seconds = float(retry_after or 0)
    except ValueError:
        return 0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0
