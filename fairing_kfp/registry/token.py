"""Tokens from the token server of a registry.

Protocol: https://distribution.github.io/distribution/spec/auth/token/ and …/auth/oauth/.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from fairing_kfp.errors import UnauthorizedError
from fairing_kfp.frozen import dataclass
from fairing_kfp.registry.credentials import Credentials
from fairing_kfp.registry.errors import parse_json, response_error
from fairing_kfp.registry.quote import hide, quote
from fairing_kfp.registry.streams import read_bounded
from fairing_kfp.registry.transport import Transport
from fairing_kfp.registry.url import InvalidUrlError, Url

if TYPE_CHECKING:
    from fairing_kfp.registry.challenge import Challenge

_DEFAULT_LIFETIME = 60  # seconds, if the token server does not specify one
_MAX_RESPONSE = 1 << 20
_MAX_TOKEN = 1 << 16

Access = frozenset[str]
"""The scopes of a series of requests."""


@dataclass(frozen=True)
class Header:
    """An Authorization header.

    Attributes:
        value: the header's value.
        scopes: the scopes that it was requested for; empty for passwords, which are not limited to scopes.
        issued: when it was requested, by the monotonic clock.
        lifetime: its validity in seconds.
    """

    value: str = field(repr=False)
    scopes: Access = frozenset()
    issued: float = 0
    lifetime: float = float("inf")

    def is_valid_for(self, seconds: float) -> bool:
        """Whether it stays valid during a request of that duration, of which at most half a lifetime counts."""
        # Renewed a quarter of the lifetime early: clocks differ, and a request takes time to arrive.
        return time.monotonic() + min(seconds, self.lifetime / 2) < self.issued + self.lifetime * 0.75


def basic(credentials: Credentials) -> Header:
    """The header with a user name and password."""
    import base64  # on first use

    pair = f"{credentials.username}:{credentials.password}".encode(errors="replace")
    encoded = base64.b64encode(pair).decode()
    hide(credentials.password, encoded)
    return Header(f"Basic {encoded}")


def fetch_token(
    transport: Transport, registry: str, challenge: Challenge, scopes: Access, credentials: Credentials | None
) -> Header:
    """Requests a token.

    Args:
        transport: sends the request.
        registry: the registry's host.
        challenge: names the token server.
        scopes: the scopes of the token.
        credentials: the login; None for anonymous access.

    Raises:
        RegistryError: the token server cannot be reached, is unsafe, or refuses.
    """
    url = _server(transport, registry, challenge.parameters.get("realm", ""))
    service, scope = challenge.parameters.get("service", ""), " ".join(sorted(scopes))
    issued = time.monotonic()
    headers: dict[str, str] = {}
    body = None
    if credentials and credentials.identity_token:
        hide(credentials.identity_token)
        grant = {"grant_type": "refresh_token", "service": service, "client_id": "fairing-kfp"}
        body = urlencode({**grant, "scope": scope, "refresh_token": credentials.identity_token}).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    else:
        if service:
            url = url.with_query(service=service)
        for one in sorted(scopes):
            url = url.with_query(scope=one)
        if credentials:
            headers["Authorization"] = basic(credentials).value
    response = transport.send("POST" if body else "GET", url, headers, body, registry)
    document = read_bounded(response, _MAX_RESPONSE, registry)
    if response.status != 200:
        raise response_error(response, document, registry=registry, what=f"a token for {scope}")
    return _bearer(document, scopes, issued, registry)


def _server(transport: Transport, registry: str, realm: str) -> Url:
    """The token server's URL, if a password may be sent there: over TLS, or to a host with plain HTTP allowed."""
    try:
        url = Url.parse(realm)
        same_host = url.host == transport.base_url(registry).host and transport.is_plain_http(registry)
        if url.scheme == "https" or same_host or transport.is_plain_http(url.netloc):
            return url
        cause = "it uses plain HTTP"
    except InvalidUrlError as error:
        cause = str(error)
    raise UnauthorizedError(
        f"the registry {registry} refers to an unsafe token server, {quote(realm)!r}: {cause}",
        f"check the registry; to use plain HTTP, pass --insecure {registry}",
    )


def _bearer(body: bytes, scopes: Access, issued: float, registry: str) -> Header:
    document = parse_json(body)
    values: Iterable[object] = (
        (document.get("token"), document.get("access_token")) if isinstance(document, dict) else ()
    )
    for token in values:
        if isinstance(token, str) and 0 < len(token) <= _MAX_TOKEN and token.isascii() and token.isprintable():
            hide(token)
            return Header(f"Bearer {token}", scopes, issued, _lifetime(document.get("expires_in")))
    raise UnauthorizedError(f"the token server of {registry} returned no token", "try again later")


def _lifetime(value: object) -> float:
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return _DEFAULT_LIFETIME
    return seconds if seconds > 0 else _DEFAULT_LIFETIME
