"""Findings: what looks like a credential, where it is, and how it is named without being shown."""

from __future__ import annotations

import hashlib
import re
from dataclasses import field
from functools import lru_cache

from fairing_kfp.frozen import dataclass

_ROUNDS = 20_000  # so that a fingerprint in a log does not give a weak password away
_DIGITS = 12
_PREFIX = re.compile(r"(?:[A-Za-z]{2,6}[-_]){1,2}|AKIA|ASIA|AIza|eyJ|-----BEGIN [A-Z ]*PRIVATE KEY-----")

COMMENT = "comment"
"""What allows a finding: the comment in its line."""

MARK = re.compile(r"fairing-kfp:\s*allow-secret|pragma:\s*allowlist[ -]secret")
"""The comment that marks a line whose values are no credentials."""

FINGERPRINT = re.compile(r"[0-9a-f]{12}")
"""The form of a fingerprint."""


@dataclass(frozen=True)
class Finding:
    """Something that looks like a credential.

    Attributes:
        where: the file, value or parameter that contains it, for messages.
        what: the kind of credential, with its article, or the name that announces it.
        value: the credential; never shown.
        name: the variable, key or file; empty for a credential that is known by its form alone.
        path: the file that contains it, as its author knows it; empty for a value.
        line: the line in it; 0 if there is none.
        allowed: what allows it: a comment or an entry of `allow_secrets`; empty if nothing does.
    """

    where: str
    what: str
    value: str = field(repr=False)
    name: str = ""
    path: str = ""
    line: int = 0
    allowed: str = ""

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits that identify the credential and do not reveal it."""
        return fingerprint_of(self.value)

    @property
    def masked(self) -> str:
        """The credential as messages show it: a public prefix at most, and its length."""
        prefix = _PREFIX.match(self.value)
        start = prefix.group() if prefix and len(self.value) >= prefix.end() + 12 else ""
        return f"{start}*** ({len(self.value)} characters)"

    def __str__(self) -> str:
        """The place, the kind, the masked credential, and its fingerprint."""
        line = f", in line {self.line}" if self.line else ""
        return f"{self.where} contains {self.what}{line}: {self.masked}, fingerprint {self.fingerprint}"


@lru_cache(maxsize=1024)
def fingerprint_of(value: str) -> str:
    """The fingerprint of a credential."""
    digest = hashlib.pbkdf2_hmac("sha256", value.encode("utf-8", "surrogatepass"), b"fairing-kfp", _ROUNDS)
    return digest.hex()[:_DIGITS]
