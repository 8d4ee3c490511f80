"""Challenges of a 401 response (RFC 9110, section 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field

from fairing_kfp.frozen import dataclass

_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # noqa: S105 - a token of RFC 9110
_PARAMETER = re.compile(rf'[\s,]*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME = re.compile(rf"[\s,]*({_TOKEN})(?=\s|,|$)")


@dataclass(frozen=True)
class Challenge:
    """One way to authenticate.

    Attributes:
        scheme: the scheme in lower case, such as `bearer`.
        parameters: the values by parameter name, in lower case.
    """

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse_challenges(headers: Iterable[str]) -> dict[str, Challenge]:
    """The challenges of WWW-Authenticate fields, by scheme. Malformed parts are ignored."""
    found: dict[str, Challenge] = {}
    for header in headers:
        position, current = 0, Challenge("")
        while position < len(header):
            if match := _PARAMETER.match(header, position):
                name, quoted, plain = match.groups()
                current.parameters[name.lower()] = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            elif match := _SCHEME.match(header, position):
                current = Challenge(match[1].lower())
                found.setdefault(current.scheme, current)
            else:
                break
            position = match.end()
    return found
