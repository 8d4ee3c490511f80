"""Credentials in manifests of Kubernetes Secrets, whatever their keys."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from fairing_kfp.preprocess.secrets.match import Match, named
from fairing_kfp.preprocess.secrets.names import Strength
from fairing_kfp.preprocess.secrets.values import could_be_credential

_KIND = re.compile(r"""(?m)^[ \t]*["']?kind["']?\s*:\s*["']?Secret\b["']?""")
_LARGEST = 1_000_000  # characters


def find_in_manifest(text: str) -> Iterator[Match]:
    """Finds the values of Secrets in YAML or JSON."""
    if len(text) > _LARGEST or not _KIND.search(text):
        return
    import yaml

    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError:  # a template
        return
    for document in chain.from_iterable(map(_secrets, documents)):
        for field, decode in (("stringData", str), ("data", _decoded)):
            values = document.get(field)
            for name, value in values.items() if isinstance(values, dict) else ():
                if could_be_credential(Strength.SECRET, decode(str(value))):
                    yield named(f"{field}.{name}", str(value), max(0, text.find(str(value))))


def _secrets(document: Any) -> Iterator[dict[str, Any]]:
    """The Secrets in a document, also those of a list."""
    if isinstance(document, dict):
        if document.get("kind") == "Secret":
            yield document
        items = document.get("items")
        for item in items if isinstance(items, list) else ():
            yield from _secrets(item)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
