"""Names of objects: valid for every kind, and the same in each retry of a task."""

from __future__ import annotations

import hashlib
import re

MAX_LENGTH = 46
"""A label of 63 characters, less the longest suffix that Kubernetes and operators append for pods, which is JobSet's
(`-node-0-999-x7k2p`)."""

_DIGEST = 10


def object_name(stem: str, *identity: str, longest: int = MAX_LENGTH) -> str:
    """A DNS-1035 label that starts with readable text and ends with a digest.

    Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/

    Args:
        stem: text that the name starts with; other characters are replaced.
        identity: values that make the name unique, such as run and task.
        longest: maximum length, in characters.
    """
    digest = hashlib.sha256("\0".join((stem, *identity)).encode()).hexdigest()[:_DIGEST]
    words = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    words = re.sub(r"^[^a-z]+", "", words)[: longest - _DIGEST - 1].rstrip("-")
    return f"{words or 'task'}-{digest}"


def label_value(text: str) -> str:
    """A text as the value of a label; an invalid text is shortened and made unique.

    Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
    """
    if re.fullmatch(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", text):
        return text
    return object_name(text, longest=63)
