"""Which files `.dockerignore` and `.fairingignore` leave out, by Docker's rules.

The rules are those of https://docs.docker.com/build/concepts/context/#dockerignore-files and of what implements them,
github.com/moby/patternmatcher. A pattern is about the root of the folder, names files or folders with all that they
hold, and the last one that matches holds; `!` makes an exception. Below a folder that is left out, exceptions with
wildcards count too, as with BuildKit; Docker's older builder looks there only for exceptions that spell the folder.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from fairing_kfp.errors import PackError

_CHARACTER = r"(?:\\.|[^\\\]\-])"
_CLASS = rf"\[\^?(?:{_CHARACTER}(?:-{_CHARACTER})?)+\]"
_PIECE = re.compile(rf"\*\*/?|\*|\?|{_CLASS}|\\.|[^\[\\]", re.DOTALL)
_WILD = re.compile(r"[*?\[\]\\]")


@dataclass(frozen=True)
class Pattern:
    """A pattern of file names.

    `*` and `?` stand for characters of one name, `[a-z]` and `[^a-z]` for one of these or another, `**` for any number
    of folders; a backslash takes their meaning away.

    Attributes:
        text: the pattern, relative to the root and cleaned: no `.`, no empty part, no slash at its ends.
        exception: whether what it matches is taken after all.

    Raises:
        PackError: it is malformed.
    """

    text: str
    exception: bool = False
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Translates the pattern, so that a malformed one is known at once."""
        try:
            regex = re.compile(_translate(self.text), re.DOTALL)
        except (ValueError, re.error):
            raise PackError(
                f"the pattern {self.text!r} is malformed", r"close brackets, and write \[ for a bracket of a file name"
            ) from None
        object.__setattr__(self, "_regex", regex)

    @classmethod
    def parse(cls, line: str) -> Pattern:
        """The pattern of one line, which is neither empty nor a comment.

        Raises:
            PackError: it is malformed.
        """
        line = line.strip()
        text = line.removeprefix("!").strip()
        if not text:
            raise PackError(f"the pattern {line!r} names no file", "name one after the exclamation mark")
        return cls(clean(text), exception=line.startswith("!"))

    def matches(self, place: str) -> bool:
        """Whether this very path matches; not whether a folder above it does."""
        return self._regex.fullmatch(place) is not None

    @cached_property
    def start(self) -> str:
        """What stands before the first wildcard."""
        wild = _WILD.search(self.text)
        return self.text[: wild.start()] if wild else self.text

    def is_wild(self) -> bool:
        """Whether it may match more than one path."""
        return self.start != self.text


Matched = tuple[bool, ...]
"""Which of the patterns matched a folder; what it holds is judged by that, too."""


@dataclass(frozen=True)
class Ignore:
    """Patterns of what is left out.

    Attributes:
        patterns: in their order.
    """

    patterns: tuple[Pattern, ...] = ()

    @classmethod
    def of(cls, lines: Iterable[str]) -> Ignore:
        """The patterns of these lines.

        Raises:
            PackError: one is malformed.
        """
        return cls(tuple(Pattern.parse(line) for line in lines if line.strip()))

    @classmethod
    def parse(cls, text: str) -> Ignore:
        """The patterns of an ignore file: a line each, comments begin with `#`.

        Raises:
            PackError: one is malformed.
        """
        lines = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").split("\n")
        return cls.of(line for line in lines if not line.startswith("#"))

    def __add__(self, later: Ignore) -> Ignore:
        """These patterns and later ones, which win."""
        return Ignore(self.patterns + later.patterns)

    def judge(self, place: str, above: Matched = ()) -> tuple[bool, Matched]:
        """Whether a path is left out, and which patterns matched it.

        Args:
            place: the path relative to the root, parts separated by `/`.
            above: which patterns matched the folder that holds it; of a path in the root, nothing.
        """
        out = False
        matched = []
        for number, pattern in enumerate(self.patterns):
            match = bool(above) and above[number]
            # A pattern that can change nothing is not tried. That shows below: it then did not match the folder.
            if not match and pattern.exception == out:
                match = pattern.matches(place)
            matched.append(match)
            if match:
                out = not pattern.exception
        return out, tuple(matched)

    def leaves_out(self, place: str) -> bool:
        """Whether a path is left out, judged with the folders above it."""
        out = False
        matched: Matched = ()
        parts = place.split("/")
        for depth in range(1, len(parts) + 1):
            out, matched = self.judge("/".join(parts[:depth]), matched)
        return out

    def may_take_below(self, folder: str) -> bool:
        """Whether an exception may match something in a folder that is left out."""
        return any(
            pattern.start.startswith(f"{folder}/") or (pattern.is_wild() and f"{folder}/".startswith(pattern.start))
            for pattern in self.patterns
            if pattern.exception
        )


def clean(path: str) -> str:
    """A path without `.`, `..` inside, empty parts and slashes at its ends; empty for the root itself."""
    cleaned = posixpath.normpath(path).lstrip("/") if path else ""
    return "" if cleaned == "." else cleaned


def _translate(pattern: str) -> str:
    """The regular expression of a pattern.

    Raises:
        ValueError: a bracket is not closed, or a backslash is the last character.
    """
    if pattern.startswith("**") and not pattern.startswith("**/") and not _WILD.search(pattern[2:]):
        return ".*" + re.escape(pattern[2:])  # `**.py` is any name with this end, as no other `**` beside a name is
    parts = []
    end = 0
    while end < len(pattern):
        piece = _PIECE.match(pattern, end)
        if piece is None:
            raise ValueError(pattern)
        end = piece.end()
        parts.append(_of(piece.group(), end == len(pattern)))
    return "".join(parts)


def _of(piece: str, last: bool) -> str:
    """The regular expression of one wildcard or character."""
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
