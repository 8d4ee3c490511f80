"""HTTP: connections, which registries are spoken to in the clear, and what a failed connection means."""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError, SSLError

from fairing_kfp.errors import RegistryError
from fairing_kfp.image.reference import DOCKER_HUB
from fairing_kfp.registry.retry import TransientError

_DOCKER_HUB_HOST = "registry-1.docker.io"
_SEND_BUFFER = 1 << 18
_CONNECT_SECONDS = 10
_READ_SECONDS = 60
_COMMIT_SECONDS = 600  # a registry may hash or copy a whole blob before it answers the PUT
_MOST_CONNECTIONS = 32  # kept open for each host


class _Connection(HTTPSConnection):
    """A connection that lets urllib3 read an answer that came before the request was sent.

    A registry that refuses an upload (401, 413) answers and closes. Over plain HTTP the sender sees a broken pipe, and
    urllib3 then reads the answer; over TLS it sees `SSLEOFError`, and the answer would be lost.
    """

    def send(self, data: Any) -> None:
        try:
            super().send(data)
        except ssl.SSLEOFError as error:
            raise BrokenPipeError(str(error)) from error


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class Transport:
    """Sends requests to registries, each over a connection that is kept for the next.

    Args:
        insecure: registries (`host` or `host:port`) that are spoken to over plain HTTP. Those on this machine's
            loopback are, always.
    """

    def __init__(self, insecure: Collection[str] = ()) -> None:
        self._insecure = frozenset(insecure)
        self._pools = urllib3.PoolManager(maxsize=_MOST_CONNECTIONS, blocksize=_SEND_BUFFER, retries=False)
        self._pools.pool_classes_by_scheme = {"http": HTTPConnectionPool, "https": _Pool}

    def root(self, registry: str) -> str:
        """The URL of a registry, without a path."""
        host = _DOCKER_HUB_HOST if registry == DOCKER_HUB else registry
        return f"{'http' if self.is_plain(registry) else 'https'}://{host}"

    def is_plain(self, registry: str) -> bool:
        """Whether a registry is spoken to over plain HTTP."""
        host = urlsplit(f"//{registry}").hostname or ""
        return bool({registry, host} & self._insecure) or _is_loopback(host)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | BinaryIO | None, registry: str
    ) -> urllib3.BaseHTTPResponse:
        """Sends one request and gives its answer, of which the body is yet to be read.

        Args:
            method: such as GET.
            url: redirects are not followed.
            headers: header fields. A body that is a file needs Content-Length among them.
            body: what is sent.
            registry: whom the errors name.

        Raises:
            RegistryError: there is no answer; a TransientError if there may be one next time.
        """
        read = _COMMIT_SECONDS if method in ("PUT", "POST") else _READ_SECONDS
        with answering(registry):
            return self._pools.request(
                method,
                url,
                headers={"User-Agent": "fairing-kfp", **headers},
                body=body,
                redirect=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=read),
            )

    def close(self) -> None:
        """Closes the connections."""
        self._pools.clear()


@contextlib.contextmanager
def answering(registry: str) -> Iterator[None]:
    """Turns the failures of a connection into errors that name the registry.

    Raises:
        RegistryError: there is no connection and will be none.
        TransientError: the connection broke.
    """
    try:
        yield
    except (NewConnectionError, NameResolutionError, ConnectTimeoutError) as error:
        raise RegistryError(
            f"the registry {registry} does not answer: {_cause(error)}", "check its name and port, and the network"
        ) from error
    except SSLError as error:
        raise _tls(registry, error) from error
    except (HTTPError, OSError) as error:
        raise TransientError(
            f"the connection to the registry {registry} broke: {_cause(error)}", "try again, and check the network"
        ) from error


def _tls(registry: str, error: SSLError) -> RegistryError:
    cause = error.args[0] if error.args else error
    reason = getattr(cause, "reason", None) or str(cause)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return RegistryError(
            f"the registry {registry} cannot be trusted: {cause.verify_message}",
            "add the authority that signed its certificate to this machine's, or name it in SSL_CERT_FILE",
        )
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return RegistryError(
            f"the registry {registry} does not speak TLS",
            f"if it may be spoken to over plain HTTP, say so: --insecure {registry}",
        )
    return TransientError(f"the connection to the registry {registry} broke: {reason}", "try again")


def _cause(error: BaseException) -> str:
    """The innermost reason in the system's words; urllib3's own texts name its objects."""
    while True:
        inner = (
            error.__cause__
            or error.__context__
            or next((arg for arg in reversed(error.args) if isinstance(arg, BaseException)), None)
        )
        if inner is None:
            break
        error = inner
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False
