"""The proxy of a request, from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.

Semantics: https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config, as in Docker, crane, Podman and kubectl.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
from urllib.parse import urlsplit


def proxy_for(url: str) -> str | None:
    """The URL of the proxy for a request, or None for a direct connection. Loopback hosts are never proxied."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    proxy = _variable(f"{parts.scheme}_proxy")
    if not proxy or is_loopback(host) or _is_exempt(host, port, _variable("no_proxy")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def is_loopback(host: str) -> bool:
    """Whether a host is `localhost`, a name below it, or a loopback address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def _variable(name: str) -> str:
    return (os.environ.get(name.upper()) or os.environ.get(name) or "").strip()


def _is_exempt(host: str, port: int, exempt: str) -> bool:
    for entry in exempt.lower().split(","):
        name, entry_port = _split_port(entry.strip())
        if name == "*":
            return True
        if name and entry_port in (None, port) and _matches(host.lower(), name):
            return True
    return False


def _split_port(entry: str) -> tuple[str, int | None]:
    """The host and port of an entry. IPv6 addresses with a port are in brackets."""
    name, colon, port = entry.rpartition(":")
    if colon and port.isdecimal() and (":" not in name or name.startswith("[")):
        return name.strip("[]"), int(port)
    return entry.strip("[]"), None


def _matches(host: str, entry: str) -> bool:
    address = _address(host)
    if address:
        with contextlib.suppress(ValueError):
            return address in ipaddress.ip_network(entry, strict=False)
        return False
    name = entry.removeprefix("*").removeprefix(".")
    return host.endswith(f".{name}") or (host == name and not entry.startswith((".", "*")))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host)
    return None
