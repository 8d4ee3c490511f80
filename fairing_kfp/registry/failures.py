"""What a connection that failed means: whether it may work next time, and what to do if not."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from fairing_kfp.errors import RegistryError
from fairing_kfp.registry.retry import TransientError
from fairing_kfp.registry.stop import Stop

_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG")
_WHO_ARE_YOU = ("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA", "ALERT_HANDSHAKE_FAILURE")


@contextlib.contextmanager
def answering(registry: str, stop: Stop | None = None) -> Iterator[None]:
    """Turns the failures of a connection into errors that name the registry.

    Raises:
        RegistryError: there is no connection and will be none.
        TransientError: the connection broke.
        StoppedError: it was broken by us.
    """
    try:
        yield
    except (HTTPError, OSError) as error:
        if stop:
            stop.check()
        raise _meaning(registry, error) from error


def _meaning(registry: str, error: HTTPError | OSError) -> RegistryError:
    if isinstance(error, ProxyError):
        return RegistryError(
            f"the proxy does not let us speak to the registry {registry}: {_cause(error)}",
            f"check HTTPS_PROXY and HTTP_PROXY, or add {registry} to NO_PROXY",
        )
    if isinstance(error, (NewConnectionError, NameResolutionError, ConnectTimeoutError)):
        return RegistryError(
            f"the registry {registry} does not answer: {_cause(error)}", "check its name and port, and the network"
        )
    # While an answer is read, urllib3 hides what TLS says behind errors of its own.
    tls = next((one for one in _chain(error) if isinstance(one, ssl.SSLError)), None)
    if isinstance(error, SSLError) or tls:
        return _tls(registry, tls or error)
    return TransientError(
        f"the connection to the registry {registry} broke: {_cause(error)}", "try again, and check the network"
    )


def _tls(registry: str, cause: BaseException) -> RegistryError:
    reason = getattr(cause, "reason", None) or str(cause)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return RegistryError(
            f"the registry {registry} cannot be trusted: {cause.verify_message}",
            "name the authority that signed its certificate with --ca FILE, or add it to this machine's",
        )
    if reason in _NOT_TLS:
        return RegistryError(
            f"the registry {registry} does not speak TLS",
            f"if it may be spoken to over plain HTTP, say so: --insecure {registry}",
        )
    if any(word in reason for word in _WHO_ARE_YOU):
        return RegistryError(
            f"the registry {registry} wants a client certificate, or another one: {reason}",
            "name a PEM file with the certificate and its key: --client-cert FILE",
        )
    return TransientError(f"the connection to the registry {registry} broke: {reason}", "try again")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and the reasons within it, the innermost last."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = (
            current.__cause__
            or current.__context__
            or next((arg for arg in reversed(current.args) if isinstance(arg, BaseException)), None)
        )


def _cause(error: BaseException) -> str:
    """The innermost reason in the system's words; urllib3's own texts name its objects."""
    *_, innermost = _chain(error)
    return getattr(innermost, "strerror", None) or str(innermost) or type(innermost).__name__
