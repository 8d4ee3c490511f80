"""A connection to a registry, or to a proxy in front of it, over which requests of HTTP/1.1 are sent in turn."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Callable, Mapping
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

from fairing_kfp.errors import ConfigError
from fairing_kfp.frozen import dataclass
from fairing_kfp.registry.response import ProtocolError, Response
from fairing_kfp.registry.url import InvalidUrlError, Url

_BLOCK = 1 << 18  # bytes of a file that are read and sent at a time
_BODIES = ("POST", "PUT", "PATCH")

Body = bytes | BinaryIO | None


class ConnectError(OSError):
    """No connection can be made; its cause says why."""


class ProxyError(ConnectError):
    """No connection can be made through a proxy."""


@dataclass(frozen=True)
class Proxy:
    """A proxy for requests.

    Attributes:
        url: its address.
        headers: the header fields with its login, if it has one.
    """

    url: Url
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Proxy:
        """Parses the URL of a proxy, which may contain a user name and a password.

        Raises:
            ConfigError: the URL is malformed.
        """
        import base64  # on first use

        try:
            parts = urlsplit(text)
            host = parts.netloc.rpartition("@")[2]
            url = Url.of_registry(parts.scheme, host)
            if not parts.username:
                return cls(url)
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            return cls(url, (("Proxy-Authorization", f"Basic {base64.b64encode(login).decode()}"),))
        except (ValueError, InvalidUrlError):
            raise ConfigError(
                "HTTP_PROXY or HTTPS_PROXY is not the URL of a proxy", "use the form http://host:port"
            ) from None


class Connection:
    """A connection, for one request at a time.

    Args:
        opened: the connected socket.
        proxy: the proxy to which it leads, if any; None for a tunnel through one.

    Attributes:
        socket: the socket.
    """

    def __init__(self, opened: socket.socket, proxy: Proxy | None = None) -> None:
        self.socket = opened
        self._by_proxy = proxy is not None
        self._login = dict(proxy.headers) if proxy else {}

    @property
    def is_open(self) -> bool:
        """Whether the peer has neither closed the connection nor sent something unasked."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return not poll.poll(0)

    def send(
        self, method: str, url: Url, headers: Mapping[str, str], body: Body, on_end: Callable[[bool], None]
    ) -> Response:
        """Sends a request, and reads the head of its response.

        A registry that rejects an upload (401, 413) may respond and close the connection before the body was sent. Such
        a response is returned as well.

        Args:
            method: the method.
            url: the URL.
            headers: header fields, including Content-Length if the body is a file.
            body: the request body.
            on_end: called when the response has been read or closed, with whether the connection can be used again.

        Raises:
            ProtocolError: the response is malformed, or the file is shorter than its Content-Length.
            OSError: the connection broke.
        """
        fields = {"Host": url.netloc, "Accept-Encoding": "identity", **headers, **self._login}
        if not isinstance(body, bytes | None):
            length = int(fields["Content-Length"])
        else:
            length = len(body or b"")
            if body or method in _BODIES:
                fields["Content-Length"] = str(length)
        target = str(url) if self._by_proxy else url.path + (f"?{url.query}" if url.query else "")
        broken: OSError | None = None
        try:
            self._send(_head(method, target, fields), body, length)
        except (BrokenPipeError, ConnectionResetError) as error:
            broken = error
        try:
            return self._receive(method, (lambda reusable: on_end(False)) if broken else on_end)
        except (ProtocolError, OSError):
            if broken:
                raise broken from None
            raise

    def tunnel(self, host: str) -> None:
        """Asks the proxy to forward everything that follows to a host, `host:port`; closes the connection if it fails.

        Raises:
            ProxyError: the proxy refuses.
        """
        try:
            self.socket.sendall(_head("CONNECT", host, {"Host": host, **self._login}))
            response = self._receive("HEAD", lambda reusable: None)  # what follows is not its body
            response.close()
            if not 200 <= response.status < 300:
                raise ProxyError(f"it responds with {response.status} to CONNECT")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the connection."""
        with contextlib.suppress(OSError):
            self.socket.close()

    def _receive(self, method: str, on_end: Callable[[bool], None]) -> Response:
        # A reader for each response: nothing that follows a response becomes the start of the next one.
        stream = self.socket.makefile("rb", _BLOCK)

        def end(reusable: bool) -> None:
            stream.close()
            on_end(reusable)

        try:
            return Response(method, cast(BinaryIO, stream), end)
        except BaseException:
            stream.close()
            raise

    def _send(self, head: bytes, body: Body, length: int) -> None:
        if body is None or isinstance(body, bytes):
            self.socket.sendall(head + (body or b""))
            return
        self.socket.sendall(head)
        while length:
            data = body.read(min(length, _BLOCK))
            if not data:
                raise ProtocolError(f"a file to send is shorter than expected, by {length} bytes")
            self.socket.sendall(data)
            length -= len(data)


def _head(method: str, target: str, fields: Mapping[str, str]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header field contains a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
