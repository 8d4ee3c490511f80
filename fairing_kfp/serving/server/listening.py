"""The listening socket of the server."""

from __future__ import annotations

import socket

from .settings import Settings

_BACKLOG = 2048


def listen(settings: Settings, *, shared: bool = False) -> socket.socket:
    """A listening socket; without a host it listens on all addresses, of IPv6 and IPv4 if the machine has both.

    Args:
        settings: the server's settings.
        shared: whether other sockets listen on the same port; the kernel distributes new connections among them.

    Raises:
        OSError: the address cannot be bound.
    """
    both = not settings.host and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both or ":" in settings.host else socket.AF_INET
    # With an explicit protocol: asyncio sets TCP_NODELAY only then, without which a response takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not both))
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def port_error(settings: Settings, error: OSError) -> str:
    """The message for an address that cannot be bound."""
    return f"cannot listen on port {settings.port} of {settings.host or 'all addresses'}: {error.strerror}"
