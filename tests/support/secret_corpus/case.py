"""A file of the corpus, and the generator of its random parts."""

from __future__ import annotations

import base64
import random
import string
from dataclasses import dataclass, field

ALNUM = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"
BASE64 = ALNUM + "+/"
URL_SAFE = ALNUM + "-_"


@dataclass(frozen=True)
class Case:
    """A file of the corpus.

    Attributes:
        label: what it is, for reports.
        path: its name.
        data: its content.
    """

    label: str
    path: str
    data: bytes = field(repr=False)


def case(label: str, path: str, text: str | bytes) -> Case:
    """A file of the corpus, from its text."""
    return Case(label, path, text if isinstance(text, bytes) else text.encode())


def rnd(label: str, length: int, alphabet: str = ALNUM) -> str:
    """Random characters, the same for the same label. Each kind of character of the alphabet is among them."""
    generator = random.Random(f"made up, {label}")
    while True:
        text = "".join(generator.choices(alphabet, k=length))
        kinds = [set(kind) for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits)]
        if length < 8 or all(set(text) & kind for kind in kinds if kind & set(alphabet)):
            return text


def encoded(text: str | bytes) -> str:
    """A text in base64."""
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def pem(kind: str = "RSA ") -> str:
    """A made-up private key."""
    body = "\n".join(rnd(f"pem {kind} {line}", 64, BASE64) for line in range(6))
    return f"-----BEGIN {kind}PRIV" + f"ATE KEY-----\n{body}\n-----END {kind}PRIV" + "ATE KEY-----\n"


def jwt(label: str) -> str:
    """A made-up JSON Web Token."""
    head, body = ('{"alg":"HS256","typ":"JWT"}', '{"sub":"1234567890","name":"made up"}')
    parts = [encoded(part).rstrip("=") for part in (head, body)]
    return ".".join([*parts, rnd(f"jwt {label}", 43, URL_SAFE)])
