"""A TCP proxy that can cut its connections, and refuse new ones for a while, like a server that restarts."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.listener import listening, pump


@dataclass
class CuttingProxy:
    """Forwards bytes.

    Attributes:
        backend: host and port of the server.
        address: address of the proxy: `127.0.0.1:port`.
        accepted: number of accepted connections.
        away: whether it refuses connections.
    """

    backend: tuple[str, int]
    address: str = ""
    accepted: int = 0
    away: bool = False
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cut(self) -> None:
        """Cuts all connections."""
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def leave(self, seconds: float) -> None:
        """Cuts all connections, and refuses new ones for some seconds."""
        self.away = True
        self.cut()
        threading.Timer(seconds, self._return).start()

    def _return(self) -> None:
        self.away = False

    def serve(self, client: socket.socket) -> None:
        if self.away:
            client.close()
            return
        self.accepted += 1
        upstream = socket.create_connection(self.backend)
        with self._lock:
            self._open |= {client, upstream}
        back = threading.Thread(target=pump, args=(upstream, client), daemon=True)
        back.start()
        pump(client, upstream)
        back.join()
        with self._lock:
            self._open -= {client, upstream}
        client.close()
        upstream.close()


@contextlib.contextmanager
def cutting_proxy(host: str, port: int) -> Iterator[CuttingProxy]:
    """Starts a proxy in front of a server."""
    proxy = CuttingProxy((host, port))
    try:
        with listening(proxy.serve) as proxy.address:
            yield proxy
    finally:
        proxy.cut()
