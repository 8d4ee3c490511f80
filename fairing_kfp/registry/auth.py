"""Authorization, asked for once: the 401 on the first real request is the challenge, one token is for all scopes.

Bearer tokens: https://distribution.github.io/distribution/spec/auth/token/ and …/auth/oauth/.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import urlencode, urlsplit

from fairing_kfp.errors import UnauthorizedError
from fairing_kfp.registry.challenge import Challenge
from fairing_kfp.registry.credentials import Credentials, CredentialStore
from fairing_kfp.registry.refusal import refusal
from fairing_kfp.registry.streams import read_bounded
from fairing_kfp.registry.transport import Transport

_SHORTEST_LIFE = 60  # what a token lives if its server does not say
_LARGEST_ANSWER = 1 << 20

Access = frozenset[str]
"""What a series of requests needs, as scopes: one token is fetched for all of it."""


def pull(repository: str) -> str:
    """The scope of reading a repository."""
    return f"repository:{repository}:pull"


def push(repository: str) -> str:
    """The scope of reading and writing a repository."""
    return f"repository:{repository}:pull,push"


@dataclass(frozen=True)
class _Header:
    """An Authorization header, and until when requests may begin with it."""

    value: str = field(repr=False)
    begun: float = 0
    life: float = float("inf")

    def lasts(self, seconds: float) -> bool:
        """Whether it outlives a request that takes so long; no new one would, if that is too long for half a life."""
        # Renewed a quarter of its life early: clocks differ, and a request takes time to arrive.
        return time.monotonic() + min(seconds, self.life / 2) < self.begun + self.life * 0.75


@dataclass
class _Host:
    """What is known of one registry."""

    challenge: Challenge | None = None
    asked: bool = False
    headers: dict[Access, _Header] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


class Authorizer:
    """Gives requests their Authorization header, for all threads.

    Args:
        transport: asks token servers.
        credentials: who we are; asked only when a registry wants to know.
    """

    def __init__(self, transport: Transport, credentials: CredentialStore) -> None:
        self._transport = transport
        self._credentials = credentials
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def first(self, registry: str) -> Iterator[None]:
        """Holds others back until a registry has once been asked, so that not every thread meets its challenge."""
        host = self._host(registry)
        if host.asked:
            yield
            return
        with host.lock:
            try:
                yield
            finally:
                host.asked = True

    def header(self, registry: str, access: Access, lasting: float = 0) -> str | None:
        """The header for the next request, or None while the registry has not asked for one.

        Args:
            registry: who is asked.
            access: what the series of requests needs.
            lasting: how many seconds the request may take.
        """
        host = self._host(registry)
        if host.challenge is None:
            return None
        with host.lock:
            known = host.headers.get(access)
            if known is None or not known.lasts(lasting):
                known = host.headers[access] = self._fetch(registry, host.challenge, access)
            return known.value

    def answer(self, registry: str, offered: dict[str, Challenge], access: Access, refused: str | None) -> str | None:
        """The header for a request that was answered with 401; None when there is nothing else to try.

        Args:
            registry: who answered.
            offered: the challenges of the answer.
            access: what the series of requests needs.
            refused: the header that the request had.
        """
        host = self._host(registry)
        challenge = offered.get("bearer") or offered.get("basic")
        if challenge is None:
            return None
        with host.lock:
            host.challenge = challenge
            known = host.headers.get(access)
            if known is None or known.value == refused:  # otherwise another thread was here first
                # The registry may call the scope by another name than we do.
                named = challenge.parameters.get("scope", "").split()
                known = host.headers[access] = self._fetch(registry, challenge, access.union(named))
        return None if known.value == refused else known.value

    def _host(self, registry: str) -> _Host:
        with self._lock:
            return self._hosts.setdefault(registry, _Host())

    def _fetch(self, registry: str, challenge: Challenge, scopes: Access) -> _Header:
        credentials = self._credentials.for_repository(registry, _repository(scopes))
        if challenge.scheme == "bearer":
            return self._transport.retrying(lambda: self._token(registry, challenge, scopes, credentials))
        if credentials is None:
            raise UnauthorizedError(
                f"the registry {registry} wants a user name and a password", f"log in: docker login {registry}"
            )
        return _Header(_basic(credentials))

    def _token(self, registry: str, challenge: Challenge, scopes: Access, credentials: Credentials | None) -> _Header:
        realm = challenge.parameters.get("realm", "")
        if not self._is_safe(realm, registry):
            raise UnauthorizedError(
                f"the registry {registry} names no safe place to get a token from: {realm!r}",
                f"if it may be spoken to over plain HTTP, say so: --insecure {registry}",
            )
        service, asked_for, begun = challenge.parameters.get("service", ""), " ".join(sorted(scopes)), time.monotonic()
        headers: dict[str, str] = {}
        body = None
        if credentials and credentials.identity_token:
            grant = {"grant_type": "refresh_token", "service": service, "client_id": "fairing-kfp"}
            body = urlencode({**grant, "scope": asked_for, "refresh_token": credentials.identity_token}).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            url = realm
        else:
            query = urlencode([("service", service)] * bool(service) + [("scope", scope) for scope in sorted(scopes)])
            url = f"{realm}{'&' if urlsplit(realm).query else '?'}{query}"
            if credentials:
                headers["Authorization"] = _basic(credentials)
        response = self._transport.send("POST" if body else "GET", url, headers, body, urlsplit(realm).netloc)
        answer = read_bounded(response, _LARGEST_ANSWER, registry)
        if response.status != 200:
            raise refusal(response, answer, registry=registry, what=f"a token for {asked_for}")
        return _bearer(answer, begun) or _no_token(registry)

    def _is_safe(self, realm: str, registry: str) -> bool:
        """Whether a password may go there: over TLS, or to a host that may be spoken to in the clear."""
        try:
            parts = urlsplit(realm)
            same_host = parts.hostname == urlsplit(f"//{registry}").hostname and self._transport.is_plain(registry)
            plain = same_host or self._transport.is_plain(parts.netloc)
        except ValueError:
            return False
        return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and plain))


def _repository(scopes: Access) -> str:
    """The repository that is written to, or else one that is read: some logins hold for one repository only."""
    chosen = min(scopes, key=lambda scope: (not scope.endswith("push"), scope), default="")
    return chosen.partition(":")[2].rpartition(":")[0]


def _bearer(answer: bytes, begun: float) -> _Header | None:
    try:
        document = json.loads(answer)
        token = document.get("token") or document.get("access_token")
        life = float(document.get("expires_in") or _SHORTEST_LIFE)
    except (ValueError, TypeError, AttributeError):
        return None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        return None
    return _Header(f"Bearer {token}", begun, life if life > 0 else _SHORTEST_LIFE)


def _no_token(registry: str) -> NoReturn:
    raise UnauthorizedError(f"the token server of {registry} answers without a token", "try again later")


def _basic(credentials: Credentials) -> str:
    pair = f"{credentials.username}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"
