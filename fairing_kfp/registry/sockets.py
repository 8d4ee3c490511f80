"""Sockets that a `Stop` wakes in every state, and that give up on peers that send next to nothing."""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from typing import TYPE_CHECKING, Any

from fairing_kfp.registry.stop import Stop

_SLICE = 0.1  # seconds between two looks at the flag
_MIN_BYTES = 1 << 16  # that have to arrive in each period of `limit` seconds
_RESOLVE = 30.0  # seconds

if TYPE_CHECKING:
    _Socket = socket.socket
else:
    _Socket = object  # mixed into both kinds below


class ReadTimeoutError(TimeoutError):
    """A response does not arrive, or too slowly."""


class Paced(_Socket):
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
        try:
            count = super().recv_into(buffer, nbytes or 0, flags)
        except TimeoutError as error:
            raise ReadTimeoutError(str(error)) from None
        self._waited += time.monotonic() - began
        self._received += count
        if self._received >= _MIN_BYTES:
            self._waited, self._received = 0.0, 0
        elif count and self._waited >= self.limit:
            raise ReadTimeoutError(f"only {self._received} bytes arrived within {self.limit:g} s")
        return count

    def sendall(self, data: Any, flags: int = 0) -> None:
        self._waited, self._received = 0.0, 0
        self.settimeout(self.limit)
        super().sendall(data, flags)


class PlainSocket(Paced, socket.socket):
    """A paced TCP socket."""


def connect(host: str, port: int, timeout: float, stop: Stop) -> PlainSocket:
    """Connects to the first address of a host that answers.

    Args:
        host: a name, or an address without brackets.
        port: the port.
        timeout: seconds for each address.
        stop: ends the resolution of the name, and the attempt.

    Raises:
        OSError: the name cannot be resolved, or no address answers.
        StoppedError: the flag is set.
    """
    failure: OSError = OSError("the name has no address")
    for family, address in _resolve(host, port, stop):
        opened = PlainSocket(family, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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


def _resolve(host: str, port: int, stop: Stop) -> list[tuple[int, Any]]:
    """The family and address of each address of a host."""
    if ":" in host or host.replace(".", "").isdigit():  # an address: `Url` accepts no such names
        return [(socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port))]
    found = stop.call(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), _RESOLVE)
    return [(family, address) for family, *_, address in found]


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
