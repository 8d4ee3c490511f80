"""HTTP: which registries are spoken to in the clear, as whom and by which way, and one request at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import BinaryIO, TypeVar
from urllib.parse import urlsplit

import urllib3

from fairing_kfp.image.reference import DOCKER_HUB
from fairing_kfp.registry.connections import Connections
from fairing_kfp.registry.failures import answering
from fairing_kfp.registry.proxies import is_loopback, proxy_for
from fairing_kfp.registry.retry import Patience, retrying
from fairing_kfp.registry.stop import Stop
from fairing_kfp.registry.tls import Contexts, Tls

_DOCKER_HUB_HOST = "registry-1.docker.io"
_PORTS = {"http": 80, "https": 443}

_Result = TypeVar("_Result")


class Transport:
    """Sends requests to registries, each over a connection that is kept for the next.

    Args:
        insecure: registries (`host` or `host:port`) that are spoken to over plain HTTP. Those on this machine's
            loopback are as well, unless they have a folder of certificates.
        tls: whom we trust, and as whom we speak.
        patience: how long is waited.
    """

    def __init__(
        self, insecure: Collection[str] = (), tls: Tls | None = None, patience: Patience | None = None
    ) -> None:
        self.patience = patience or Patience()
        self.stop = Stop()
        self._insecure = frozenset(insecure)
        self._contexts = Contexts(tls or Tls())
        self._connections = Connections(self.stop)

    def root(self, registry: str) -> str:
        """The URL of a registry, without a path."""
        return f"{'http' if self.is_plain(registry) else 'https'}://{_host(registry)}"

    def is_plain(self, registry: str) -> bool:
        """Whether a registry is spoken to over plain HTTP."""
        host = urlsplit(f"//{registry}").hostname or ""
        return bool({registry, host} & self._insecure) or (is_loopback(host) and not self._contexts.knows(registry))

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
            ConfigError: a certificate or the URL of a proxy is wrong.
        """
        read = self.patience.read if method in ("GET", "HEAD") else self.patience.commit
        context = None
        parts = urlsplit(url)
        if parts.scheme == "https":
            own = parts.hostname == urlsplit(f"//{_host(registry)}").hostname
            context = self._contexts.get(parts.netloc, identified=own)
        manager = self._connections.manager(context, proxy_for(url))
        self.stop.check()
        with answering(registry, self.stop):
            return manager.request(
                method,
                url,
                headers={"User-Agent": "fairing-kfp", **headers},
                body=body,
                redirect=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=self.patience.connect, read=read),
            )

    def retrying(self, unit: Callable[[], _Result]) -> _Result:
        """Runs a unit until it does not fail by chance; see `retry`."""
        return retrying(unit, self.patience, self.stop.wait)

    def close(self) -> None:
        """Closes the connections."""
        self._connections.close()


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what two URLs must have in common for one to learn what the other may know."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def _host(registry: str) -> str:
    return _DOCKER_HUB_HOST if registry == DOCKER_HUB else registry
