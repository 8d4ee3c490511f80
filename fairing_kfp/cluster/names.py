"""Names of objects: valid everywhere, and the same each time the same task of the same run asks."""

from __future__ import annotations

import hashlib
import re

LONGEST = 46
"""Of a name: a label of 63 characters less what Kubernetes and operators append for pods, of which JobSet's is the
longest (`-node-0-999-x7k2p`)."""

_DIGEST = 10


def object_name(stem: str, *identity: str, longest: int = LONGEST) -> str:
    """A name that is a DNS-1035 label, readable at its start, unique by its end.

    Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/

    Args:
        stem: what it should look like, any text.
        identity: what makes it unique: run and task.
        longest: how many characters it may have.
    """
    digest = hashlib.sha256("\0".join((stem, *identity)).encode()).hexdigest()[:_DIGEST]
    words = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    words = re.sub(r"^[^a-z]+", "", words)[: longest - _DIGEST - 1].rstrip("-")
    return f"{words or 'task'}-{digest}"


def label_value(text: str) -> str:
    """A text as the value of a label: itself if it is one, else shortened and made unique.

    Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
    """
    if re.fullmatch(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", text):
        return text
    return object_name(text, longest=63)
