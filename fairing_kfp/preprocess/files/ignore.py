"""The patterns of `.dockerignore` and `.fairingignore`, by Docker's rules.

https://docs.docker.com/build/concepts/context/#dockerignore-files describes them, github.com/moby/patternmatcher
implements them.

Patterns are relative to the root and match files, or folders with all their contents. The last match wins; `!` makes an
exception. Below an ignored folder, exceptions with wildcards apply as well, as in BuildKit; Docker's legacy builder
applies only exceptions that spell out the folder.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import field
from functools import cached_property

from fairing_kfp.errors import PackError
from fairing_kfp.frozen import dataclass

_CHARACTER = r"(?:\\.|[^\\\]\-])"
_CLASS = rf"\[\^?(?:{_CHARACTER}(?:-{_CHARACTER})?)+\]"
_PIECE = re.compile(rf"\*\*/?|\*|\?|{_CLASS}|\\.|[^\[\\]", re.DOTALL)
_WILD = re.compile(r"[*?\[\]\\]")


@dataclass(frozen=True)
class Pattern:
    """A pattern of file names.

    `*` and `?` match characters of one name, `[a-z]` and `[^a-z]` one character in or not in the class, `**` any number
    of folders. A backslash escapes them.

    Attributes:
        text: the pattern, relative to the root, normalized: no `.`, empty parts, or slashes at its ends.
        exception: whether its matches are exceptions, which are not ignored.

    Raises:
        PackError: the pattern is malformed.
    """

    text: str
    exception: bool = False
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compiles the pattern, so that a malformed one fails at once."""
        try:
            regex = re.compile(_translate(self.text), re.DOTALL)
        except (ValueError, re.error):
            raise PackError(
                f"the pattern {self.text!r} is malformed", r"close its brackets, or escape a bracket of a file name: \["
            ) from None
        object.__setattr__(self, "_regex", regex)

    @classmethod
    def parse(cls, line: str) -> Pattern:
        """Parses a line that is neither empty nor a comment.

        Raises:
            PackError: the pattern is malformed.
        """
        line = line.strip()
        text = line.removeprefix("!").strip()
        if not text:
            raise PackError(f"the pattern {line!r} is empty", "add a file name after the exclamation mark")
        return cls(clean(text), exception=line.startswith("!"))

    def matches(self, place: str) -> bool:
        """Whether the path itself matches, regardless of the folders above it."""
        return self._regex.fullmatch(place) is not None

    @cached_property
    def start(self) -> str:
        """The text before the first wildcard."""
        wild = _WILD.search(self.text)
        return self.text[: wild.start()] if wild else self.text

    def is_wild(self) -> bool:
        """Whether it may match more than one path."""
        return self.start != self.text


Matched = tuple[bool, ...]
"""For each pattern, whether it matched a folder; the folder's contents then match, too."""


@dataclass(frozen=True)
class Ignore:
    """The patterns of an ignore file.

    Attributes:
        patterns: the patterns in order; later ones win.
    """

    patterns: tuple[Pattern, ...] = ()

    @classmethod
    def of(cls, lines: Iterable[str]) -> Ignore:
        """Parses patterns.

        Raises:
            PackError: a pattern is malformed.
        """
        return cls(tuple(Pattern.parse(line) for line in lines if line.strip()))

    @classmethod
    def parse(cls, text: str) -> Ignore:
        """Parses an ignore file: one pattern per line, comments start with `#`.

        Raises:
            PackError: a pattern is malformed.
        """
        lines = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").split("\n")
        return cls.of(line for line in lines if not line.startswith("#"))

    def __add__(self, later: Ignore) -> Ignore:
        """These patterns and then later ones, which win."""
        return Ignore(self.patterns + later.patterns)

    def match(self, place: str, above: Matched = ()) -> tuple[bool, Matched]:
        """Whether a path is ignored, and which patterns match it.

        Args:
            place: the path relative to the root, separated by `/`.
            above: the patterns that match the folder above it; empty for a path in the root.
        """
        out = False
        matched = []
        for number, pattern in enumerate(self.patterns):
            match = bool(above) and above[number]
            # A pattern that cannot change the result is not tried, and so does not match a folder's contents either.
            if not match and pattern.exception == out:
                match = pattern.matches(place)
            matched.append(match)
            if match:
                out = not pattern.exception
        return out, tuple(matched)

    def ignores(self, place: str) -> bool:
        """Whether a path is ignored, itself or by a folder above it."""
        out = False
        matched: Matched = ()
        parts = place.split("/")
        for depth in range(1, len(parts) + 1):
            out, matched = self.match("/".join(parts[:depth]), matched)
        return out

    def has_exceptions_below(self, folder: str) -> bool:
        """Whether an exception may match something in an ignored folder."""
        return any(
            pattern.start.startswith(f"{folder}/") or (pattern.is_wild() and f"{folder}/".startswith(pattern.start))
            for pattern in self.patterns
            if pattern.exception
        )


def clean(path: str) -> str:
    """Normalizes a path: no `.`, inner `..`, empty parts, or slashes at its ends; empty for the root."""
    cleaned = posixpath.normpath(path).lstrip("/") if path else ""
    return "" if cleaned == "." else cleaned


def _translate(pattern: str) -> str:
    """The regular expression of a pattern.

    Raises:
        ValueError: a bracket is not closed, or the pattern ends with a backslash.
    """
    if pattern.startswith("**") and not pattern.startswith("**/") and not _WILD.search(pattern[2:]):
        return ".*" + re.escape(pattern[2:])  # only here does `**` match part of a name, as in `**.py`
    parts = []
    end = 0
    while end < len(pattern):
        piece = _PIECE.match(pattern, end)
        if piece is None:
            raise ValueError(pattern)
        end = piece.end()
        parts.append(_piece_regex(piece.group(), end == len(pattern)))
    return "".join(parts)


def _piece_regex(piece: str, last: bool) -> str:
    """The regular expression of a wildcard or character."""
    if piece in ("**", "**/"):
        return ".*" if last else "(?:.*/)?"
    if piece == "*":
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if piece[0] == "\\":
        return re.escape(piece[1])
    if piece[0] == "[" and len(piece) > 1:
        inside = re.sub(r"\\(.)|([^\\-])", lambda found: re.escape(found[1] or found[2]), piece[1:-1].removeprefix("^"))
        return f"[{'^' if piece[1] == '^' else ''}{inside}]"
    return re.escape(piece)
