"""Text from registries in messages: printable, short, and without the secrets that were sent to them."""

from __future__ import annotations

import json
import re
import threading
from urllib.parse import quote as percent_encoded

_MAX_TEXT = 300  # characters
_MAX_READ = 1 << 14  # characters that are searched
_SHORT = 6  # shorter secrets may be parts of ordinary words, and are masked as whole words
_MASK = "***"

_secrets: set[str] = set()
_lock = threading.Lock()


def hide(*secrets: str) -> None:
    """Masks secrets in all text that is quoted from now on, also in JSON and in URLs."""
    for secret in filter(None, secrets):
        with _lock:
            _secrets.update({secret, json.dumps(secret)[1:-1], percent_encoded(secret, safe="")})


def quote(text: object) -> str:
    """Text of a registry for a message: one printable line of at most 300 characters, with secrets masked."""
    masked = mask(str(text)[:_MAX_READ])
    line = " ".join("".join(c if c.isprintable() else " " for c in masked).split())
    return line if len(line) <= _MAX_TEXT else line[:_MAX_TEXT] + "…"


def mask(text: str) -> str:
    """Text with secrets masked."""
    with _lock:
        secrets = sorted(_secrets, key=len, reverse=True)
    for secret in secrets:
        if secret in text:
            word = "" if len(secret) >= _SHORT else r"\b"
            text = re.sub(f"{word}{re.escape(secret)}{word}", _MASK, text)
    return text
