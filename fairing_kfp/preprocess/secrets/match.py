"""A part of a text that looks like a credential."""

from __future__ import annotations

from dataclasses import field

from fairing_kfp.frozen import dataclass


@dataclass(frozen=True)
class Match:
    """A part of a text that looks like a credential.

    Attributes:
        what: the kind of credential, with its article, or the name that announces it.
        value: the credential.
        start: where it starts in the text, in characters; or its line, where a scan says so.
        name: the name of the variable, key or file; empty for a credential that is known by its form alone.
    """

    what: str
    value: str = field(repr=False)
    start: int = 0
    name: str = ""


def named(name: str, value: str, start: int = 0) -> Match:
    """The match of a value that looks like a credential because of its name."""
    return Match(f"{name!r}, which looks like a credential", value, start, name)
