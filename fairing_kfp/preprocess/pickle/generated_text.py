"""Texts that Python generates from `repr`, such as the docstring of a data class: those of sets have a random order.

`Point(tags: frozenset = frozenset({'b', 'a'}))` is written with its sets sorted and without addresses.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_SIGNATURE = re.compile(r"\w+\(.*\)", re.DOTALL)
_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}


def stable_doc(doc: str, cls: Any) -> str:
    """The docstring of a data class: the same in every process if Python has generated it, else as it is."""
    if not _SIGNATURE.fullmatch(doc):
        return doc
    fields = dataclasses.fields(cls)
    parts = {repr(field.default) for field in fields} | {inspect.formatannotation(field.type) for field in fields}
    for part in sorted(parts, key=len, reverse=True):  # one that cannot be read leaves the others as they are
        doc = doc.replace(part, stable_text(part))
    return stable_text(doc)


def stable_text(text: str) -> str:
    """A text that contains representations of objects, with sets sorted and without addresses."""
    plain = _ADDRESS.sub("", text)
    for brackets in ("([{<", "([{"):  # the latter for a representation with a single `<`
        try:
            return _Reader(plain, brackets).read("")
        except ValueError:
            continue
    return plain


class _Reader:
    """Reads a text up to a bracket.

    Args:
        text: the text.
        brackets: the characters that open a bracket.
    """

    def __init__(self, text: str, brackets: str) -> None:
        self._text = text
        self._closing = {opening: _CLOSING[opening] for opening in brackets}
        self._place = 0

    def read(self, closing: str) -> str:
        """The text up to a bracket, or to the end if there is none, with the sets in it sorted.

        Raises:
            ValueError: brackets or quotes are not closed.
        """
        items, is_mapping = [""], False
        while self._place < len(self._text):
            character = self._text[self._place]
            self._place += 1
            if character == closing:
                if closing == "}" and not is_mapping:
                    return ", ".join(sorted(item.strip() for item in items))
                return ",".join(items)
            if character in self._closing:
                inner = self._closing[character]
                items[-1] += character + self.read(inner) + inner
            elif character in "'\"":
                items[-1] += self._quoted(character)
            elif character == ",":
                items.append("")
            elif character in ")]}":
                raise ValueError(self._text)
            else:
                is_mapping = is_mapping or character == ":"
                items[-1] += character
        if closing:
            raise ValueError(self._text)
        return ",".join(items)

    def _quoted(self, quote: str) -> str:
        start = self._place - 1
        while self._text[self._place : self._place + 1] != quote:
            if self._place >= len(self._text):
                raise ValueError(self._text)
            self._place += 2 if self._text[self._place] == "\\" else 1
        self._place += 1
        return self._text[start : self._place]
