"""Authorization: one token for all scopes of a login, fetched when a registry first challenges a request with 401."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from fairing_kfp.errors import RegistryError, UnauthorizedError
from fairing_kfp.registry.credentials import Credentials, CredentialStore
from fairing_kfp.registry.retry import is_transient
from fairing_kfp.registry.token import Access, Header, basic, fetch_token
from fairing_kfp.registry.transport import Transport

if TYPE_CHECKING:
    from fairing_kfp.registry.challenge import Challenge


def pull(repository: str) -> str:
    """The scope that permits reading a repository."""
    return f"repository:{repository}:pull"


def push(repository: str) -> str:
    """The scope that permits reading and writing a repository."""
    return f"repository:{repository}:pull,push"


class _Host:
    """The state of one registry.

    Attributes:
        challenge: its last challenge.
        contacted: whether a request was sent to it.
        one_scope: whether its token server refuses several scopes at once.
        split: series of requests with a token for each repository, because one for all was rejected.
        logins: the credentials by repository.
        headers: the headers by scopes and credentials.
    """

    def __init__(self) -> None:
        self.challenge: Challenge | None = None
        self.contacted = False
        self.one_scope = False
        self.split: set[tuple[Access, Credentials | None]] = set()
        self.logins: dict[str, Credentials | None] = {}
        self.headers: dict[tuple[Access, Credentials | None], Header] = {}
        self.lock = threading.RLock()


class Authorizer:
    """Provides the Authorization headers of requests. Thread-safe.

    The repositories of a series of requests share a token if they have the same login. Otherwise each repository is
    reached with its own.

    Args:
        transport: sends requests to token servers.
        credentials: looked up only when a registry challenges a request.
    """

    def __init__(self, transport: Transport, credentials: CredentialStore) -> None:
        self._transport = transport
        self._credentials = credentials
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def first_request(self, registry: str, *, alone: bool = True) -> Iterator[None]:
        """Blocks other threads during the first request to a registry, so that only one request is challenged.

        Args:
            registry: the registry's host.
            alone: false for a request beside which others may be challenged, to save a round trip.
        """
        host = self._host(registry)
        if host.contacted:
            yield
            return
        with host.lock if alone else contextlib.nullcontext():
            try:
                yield
            finally:
                host.contacted = True

    def header(self, registry: str, access: Access, duration: float = 0, repository: str = "") -> str | None:
        """The header for the next request, or None before the first challenge.

        Args:
            registry: the registry's host.
            access: the scopes of the series of requests.
            duration: the seconds that the request may take.
            repository: the repository of the request; by default the one to push to.
        """
        host = self._host(registry)
        if host.challenge is None:
            return None
        with host.lock:
            repository = repository or _main(access)
            scopes, login = self._scopes_of_login(host, registry, access, repository)
            known = host.headers.get((scopes, login))
            if known is None or not known.is_valid_for(duration):
                host.logins.clear()  # a password may be short-lived as well
                scopes, login = self._scopes_of_login(host, registry, access, repository)
                wanted = known.scopes if known and known.scopes else scopes
                known = self._fetch(host, registry, wanted, login, repository)
                host.headers[scopes, login] = known
            return known.value

    def answer_challenge(
        self,
        registry: str,
        offered: dict[str, Challenge],
        access: Access,
        rejected: str | None,
        repository: str = "",
        *,
        narrow: bool = False,
    ) -> str | None:
        """The header with which to repeat a request after a 401; None if there is no other.

        Args:
            registry: the registry's host.
            offered: the challenges of the response.
            access: the scopes of the series of requests.
            rejected: the header of the rejected request.
            repository: the repository of the request; by default the one to push to.
            narrow: whether a new token for several scopes was rejected, as of servers that only see one of them; then
                one for the repository alone is fetched.
        """
        host = self._host(registry)
        challenge = offered.get("bearer") or offered.get("basic")
        if challenge is None:
            return None
        with host.lock:
            host.challenge = challenge
            repository = repository or _main(access)
            scopes, login = self._scopes_of_login(host, registry, access, repository)
            known = host.headers.get((scopes, login))
            if known is not None and known.value != rejected:  # another thread has renewed it
                return known.value
            # The registry may use other names for the scopes.
            wanted = scopes.union(challenge.parameters.get("scope", "").split())
            if not narrow:
                fresh = host.headers[scopes, login] = self._fetch(host, registry, wanted, login, repository)
                if fresh.value != rejected:
                    return fresh.value
                known = fresh
            if known is None or len(known.scopes) < 2:
                return None
            host.split.add((scopes, login))
            scopes, login = self._scopes_of_login(host, registry, access, repository)
            wanted = frozenset(_one_by_one(known.scopes, repository)[:1])
            with contextlib.suppress(RegistryError):
                fresh = host.headers[scopes, login] = self._fetch(host, registry, wanted, login, repository)
                return None if fresh.value == rejected else fresh.value
            return None

    def _host(self, registry: str) -> _Host:
        with self._lock:
            return self._hosts.setdefault(registry, _Host())

    def _scopes_of_login(
        self, host: _Host, registry: str, access: Access, repository: str
    ) -> tuple[Access, Credentials | None]:
        """The login of a repository, and the scopes of the repositories with the same login."""
        login = self._login(host, registry, repository)
        same = frozenset(scope for scope in access if self._login(host, registry, _name(scope)) == login)
        if (same, login) in host.split:
            same = frozenset(_one_by_one(same, repository)) or same
        return same, login

    def _login(self, host: _Host, registry: str, repository: str) -> Credentials | None:
        if repository not in host.logins:
            # A credential helper may ask somewhere else.
            find = partial(self._credentials.for_repository, registry, repository)
            host.logins[repository] = self._transport.stop.call(find)
        return host.logins[repository]

    def _fetch(self, host: _Host, registry: str, scopes: Access, login: Credentials | None, repository: str) -> Header:
        challenge = host.challenge
        assert challenge is not None  # noqa: S101 - set by both callers
        if challenge.scheme == "basic":
            if login is None:
                raise UnauthorizedError(
                    f"the registry {registry} requires a user name and password",
                    f"log in with: docker login {registry}",
                )
            return basic(login)
        wanted = _without_parts(scopes)
        if len(wanted) > 1 and host.one_scope:
            wanted = frozenset(_one_by_one(wanted, repository)[:1])
        try:
            return self._token(registry, challenge, wanted, login)
        except RegistryError as error:
            if len(wanted) < 2 or error.status is None or is_transient(error.status):
                raise
            refused = error
        for scope in _one_by_one(wanted, repository):
            with contextlib.suppress(RegistryError):
                header = self._token(registry, challenge, frozenset({scope}), login)
                host.one_scope = True
                return header
        raise refused

    def _token(self, registry: str, challenge: Challenge, scopes: Access, login: Credentials | None) -> Header:
        return self._transport.retry(lambda: fetch_token(self._transport, registry, challenge, scopes, login))


def _name(scope: str) -> str:
    """The repository of a scope such as `repository:team/app:pull`."""
    return scope.partition(":")[2].rpartition(":")[0]


def _main(scopes: Access) -> str:
    """The repository to push to, if any, or one to pull from."""
    return _name(min(scopes, key=lambda scope: (not scope.endswith("push"), scope), default=""))


def _one_by_one(scopes: Access, repository: str) -> list[str]:
    """The scopes of a repository, the widest first."""
    return sorted((scope for scope in scopes if _name(scope) == repository), key=lambda scope: (-len(scope), scope))


def _without_parts(scopes: Access) -> Access:
    """The scopes without those that others of the same repository contain."""

    def actions(scope: str) -> set[str]:
        return set(scope.rpartition(":")[2].split(","))

    def is_part(scope: str) -> bool:
        return any(_name(one) == _name(scope) and actions(scope) < actions(one) for one in scopes)

    return frozenset(scope for scope in scopes if not is_part(scope))
