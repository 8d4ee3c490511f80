"""Single HTTP requests to registries, over the right scheme, TLS context and proxy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from fairing_kfp.errors import RegistryError
from fairing_kfp.image.reference import DOCKER_HUB
from fairing_kfp.proxies import is_loopback, proxy_for
from fairing_kfp.registry.connection import Proxy
from fairing_kfp.registry.connections import Connections
from fairing_kfp.registry.errors import connection_errors
from fairing_kfp.registry.quote import quote
from fairing_kfp.registry.response import Response
from fairing_kfp.registry.retry import RetryPolicy, retry
from fairing_kfp.registry.stop import Stop
from fairing_kfp.registry.tls import Tls, TlsContexts
from fairing_kfp.registry.url import InvalidUrlError, Url
from fairing_kfp.registry.waits import Waits

if TYPE_CHECKING:
    import ssl

_DOCKER_HUB_HOST = "registry-1.docker.io"

_Result = TypeVar("_Result")


class Transport:
    """Sends requests to registries over persistent connections.

    Args:
        insecure: registries (`host` or `host:port`) that are reached over plain HTTP. Registries on loopback are as
            well, unless they have a certificate folder.
        tls: the CA certificates to trust, and the client certificate.
        retry_policy: the attempts and timeouts.
        on_wait: receives messages about what is waited for; by default they are logged.
    """

    def __init__(
        self,
        insecure: Collection[str] = (),
        tls: Tls | None = None,
        retry_policy: RetryPolicy | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        self.retry_policy = retry_policy or RetryPolicy()
        self.stop = Stop()
        self._insecure = frozenset(insecure)
        self.waits = Waits(on_wait)
        self._contexts = TlsContexts(tls or Tls(), self.stop)
        self._plain: dict[str, bool] = {}
        self._urls: dict[str, Url] = {}
        self._connections = Connections(self.stop, self.retry_policy.connect, self.retry_policy.read)

    def base_url(self, registry: str) -> Url:
        """The URL of a registry.

        Raises:
            RegistryError: the registry's name is malformed.
        """
        known = self._urls.get(registry)
        if known is None:
            known = _url("http" if self.is_plain_http(registry) else "https", _host(registry))
            self._urls[registry] = known
        return known

    def is_plain_http(self, registry: str) -> bool:
        """Whether a registry is reached over plain HTTP.

        Raises:
            RegistryError: the registry's name is malformed.
        """
        known = self._plain.get(registry)
        if known is None:  # asked for each request
            host = _url("https", registry).host
            known = bool({registry, host} & self._insecure) or (
                is_loopback(host) and not self._contexts.has_folder(registry)
            )
            self._plain[registry] = known
        return known

    def is_own(self, registry: str, url: Url) -> bool:
        """Whether a URL is one of a registry itself, and not of a token server or storage elsewhere."""
        return url.origin == self.base_url(registry).origin

    def send(
        self, method: str, url: Url, headers: Mapping[str, str], body: bytes | BinaryIO | None, registry: str
    ) -> Response:
        """Sends one request. Redirects are not followed.

        Args:
            method: the method, such as GET.
            url: the URL.
            headers: header fields, including Content-Length if the body is a file.
            body: the request body.
            registry: the registry's host. Hosts that it refers to do not see the client certificate.

        Returns:
            The response, with an unread body.

        Raises:
            RegistryError: there is no response; a TransientError if a retry may succeed.
            ConfigError: a certificate cannot be read, or the URL of the proxy is malformed.
        """
        own = self.is_own(registry, url)
        context, proxy = self._context(registry, url, own), _proxy(url)
        self.stop.check()
        with connection_errors(registry if own else url.netloc, self.stop):
            return self._connections.send(method, url, {"User-Agent": "fairing-kfp", **headers}, body, context, proxy)

    def connect_ahead(self, registry: str, count: int) -> None:
        """Opens connections to a registry in the background, for the next requests.

        Raises:
            FairingError: as `send`, before a connection is opened.
        """
        url = self.base_url(registry)
        self._connections.open_ahead(url, self._context(registry, url, True), _proxy(url), count)

    def _context(self, registry: str, url: Url, own: bool) -> ssl.SSLContext | None:
        if url.scheme != "https":
            return None
        return self._contexts.get(_host(registry) if own else url.netloc, with_client_cert=own)

    def retry(self, operation: Callable[[], _Result]) -> _Result:
        """Runs an operation, and retries it after transient failures."""
        return retry(operation, self.retry_policy, self.stop.wait, self.waits.note)

    def close(self) -> None:
        """Closes all connections."""
        self._connections.close()


def _proxy(url: Url) -> Proxy | None:
    address = proxy_for(str(url))
    return Proxy.parse(address) if address else None


def _url(scheme: str, registry: str) -> Url:
    try:
        return Url.of_registry(scheme, registry)
    except InvalidUrlError as error:
        raise RegistryError(
            f"the registry name {quote(registry)!r} is malformed: {error}", "use the form host or host:port"
        ) from None


def _host(registry: str) -> str:
    return _DOCKER_HUB_HOST if registry == DOCKER_HUB else registry
