"""Connections to registries, which are kept open between requests."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, cast

from fairing_kfp.errors import StoppedError
from fairing_kfp.registry.connection import Body, ConnectError, Connection, Proxy, ProxyError
from fairing_kfp.registry.response import ProtocolError, Response
from fairing_kfp.registry.sockets import connect
from fairing_kfp.registry.stop import Stop
from fairing_kfp.registry.url import Url

if TYPE_CHECKING:
    import socket
    import ssl

_MAX_IDLE = 32  # connections kept open per host

_Place = tuple[tuple[str, str, int], "ssl.SSLContext | None", Proxy | None]
"""Where a connection leads: the origin, how it is secured, and through which proxy."""


class _Ahead:
    """A connection that is being opened before a request needs it.

    Attributes:
        done: set when the attempt has ended.
        connection: the connection; None if it failed.
        abandoned: whether nobody will use it.
    """

    def __init__(self) -> None:
        self.done = threading.Event()
        self.connection: Connection | None = None
        self.abandoned = False


class Connections:
    """Connections by place. Thread-safe.

    Args:
        stop: cancels all connections.
        timeout: seconds for connecting to one address.
        limit: seconds without bytes, or with next to none, after which a connection fails.
    """

    def __init__(self, stop: Stop, timeout: float, limit: float) -> None:
        self._stop, self._timeout, self._limit = stop, timeout, limit
        self._lock = threading.Lock()
        self._idle: dict[_Place, list[Connection]] = {}
        self._ahead: dict[_Place, list[_Ahead]] = {}

    def send(
        self,
        method: str,
        url: Url,
        headers: Mapping[str, str],
        body: Body,
        context: ssl.SSLContext | None,
        proxy: Proxy | None,
    ) -> Response:
        """Sends a request over an idle connection, one that is being opened ahead, or a new one.

        Args:
            method: the method.
            url: the URL.
            headers: header fields, including Content-Length if the body is a file.
            body: the request body.
            context: the TLS context; None for plain HTTP.
            proxy: the proxy, if any.

        Raises:
            ConnectError: no connection can be made.
            ProtocolError: the response is malformed.
            OSError: the connection broke.
        """
        place = (url.origin, context, proxy)
        connection = self._take(place) or self._open(place)
        try:
            return connection.send(method, url, headers, body, partial(self._give_back, place, connection))
        except BaseException:
            connection.close()
            raise

    def open_ahead(self, url: Url, context: ssl.SSLContext | None, proxy: Proxy | None, count: int) -> None:
        """Opens connections in the background. The requests that would use one that fails open their own.

        Args:
            url: the URL of the host.
            context: the TLS context; None for plain HTTP.
            proxy: the proxy, if any.
            count: the number of connections.
        """
        place = (url.origin, context, proxy)
        for _ in range(count):
            ahead = _Ahead()
            with self._lock:
                self._ahead.setdefault(place, []).append(ahead)
            threading.Thread(target=self._fill, args=(ahead, place), name="fairing-kfp-connect", daemon=True).start()

    def close(self) -> None:
        """Closes the idle connections, and those that are being opened ahead."""
        with self._lock:
            unused = [one for connections in self._idle.values() for one in connections]
            self._idle.clear()
            for ahead in (one for many in self._ahead.values() for one in many):
                ahead.abandoned = True
                unused += [ahead.connection] if ahead.connection else []
            self._ahead.clear()
        for one in unused:
            one.close()

    def _take(self, place: _Place) -> Connection | None:
        while True:
            with self._lock:
                idle, ahead = self._idle.get(place), self._ahead.get(place)
                found = idle.pop() if idle else None
                opening = ahead.pop(0) if ahead and not found else None
            if opening:
                opening.done.wait()
                found = opening.connection
            elif not found:
                return None
            if found and found.is_open:
                return found
            if found:
                found.close()

    def _fill(self, ahead: _Ahead, place: _Place) -> None:
        try:
            with contextlib.suppress(StoppedError, ProtocolError, OSError):
                opened = self._open(place)
                with self._lock:
                    ahead.connection = None if ahead.abandoned else opened
                if ahead.abandoned:
                    opened.close()
        finally:
            ahead.done.set()

    def _give_back(self, place: _Place, connection: Connection, reusable: bool) -> None:
        with self._lock:
            idle = self._idle.setdefault(place, [])
            if reusable and len(idle) < _MAX_IDLE:
                idle.append(connection)
                return
        connection.close()

    def _open(self, place: _Place) -> Connection:
        (_, host, port), context, proxy = place
        if proxy is None:
            opened = self._connect(host, port)
            return Connection(opened if context is None else self._secure(opened, host, context))
        try:
            connection = self._to_proxy(proxy)
            if context is None:
                return connection
            connection.tunnel(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except (ProtocolError, OSError) as error:
            raise ProxyError(str(error)) from error
        return Connection(self._secure(connection.socket, host, context))

    def _to_proxy(self, proxy: Proxy) -> Connection:
        scheme, host, port = proxy.url.origin
        opened = self._connect(host, port)
        if scheme == "https":
            from fairing_kfp.registry.tls import default_context

            opened = self._secure(opened, host, default_context(self._stop))
        return Connection(opened, proxy)

    def _connect(self, host: str, port: int) -> socket.socket:
        self._stop.check()
        try:
            opened = connect(host, port, self._timeout, self._stop)
        except StoppedError:
            raise
        except (OSError, UnicodeError) as error:
            raise ConnectError(str(error)) from error
        opened.limit = self._limit
        self._stop.watch(opened)
        return opened

    def _secure(self, opened: socket.socket, host: str, context: ssl.SSLContext) -> socket.socket:
        import ssl

        try:
            if isinstance(opened, ssl.SSLSocket):  # of a proxy that is reached over TLS
                from urllib3.util.ssltransport import SSLTransport

                return cast("socket.socket", SSLTransport(opened, context, host))
            secured = context.wrap_socket(opened, server_hostname=host)
        except BaseException:
            opened.close()
            raise
        secured.limit = self._limit  # type: ignore[attr-defined]  # of `Paced`
        return secured
