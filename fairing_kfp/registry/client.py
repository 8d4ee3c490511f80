"""A client for registries: authorization, redirects and error responses. `repository` defines the requests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from typing import BinaryIO, TypeVar

from fairing_kfp.errors import FairingError, RegistryError
from fairing_kfp.registry.auth import Authorizer
from fairing_kfp.registry.credentials import CredentialStore
from fairing_kfp.registry.docker_config import DefaultCredentials
from fairing_kfp.registry.errors import response_error
from fairing_kfp.registry.quote import quote
from fairing_kfp.registry.response import Response
from fairing_kfp.registry.retry import RetryPolicy
from fairing_kfp.registry.streams import drain
from fairing_kfp.registry.tls import Tls
from fairing_kfp.registry.token import Access
from fairing_kfp.registry.transport import Transport
from fairing_kfp.registry.url import InvalidUrlError, Url

_MAX_REDIRECTS = 5
_POLL = 5.0  # seconds
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MIN_SPEED = 1 << 20  # bytes per second; the duration of uploads is estimated from it

_Result = TypeVar("_Result")

Body = bytes | Callable[[], BinaryIO] | None
"""A request body: bytes, or a function that opens it, because it may have to be sent twice."""


class RegistryClient:
    """A client for registries, with shared connections and tokens. Thread-safe.

    Args:
        insecure: registries (`host` or `host:port`) that are reached over plain HTTP.
        credentials: the credentials; by default those stored by `docker login` or `podman login`.
        tls: the CA certificates to trust, and the client certificate.
        retry_policy: the attempts and timeouts.
        on_wait: receives messages about what is waited for; by default they are logged as warnings.

    Attributes:
        chunk_sizes: the upload chunk sizes in bytes, by registry, of those that rejected an upload as too large.
        refused_mounts: the registry, source and target of repositories between which it mounts no blobs.
    """

    def __init__(
        self,
        insecure: Collection[str] = (),
        credentials: CredentialStore | None = None,
        tls: Tls | None = None,
        retry_policy: RetryPolicy | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        self._transport = Transport(insecure, tls, retry_policy, on_wait)
        self._authorizer = Authorizer(self._transport, credentials or DefaultCredentials())
        self.chunk_sizes: dict[str, int] = {}
        self.refused_mounts: set[tuple[str, str, str]] = set()

    def request(
        self,
        method: str,
        registry: str,
        path: str | Url,
        *,
        access: Access,
        expected: Collection[int],
        what: str,
        headers: Mapping[str, str] | None = None,
        body: Body = None,
        repository: str = "",
    ) -> Response:
        """Sends a request, with authorization if the registry requires it.

        Args:
            method: GET, HEAD, POST, PATCH, PUT or DELETE. Redirects of GET and HEAD are followed.
            registry: the registry's host.
            path: the path on the registry, or a URL that the registry returned (see `resolve`).
            access: the scopes of the series of requests.
            expected: the response statuses that are not errors.
            what: the requested object, for error messages.
            headers: header fields.
            body: the request body.
            repository: the repository, whose login is used; by default the one of the scopes that is pushed to.

        Returns:
            The response, with an unread body.

        Raises:
            RegistryError: there is no response, or its status is not expected.
        """
        with self._transport.waits.on(f"{registry}: {what}"):
            return self._request(method, registry, path, access, expected, what, headers or {}, body, repository)

    def _request(
        self,
        method: str,
        registry: str,
        path: str | Url,
        access: Access,
        expected: Collection[int],
        what: str,
        headers: Mapping[str, str],
        body: Body,
        repository: str,
    ) -> Response:
        url = path if isinstance(path, Url) else self.resolve(registry, self._transport.base_url(registry), path)
        # The tags of a base and an image are asked for at the same time: a second challenge costs no round trip.
        with self._authorizer.first_request(registry, alone=method != "HEAD"):
            response = self._authorized(method, registry, url, access, headers, body, repository)
        for _ in range(_MAX_REDIRECTS):
            if response.status not in _REDIRECTS or method not in ("GET", "HEAD"):
                break
            drain(response, registry)
            url = self.resolve(registry, url, response.headers.get("Location"))
            response = self._authorized(method, registry, url, access, headers, body, repository)
        if response.status in expected:
            return response
        raise response_error(response, drain(response, registry), registry=registry, what=what)

    def connect_ahead(self, registry: str, count: int) -> None:
        """Opens connections in the background, which the next requests use, so that these need not wait for them.

        Args:
            registry: the registry's host.
            count: the number of connections. What prevents them is raised by the requests.
        """
        with contextlib.suppress(FairingError):
            self._transport.connect_ahead(registry, count)

    def resolve(self, registry: str, base: str | Url, location: str | None) -> Url:
        """The URL that a registry refers to.

        Args:
            registry: the registry's host.
            base: the URL, or the path on the registry, that a relative reference extends.
            location: the Location header.

        Raises:
            RegistryError: there is no Location header, or its URL is malformed, unsafe, or a downgrade to plain HTTP.
        """
        if not location:
            raise RegistryError(
                f"{registry} redirects without a Location header", "check the registry, or the proxy in front of it"
            )
        try:
            start = base if isinstance(base, Url) else self._transport.base_url(registry).join(base)
            url = start.join(location)
        except InvalidUrlError as error:
            raise RegistryError(
                f"the registry {registry} refers to an unsafe URL, {quote(location)!r}: {error}",
                "check the registry, or the proxy in front of it",
            ) from None
        if url.scheme != "https" and not self._transport.is_plain_http(registry):
            raise RegistryError(
                f"the registry {registry} redirects to {url.host} over plain HTTP",
                f"to use plain HTTP, pass --insecure {registry}",
            )
        return url

    def retry(self, operation: Callable[[], _Result], what: str) -> _Result:
        """Runs an operation, and retries it after transient failures.

        Args:
            operation: the operation.
            what: the registry and the requested object, for messages while it is waited for.
        """
        with self._transport.waits.on(what):
            return self._transport.retry(operation)

    def poll(self, check: Callable[[], bool], seconds: float) -> bool:
        """Repeats a check until it is true.

        Args:
            check: the check.
            seconds: for how long; at most the policy's `commit`.

        Returns:
            Whether it became true.
        """
        left = min(seconds, self._transport.retry_policy.commit)
        while left > 0:
            self._transport.stop.wait(min(_POLL, left))
            left -= _POLL
            if check():
                return True
        return False

    def stop(self) -> None:
        """Cancels all transfers immediately. The client cannot be used afterwards."""
        self._transport.stop.set()

    def close(self) -> None:
        """Closes all connections."""
        self._transport.close()

    def _authorized(
        self,
        method: str,
        registry: str,
        url: Url,
        access: Access,
        headers: Mapping[str, str],
        body: Body,
        repository: str,
    ) -> Response:
        # Storage that a registry redirects to must not receive the registry's credentials.
        if not self._transport.is_own(registry, url):
            return self._send(method, registry, url, headers, body)
        # Some registries check the token after the last byte.
        duration = int(headers.get("Content-Length", 0)) / _MIN_SPEED
        header = self._authorizer.header(registry, access, duration, repository)
        response = self._send(method, registry, url, _with(headers, header), body)
        for narrow in (False, True):
            if response.status != 401:
                break
            from fairing_kfp.registry.challenge import parse_challenges  # on first use

            offered = parse_challenges(response.headers.all("WWW-Authenticate"))
            fresh = self._authorizer.answer_challenge(registry, offered, access, header, repository, narrow=narrow)
            if fresh is None:
                break
            drain(response, registry)
            header = fresh
            response = self._send(method, registry, url, _with(headers, header), body)
        return response

    def _send(self, method: str, registry: str, url: Url, headers: Mapping[str, str], body: Body) -> Response:
        if not callable(body):
            return self._transport.send(method, url, headers, body, registry)
        with body() as file:
            return self._transport.send(method, url, headers, file, registry)


def _with(headers: Mapping[str, str], authorization: str | None) -> dict[str, str]:
    return {**headers, **({"Authorization": authorization} if authorization else {})}
