"""Sockets that a `Stop` wakes in every state, and that give up on peers that send next to nothing."""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fairing_kfp.registry.stop import Stop

_SLICE = 0.1  # seconds between two looks at the flag
_MIN_BYTES = 1 << 16  # that have to arrive in each period of `limit` seconds
_RESOLVE = 30.0  # seconds

if TYPE_CHECKING:
    _Socket = socket.socket
else:
    _Socket = object  # mixed into both kinds below


class _Paced(_Socket):
    """A socket that fails after `limit` seconds of waiting for fewer bytes than an acceptable connection brings.

    A drip of bytes would satisfy a timeout of each read for ever. Only time spent in reads counts: the reader of a
    stream may be slow.

    Attributes:
        limit: the seconds.
    """

    limit = 60.0
    _waited = 0.0
    _received = 0

    def recv_into(self, buffer: Any, nbytes: Any = 0, flags: int = 0) -> int:
        began = time.monotonic()
        self.settimeout(max(self.limit - self._waited, 0.001))
        count = super().recv_into(buffer, nbytes or 0, flags)
        self._waited += time.monotonic() - began
        self._received += count
        if self._received >= _MIN_BYTES:
            self._waited, self._received = 0.0, 0
        elif count and self._waited >= self.limit:
            raise TimeoutError(f"only {self._received} bytes arrived within {self.limit:g} s")
        return count

    def sendall(self, data: Any, flags: int = 0) -> None:
        self._waited, self._received = 0.0, 0
        self.settimeout(self.limit)
        super().sendall(data, flags)


class PlainSocket(_Paced, socket.socket):
    """A paced TCP socket."""


def tls_socket(stop: Stop) -> type[ssl.SSLSocket]:
    """The class of paced TLS sockets that a flag closes, even during the handshake."""

    class TlsSocket(_Paced, ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            stop.watch(self)
            super().do_handshake(block)

    return TlsSocket


def connect(
    host: str, port: int, timeout: float, stop: Stop, options: Sequence[tuple[int, int, int | bytes]] = ()
) -> PlainSocket:
    """Connects to the first address of a host that answers.

    Args:
        host: a name or address.
        port: the port.
        timeout: seconds for each address.
        stop: ends the resolution of the name, and the attempt.
        options: socket options.

    Raises:
        OSError: the name cannot be resolved, or no address answers.
        StoppedError: the flag is set.
    """
    name = host.strip("[]")
    found = stop.call(lambda: socket.getaddrinfo(name, port, type=socket.SOCK_STREAM), _RESOLVE)
    failure: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in found:
        opened = PlainSocket(family, kind, protocol)
        try:
            for option in options:
                opened.setsockopt(*option)
            _connect(opened, address, timeout, stop)
        except OSError as error:
            opened.close()
            failure = error
        except BaseException:
            opened.close()
            raise
        else:
            return opened
    raise failure


def _connect(opened: socket.socket, address: Any, timeout: float, stop: Stop) -> None:
    opened.setblocking(False)
    code = opened.connect_ex(address)
    deadline = time.monotonic() + timeout
    poll = select.poll()
    poll.register(opened, select.POLLOUT)
    while code in (errno.EINPROGRESS, errno.EWOULDBLOCK):
        stop.check()
        if time.monotonic() >= deadline:
            raise TimeoutError(f"no answer within {timeout:g} s")
        if poll.poll(_SLICE * 1000):
            code = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
    opened.settimeout(timeout)
