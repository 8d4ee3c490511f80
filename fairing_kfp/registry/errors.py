"""Errors for failed connections and for error responses of registries (distribution-spec, error codes)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from fairing_kfp.errors import NotFoundError, RegistryError, TransientError, UnauthorizedError
from fairing_kfp.registry.connection import ConnectError, ProxyError
from fairing_kfp.registry.quote import quote
from fairing_kfp.registry.response import ProtocolError
from fairing_kfp.registry.retry import is_transient
from fairing_kfp.registry.stop import Stop

if TYPE_CHECKING:
    import ssl

_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG")
_CLIENT_CERT = ("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA", "ALERT_HANDSHAKE_FAILURE")
_REMEDIES = {
    413: "raise the limit on upload sizes of the proxy in front of the registry",
    429: "wait, or log in: registries allow more requests with a login",
}


class Response(Protocol):
    """The parts of a response that an error is made from."""

    status: int

    @property
    def headers(self) -> Any:
        """The header fields."""
        ...


@contextlib.contextmanager
def connection_errors(registry: str, stop: Stop | None = None) -> Iterator[None]:
    """Turns connection failures into errors that name the registry.

    Raises:
        RegistryError: no connection can be made.
        TransientError: the connection broke.
        StoppedError: the transfer was cancelled.
    """
    try:
        yield
    except (ProtocolError, OSError) as error:
        if stop:
            stop.check()
        raise _connection_error(registry, error) from error


def response_error(response: Response, body: bytes, *, registry: str, what: str) -> RegistryError:
    """The error for an unexpected response.

    Args:
        response: the status and headers.
        body: the start of the body.
        registry: the registry's host.
        what: the requested object, such as `the manifest team/app:1`.
    """
    code, detail = _first_error(body)
    status = response.status
    cause = f"{status} {code}".rstrip() + (f": {detail}" if detail else "")
    if status == 404:
        return NotFoundError(
            f"{registry} does not have {what} ({cause})", "check the name and the tag", status=status, code=code
        )
    if status in (401, 403):
        return UnauthorizedError(
            f"{registry} denies access to {what} ({cause})",
            f"log in with: docker login {registry}; and check the name: many registries also deny access to a "
            "repository that does not exist",
            status=status,
            code=code,
        )
    message = f"{registry} rejected the request for {what} ({cause})"
    remedy = _REMEDIES.get(status, "try again later, or ask the registry's administrators")
    if is_transient(status):
        return TransientError(
            message, remedy, status=status, code=code, pause=_seconds(response.headers.get("Retry-After"))
        )
    return RegistryError(message, remedy, status=status, code=code)


def _connection_error(registry: str, error: ProtocolError | OSError) -> RegistryError:
    if isinstance(error, ProxyError):
        return RegistryError(
            f"cannot connect to the registry {registry} through the proxy: {_cause(error)}",
            f"check HTTPS_PROXY and HTTP_PROXY, or add {registry} to NO_PROXY",
        )
    if isinstance(error, ConnectError):
        return RegistryError(
            f"cannot connect to the registry {registry}: {_cause(error)}", "check its name and port, and the network"
        )
    import ssl  # on first use: without TLS it is not needed

    if isinstance(error, ssl.SSLError):
        return _tls_error(registry, error)
    return TransientError(
        f"the connection to the registry {registry} broke: {_cause(error)}", "try again, and check the network"
    )


def _tls_error(registry: str, error: ssl.SSLError) -> RegistryError:
    import ssl

    reason = quote(getattr(error, "reason", None) or str(error))
    if isinstance(error, ssl.SSLCertVerificationError):
        return RegistryError(
            f"the certificate of the registry {registry} is not trusted: {error.verify_message}",
            "pass the CA certificate that signed it with --ca FILE, or add it to the system's",
        )
    if reason in _NOT_TLS:
        return RegistryError(
            f"the registry {registry} does not speak TLS", f"to use plain HTTP, pass --insecure {registry}"
        )
    if any(word in reason for word in _CLIENT_CERT):
        return RegistryError(
            f"the registry {registry} requires a client certificate, or a different one: {reason}",
            "pass a PEM file with the certificate and its key with --client-cert FILE",
        )
    return TransientError(f"the connection to the registry {registry} broke: {reason}", "try again")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes, the innermost last."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = (
            current.__cause__
            or current.__context__
            or next((arg for arg in reversed(current.args) if isinstance(arg, BaseException)), None)
        )


def _cause(error: BaseException) -> str:
    """The message of the innermost cause."""
    *_, innermost = _chain(error)
    return quote(getattr(innermost, "strerror", None) or str(innermost) or type(innermost).__name__)


def _first_error(body: bytes) -> tuple[str, str]:
    """The code and message of the first error in `{"errors": [{"code": …, "message": …}]}`, as printable text."""
    document = parse_json(body)
    errors = document.get("errors") if isinstance(document, dict) else None
    error = errors[0] if isinstance(errors, list) and errors else None
    if isinstance(error, dict):
        code, message = error.get("code"), error.get("message")
        return quote(code if isinstance(code, str) else ""), quote(message if isinstance(message, str) else "")
    return "", quote(body.decode("utf-8", "replace")) if body.lstrip()[:1] not in (b"<", b"{", b"[") else ""


def parse_json(body: bytes) -> Any:
    """The JSON value of a response; None if it is not JSON, or nested too deeply."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _seconds(retry_after: str | None) -> float:
    """The seconds of Retry-After; 0 for a date (RFC 9110, section 10.2.3), so that the usual backoff applies."""
    try:
        seconds = float(retry_after or 0)
    except ValueError:
        return 0
    return seconds if 0 < seconds < float("inf") else 0
