"""A client of registries: authorized, redirected, checked answers; what is asked stands in `repository`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import BinaryIO, TypeVar
from urllib.parse import urljoin, urlsplit

import urllib3

from fairing_kfp.errors import RegistryError
from fairing_kfp.registry.auth import Access, Authorizer
from fairing_kfp.registry.challenge import challenges
from fairing_kfp.registry.credentials import CredentialStore
from fairing_kfp.registry.logins import Logins
from fairing_kfp.registry.refusal import refusal
from fairing_kfp.registry.retry import Patience
from fairing_kfp.registry.streams import begin_of
from fairing_kfp.registry.tls import Tls
from fairing_kfp.registry.transport import Transport, origin

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SLOW = 1 << 20  # bytes a second: no upload that is worth waiting for is slower

_Result = TypeVar("_Result")

Body = bytes | Callable[[], BinaryIO] | None
"""What is sent: bytes, or how to open what is sent, as it may have to be sent twice."""


class RegistryClient:
    """Connections and tokens, shared by everything that talks to registries; safe for threads.

    Args:
        insecure: registries (`host` or `host:port`) that are spoken to over plain HTTP.
        credentials: who we are; by default what `docker login` or `podman login` has stored.
        tls: whom we trust, and as whom we speak.
        patience: how long registries are waited for, and how often asked again.

    Attributes:
        chunks: for registries that refused an upload for its size, how many bytes to send them at a time.
    """

    def __init__(
        self,
        insecure: Collection[str] = (),
        credentials: CredentialStore | None = None,
        tls: Tls | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._transport = Transport(insecure, tls, patience)
        self._authorizer = Authorizer(self._transport, credentials or Logins())
        self.chunks: dict[str, int] = {}

    def request(
        self,
        method: str,
        registry: str,
        path: str,
        *,
        access: Access,
        expected: Collection[int],
        what: str,
        headers: Mapping[str, str] | None = None,
        body: Body = None,
    ) -> urllib3.BaseHTTPResponse:
        """Sends a request, with authorization when asked for it, and gives the answer, its body unread.

        Args:
            method: GET, HEAD, POST, PATCH or PUT; redirects of the first two are followed.
            registry: who is asked.
            path: below the registry's root, or a URL that the registry gave.
            access: the scopes of the series that the request belongs to.
            expected: the statuses that are not an error.
            what: the request in words, for errors.
            headers: header fields.
            body: what is sent.

        Raises:
            RegistryError: there is no answer, or it is not an expected one.
        """
        url = urljoin(self._transport.root(registry), path)
        self._refuse_downgrade(registry, url)
        with self._authorizer.first(registry):
            response = self._authorized(method, registry, url, access, headers or {}, body)
        for _ in range(_MOST_REDIRECTS):
            if response.status not in _REDIRECTS or method not in ("GET", "HEAD"):
                break
            begin_of(response, registry)
            url = urljoin(url, response.headers.get("Location") or "")
            self._refuse_downgrade(registry, url)
            response = self._authorized(method, registry, url, access, headers or {}, body)
        if response.status in expected:
            return response
        raise refusal(response, begin_of(response, registry), registry=registry, what=what)

    def retrying(self, unit: Callable[[], _Result]) -> _Result:
        """Runs a unit of requests until it does not fail by chance; see `retry`."""
        return self._transport.retrying(unit)

    def stop(self) -> None:
        """Ends what other threads have under way, at once; the client is of no use afterwards."""
        self._transport.stop.set()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def _authorized(
        self, method: str, registry: str, url: str, access: Access, headers: Mapping[str, str], body: Body
    ) -> urllib3.BaseHTTPResponse:
        # Storage that a registry points at must not learn who we are to the registry.
        if not self._is_own(registry, url):
            return self._send(method, registry, url, headers, body)
        # Some registries look at the token when the last byte has come.
        known = self._authorizer.header(registry, access, lasting=int(headers.get("Content-Length", 0)) / _SLOW)
        response = self._send(method, registry, url, _with(headers, known), body)
        if response.status != 401:
            return response
        offered = challenges(response.headers.getlist("WWW-Authenticate"))
        fresh = self._authorizer.answer(registry, offered, access, refused=known)
        if fresh is None:
            return response
        begin_of(response, registry)
        return self._send(method, registry, url, _with(headers, fresh), body)

    def _send(
        self, method: str, registry: str, url: str, headers: Mapping[str, str], body: Body
    ) -> urllib3.BaseHTTPResponse:
        if not callable(body):
            return self._transport.send(method, url, headers, body, registry)
        with body() as file:
            return self._transport.send(method, url, headers, file, registry)

    def _is_own(self, registry: str, url: str) -> bool:
        return origin(self._transport.root(registry)) == origin(url)

    def _refuse_downgrade(self, registry: str, url: str) -> None:
        if urlsplit(url).scheme != "https" and not self._transport.is_plain(registry):
            raise RegistryError(
                f"the registry {registry} sends us to {urlsplit(url).hostname} over plain HTTP",
                f"if it may be spoken to over plain HTTP, say so: --insecure {registry}",
            )


def _with(headers: Mapping[str, str], authorization: str | None) -> dict[str, str]:
    return {**headers, **({"Authorization": authorization} if authorization else {})}
