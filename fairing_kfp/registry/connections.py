"""urllib3 connections that read early responses, reject truncated response headers, and can be cancelled."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from fairing_kfp.errors import ConfigError
from fairing_kfp.registry.sockets import connect
from fairing_kfp.registry.stop import Stop

_SEND_BUFFER = 1 << 18
_MAX_HEAD = 1 << 18  # bytes; http.client limits lines and headers, but not interim responses (100)
_MAX_CONNECTIONS = 32  # kept open per host


class _Lines:
    """A stream of limited headers that remembers the last line read."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._left = _MAX_HEAD
        self.last = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last = self._stream.readline(limit)
        self._left -= len(self.last)
        if self._left < 0:
            raise http.client.HTTPException(f"the response headers are longer than {_MAX_HEAD} bytes")
        return bytes(self.last)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Response(http.client.HTTPResponse):
    """A response with complete headers: `http.client` accepts headers that end early.

    A truncated `Location` would send a blob elsewhere, and without its length half a body would look complete.
    """

    def begin(self) -> None:
        stream, lines = self.fp, _Lines(self.fp)
        self.fp = lines  # type: ignore[assignment]
        try:
            super().begin()
        finally:
            if self.fp is lines:  # type: ignore[comparison-overlap]
                self.fp = stream
        if not lines.last.endswith(b"\n"):
            raise http.client.RemoteDisconnected("the response headers are incomplete")


if TYPE_CHECKING:
    _Connection = HTTPConnection
    _Pool = HTTPConnectionPool
else:
    _Connection = _Pool = object  # mixed into both kinds below


class _Watched(_Connection):
    """A connection that can be cancelled."""

    stop: Stop
    limit: float
    response_class = _Response

    def connect(self) -> None:
        self.stop.check()
        super().connect()
        self.stop.watch(self.sock)
        self.sock.limit = self.limit  # type: ignore[union-attr]

    def _new_conn(self) -> Any:
        timeout = float(self.timeout or self.limit)
        try:
            opened = connect(self._dns_host, self.port, timeout, self.stop, self.socket_options or ())
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, str(error)) from error
        except (OSError, UnicodeError) as error:
            raise NewConnectionError(self, str(error)) from error
        opened.limit = self.limit
        self.stop.watch(opened)
        return opened


class _Plain(_Watched, HTTPConnection): ...


class _Secure(_Watched, HTTPSConnection):
    """A connection that lets urllib3 read a response that arrives before the request is sent completely.

    A registry that rejects an upload (401, 413) responds and closes the connection. Over plain HTTP the sender gets
    `BrokenPipeError`, and urllib3 reads the response; over TLS it gets `SSLEOFError`, and the response would be lost.
    """

    def send(self, data: Any) -> None:
        try:
            super().send(data)
        except ssl.SSLEOFError as error:
            raise BrokenPipeError(str(error)) from error


class _Stoppable(_Pool):
    """A pool whose connections can be cancelled."""

    def __init__(self, *place: Any, stop: Stop, limit: float, **options: Any) -> None:
        super().__init__(*place, **options)
        self._stop, self._limit = stop, limit

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()
        connection.stop, connection.limit = self._stop, self._limit
        return connection


class _PlainPool(_Stoppable, HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(_Stoppable, HTTPSConnectionPool):
    ConnectionCls = _Secure


class Connections:
    """Connection pools by TLS context and proxy.

    Args:
        stop: cancels all connections.
        limit: seconds without bytes, or with next to none, after which a connection fails.
    """

    def __init__(self, stop: Stop, limit: float) -> None:
        self._stop, self._limit = stop, limit
        self._lock = threading.Lock()
        self._managers: dict[tuple[ssl.SSLContext | None, str | None], urllib3.PoolManager] = {}

    def manager(self, context: ssl.SSLContext | None, proxy: str | None) -> urllib3.PoolManager:
        """The pools for a TLS context (None for plain HTTP) and a proxy.

        Raises:
            ConfigError: the URL of the proxy is malformed.
        """
        with self._lock:
            key = (context, proxy)
            if key not in self._managers:
                self._managers[key] = self._create(context, proxy)
            return self._managers[key]

    def close(self) -> None:
        """Closes all connections."""
        with self._lock:
            for manager in self._managers.values():
                manager.clear()

    def _create(self, context: ssl.SSLContext | None, proxy: str | None) -> urllib3.PoolManager:
        options: dict[str, Any] = {"maxsize": _MAX_CONNECTIONS, "blocksize": _SEND_BUFFER, "retries": False}
        if context is not None:
            options["ssl_context"] = context
        if proxy is None:
            manager = urllib3.PoolManager(**options)
        else:
            try:
                parts = urlsplit(proxy)
                if not parts.hostname:
                    raise ValueError(proxy)
                identity = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
                port = f":{parts.port}" if parts.port else ""
                host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
                bare = f"{parts.scheme}://{host}{port}"
                headers = urllib3.make_headers(proxy_basic_auth=identity) if identity else None
                manager = urllib3.ProxyManager(bare, proxy_headers=headers, **options)
            except (ValueError, urllib3.exceptions.HTTPError):
                raise ConfigError(
                    "HTTP_PROXY or HTTPS_PROXY is not the URL of a proxy", "use the form http://host:port"
                ) from None
        manager.pool_classes_by_scheme = {
            "http": partial(_PlainPool, stop=self._stop, limit=self._limit),  # type: ignore[dict-item]
            "https": partial(_SecurePool, stop=self._stop, limit=self._limit),  # type: ignore[dict-item]
        }
        return manager
