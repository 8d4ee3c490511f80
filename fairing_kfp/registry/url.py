"""URLs, parsed once: what is decided about a URL and what is sent come from the same parts.

Parsers disagree about backslashes, user names, control characters and encoded hosts, so that a URL could be checked as
that of one host and sent to another. Such URLs are rejected, though some of them are valid (RFC 3986).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from urllib.parse import urlencode, urljoin

from fairing_kfp.frozen import dataclass

_PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[^\x21-\x7e]|\\")  # control characters, spaces, letters beyond ASCII, backslashes
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a last label that makes resolvers read the host as an IPv4 address
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[^\]/?#@]*\]|[^:/?#@\[\]]*)(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#.*)?",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|///", re.IGNORECASE)
_MAX_HOST = 253
_MAX_URL = 1 << 15


class InvalidUrlError(ValueError):
    """A URL is malformed, or parsers may disagree about its host."""


@dataclass(frozen=True)
class Url:
    """An absolute URL over HTTP, without user name and fragment.

    Attributes:
        scheme: `http` or `https`.
        host: a name in lower case, an IPv4 address, or an IPv6 address without brackets.
        port: the port; None if the URL has none.
        path: the path, which starts with a slash.
        query: the query without its question mark.
    """

    scheme: str
    host: str
    port: int | None = None
    path: str = "/"
    query: str = ""

    @classmethod
    def parse(cls, text: str) -> Url:
        """Parses an absolute URL.

        Raises:
            InvalidUrlError: the URL is malformed, or parsers may disagree about its host.
        """
        _check_characters(text)
        match = _URL.fullmatch(text)
        if match is None:
            raise InvalidUrlError("it is not a URL of the form https://host:port/path without a user name")
        port = int(match["port"]) if match["port"] else None
        if port is not None and port > 65535:
            raise InvalidUrlError(f"it has the port {port}")
        return cls(match["scheme"].lower(), _host(match["host"]), port, match["path"] or "/", match["query"] or "")

    @classmethod
    def of_registry(cls, scheme: str, registry: str) -> Url:
        """The URL of a registry, `host` or `host:port`.

        Raises:
            InvalidUrlError: the registry's name is malformed.
        """
        if set(registry) & set("/?#"):
            raise InvalidUrlError("it is not a host name")
        return cls.parse(f"{scheme}://{registry}")

    @property
    def netloc(self) -> str:
        """The host, and the port if the URL has one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port. Credentials are sent to the same origin only."""
        return self.scheme, self.host, self.port or _PORTS[self.scheme]

    def join(self, reference: str) -> Url:
        """The URL that a reference means, such as a Location header.

        Raises:
            InvalidUrlError: the result is malformed, or parsers may disagree about its host.
        """
        _check_characters(reference)
        if _SCHEME.match(reference):
            return Url.parse(reference)
        try:
            joined = urljoin(str(self), reference)
        except ValueError as error:
            raise InvalidUrlError(f"it cannot be parsed: {error}") from None
        return Url.parse(joined)

    def with_query(self, **parameters: str) -> Url:
        """Adds parameters to the query, which the registry chose and which is not encoded again."""
        return replace(self, query="&".join(filter(None, (self.query, urlencode(parameters)))))

    def __str__(self) -> str:
        """The URL as it is sent."""
        return f"{self.scheme}://{self.netloc}{self.path}" + (f"?{self.query}" if self.query else "")


def _check_characters(text: str) -> None:
    if len(text) > _MAX_URL:
        raise InvalidUrlError(f"it is longer than {_MAX_URL} characters")
    if unsafe := _UNSAFE.search(text):
        raise InvalidUrlError(f"it contains {unsafe[0]!a}")


def _host(text: str) -> str:
    """The canonical form of a host."""
    host = text.lower()
    if host.startswith("["):
        try:
            if "%" in host:  # a zone is a name of this machine's interfaces
                raise ValueError
            return ipaddress.IPv6Address(host[1:-1]).compressed
        except ValueError:
            raise InvalidUrlError(f"{text!r} is not an IPv6 address") from None
    if len(host) > _MAX_HOST or not _NAME.fullmatch(host):
        raise InvalidUrlError(f"{text[:_MAX_HOST]!r} is not a host name")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            raise InvalidUrlError(f"{text!r} is not an IPv4 address") from None
    return host
