"""Names with their values in any text: settings, shell commands, headers and programs.

The names are found by their keywords; what follows each is then read as a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fairing_kfp.preprocess.secrets.match import Match, named
from fairing_kfp.preprocess.secrets.names import KEYWORDS, Strength, is_of_pair, strength_of
from fairing_kfp.preprocess.secrets.pair import Style, value_after
from fairing_kfp.preprocess.secrets.urls import PAIR, is_encoded_pair, is_pair_password
from fairing_kfp.preprocess.secrets.values import could_be_credential, is_placeholder

_LONGEST_NAME = 64
_BEFORE = re.compile(r"[\w.$-]*\Z")
_NAME = re.compile(r"[\w.$-]+")
_FOLDER = re.compile(r"(?:[\w.-]+/)?\Z")  # of an annotation's name: `checksum/secret`
_NAME_VALUE = re.compile(
    r"""["']?(?:value|defaultValue|default)["']?\s*[:=]\s*["']?(?P<value>[^\s"',}\]]+)["']?\s*[,\n]\s*-?\s*["']?(?:name|key)["']?"""
    r"""\s*[:=]\s*["']?(?P<name>[\w.-]+)"""
)
_RESOURCE = re.compile(r"\barn:\S*\Z")
_LONGEST_RESOURCE = 120
_KEY_OF = re.compile(
    r"(?i)\b(?:api|access|secret|private|auth\w*|encryption|signing|account|storage|subscription|licen[sc]e|activation"
    r"|master|shared)\s\Z|\"username\"\s*:\s*\"[^\"]*\"\s*,\s*\"\Z"
)


def find_assignments(text: str, style: Style) -> Iterator[Match]:
    """Finds the values of names that announce credentials."""
    low = text.encode("latin-1", "replace").lower()  # one byte for each character, whatever the text
    end = 0
    for place in _keyword_places(low):
        if place < end:
            continue
        start = place - len(_BEFORE.search(text, max(0, place - _LONGEST_NAME), place).group())  # type: ignore[union-attr]
        start = max(start, end)
        found = _NAME.match(text, start, place + _LONGEST_NAME)
        if not found:
            continue
        end = found.end()
        if end - start > 2 * _LONGEST_NAME - 1:
            continue
        strength = strength_of(_FOLDER.search(text, max(0, start - _LONGEST_NAME), start).group() + found.group())  # type: ignore[union-attr]
        if found.group().lower() == "key" and _KEY_OF.search(text, max(0, start - _LONGEST_NAME), start):
            strength = Strength.SECRET
        if strength is Strength.NONE or _RESOURCE.search(text, max(0, start - _LONGEST_RESOURCE), start):
            continue
        match = _credential_at(text, start, end, strength, style)
        if match:
            yield match
            end = max(end, match.start + len(match.value))
    if (b"value" in low and b"name" in low) or b"key" in low:
        for pair in _NAME_VALUE.finditer(text) if "alue" in text else ():
            strength = strength_of(pair["name"])
            if strength and could_be_credential(strength, pair["value"]):
                yield named(pair["name"], pair["value"], pair.start("value"))


def _keyword_places(low: bytes) -> list[int]:
    places = []
    for keyword in KEYWORDS:
        sought = keyword.encode()
        place = low.find(sought)
        while place >= 0:
            places.append(place)
            place = low.find(sought, place + len(sought))
    return sorted(places)


def _credential_at(text: str, start: int, end: int, strength: Strength, style: Style) -> Match | None:
    """The credential that follows a name; None if what follows is none."""
    value = value_after(text, start, end, strength, style)
    if value is None:
        return None
    name = text[start:end].strip("-.$")
    user, _, password = value.text.partition(":")
    is_pair = strength is Strength.WEAK and is_of_pair(name) and not is_placeholder(value.text)
    if is_pair and re.fullmatch(r"[\w.@-]{1,64}", user) and not password.isdigit() and is_pair_password(user, password):
        return Match(PAIR, password, value.start, name)
    if name.lower() in ("auth", "_auth") and is_encoded_pair(value.text):
        return Match(PAIR, value.text, value.start, name)
    return named(name, value.text, value.start) if could_be_credential(strength, value.text) else None
