"""urllib3's connections, made to keep answers that came early, to refuse heads that broke off, and to be stopped."""

from __future__ import annotations

import http.client
import ssl
import threading
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from fairing_kfp.errors import ConfigError
from fairing_kfp.registry.stop import Stop

_SEND_BUFFER = 1 << 18
_MOST_CONNECTIONS = 32  # kept open for each host


class _Lines:
    """A stream, and the last line that was read of it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.last = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last = self._stream.readline(limit)
        return bytes(self.last)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Response(http.client.HTTPResponse):
    """An answer whose head is whole: Python takes a head that breaks off for one that ended.

    Half of a `Location` would send a blob anywhere, and without its length half a body looks like a whole one.
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
            raise http.client.RemoteDisconnected("the answer breaks off in its head")


if TYPE_CHECKING:
    _Connection = HTTPConnection
    _Pool = HTTPConnectionPool
else:
    _Connection = _Pool = object  # what follows is mixed into either kind


class _Watched(_Connection):
    """A connection that can be stopped from outside."""

    stop: Stop
    response_class = _Response

    def connect(self) -> None:
        self.stop.check()
        super().connect()
        self.stop.watch(self.sock)


class _Plain(_Watched, HTTPConnection): ...


class _Secure(_Watched, HTTPSConnection):
    """A connection that lets urllib3 read an answer that came before the request was sent.

    A registry that refuses an upload (401, 413) answers and closes. Over plain HTTP the sender sees a broken pipe, and
    urllib3 then reads the answer; over TLS it sees `SSLEOFError`, and the answer would be lost.
    """

    def send(self, data: Any) -> None:
        try:
            super().send(data)
        except ssl.SSLEOFError as error:
            raise BrokenPipeError(str(error)) from error


class _Stoppable(_Pool):
    """A pool whose connections can be stopped from outside."""

    def __init__(self, *place: Any, stop: Stop, **options: Any) -> None:
        super().__init__(*place, **options)
        self._stop = stop

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()
        connection.stop = self._stop
        return connection


class _PlainPool(_Stoppable, HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(_Stoppable, HTTPSConnectionPool):
    ConnectionCls = _Secure


class Connections:
    """Pools of connections, by their TLS context and their proxy.

    Args:
        stop: breaks them.
    """

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._lock = threading.Lock()
        self._managers: dict[tuple[ssl.SSLContext | None, str | None], urllib3.PoolManager] = {}

    def manager(self, context: ssl.SSLContext | None, proxy: str | None) -> urllib3.PoolManager:
        """The pools for a TLS context (None for plain HTTP) and the URL of a proxy.

        Raises:
            ConfigError: the URL is not one of a proxy.
        """
        with self._lock:
            key = (context, proxy)
            if key not in self._managers:
                self._managers[key] = self._make(context, proxy)
            return self._managers[key]

    def close(self) -> None:
        """Closes the connections."""
        with self._lock:
            for manager in self._managers.values():
                manager.clear()

    def _make(self, context: ssl.SSLContext | None, proxy: str | None) -> urllib3.PoolManager:
        options: dict[str, Any] = {"maxsize": _MOST_CONNECTIONS, "blocksize": _SEND_BUFFER, "retries": False}
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
                    "HTTP_PROXY or HTTPS_PROXY is not the URL of a proxy", "write it as http://host:port"
                ) from None
        manager.pool_classes_by_scheme = {
            "http": partial(_PlainPool, stop=self._stop),  # type: ignore[dict-item]
            "https": partial(_SecurePool, stop=self._stop),  # type: ignore[dict-item]
        }
        return manager
