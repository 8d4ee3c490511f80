"""Cells in Python 2, as distinct from errors in Python 3."""

from __future__ import annotations

import re

_MESSAGE = re.compile(
    "Missing parentheses in call to|multiple exception types must be|leading zeros in decimal|inconsistent use of tabs|"
    "parameters cannot be parenthesized"
)
_LINE = re.compile(
    r"""<>|`[^`]+`|\b[uU][rR]['"]|\braise\s+[\w.]+\s*,|\b(?:0[xX][\da-fA-F]+|\d+)[lL]\b|^\s*(?:print|exec)\s+['"\w]|"""
    r"""\bexcept\s+[\w.]+\s*,\s*\w+\s*:|\bexcept\s*\([^)]*\)\s*,\s*\w+\s*:|\bdef\s+\w+\s*\((?:[^()]*,)?\s*\(|\blambda\s*\("""
)


def is_python_2(source: str, error: SyntaxError | ValueError) -> bool:
    """Whether a syntax error shows Python 2.

    Args:
        source: the text in which it is.
        error: of parsing it.
    """
    lines = source.splitlines()
    number = getattr(error, "lineno", None) or 1
    line = lines[number - 1] if number <= len(lines) else ""
    return bool(_MESSAGE.search(str(error)) or _LINE.search(line))
