"""How the values of a step's inputs become words of a command line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VALUE = "value"
"""One word: the value; JSON for lists and dictionaries."""
SWITCH = "switch"
"""A flag that is there or not; or another flag for no."""
WORDS = "words"
"""A list: the flag once, then a word for each item."""
REPEAT = "repeat"
"""A list: the flag and a word for each item."""
COUNT = "count"
"""A number: the flag as many times."""
TRUTH = "truth"
"""A bool as `true` or `false`."""
FILLED = "filled"
"""A bool as a word that is empty for no: what `bool` as an argument's type makes of it."""
LITERAL = "literal"
"""The value as Python writes it, which fire reads."""


@dataclass(frozen=True)
class Spelling:
    """How one argument is written on a command line.

    Attributes:
        flag: such as `--depth`; empty for a positional argument, and for a switch that has only an `off`.
        form: one of the forms above.
        off: the flag that means no, such as `--no-shuffle`; for a switch.
        joined: whether flag and value are one word, `--depth=8`, so that a value may begin with a dash.
        bare: whether the flag may stand without words for an empty list.
        known: whether the program has a default of its own, which is then never written.
        default: that default.
    """

    flag: str = ""
    form: str = VALUE
    off: str = ""
    joined: bool = True
    bare: bool = False
    known: bool = False
    default: Any = None

    @property
    def positional(self) -> bool:
        """Whether the argument is known by its place."""
        return not self.flag and self.form != SWITCH

    def words(self, value: Any) -> list[str]:
        """The words for a value; none for None, and for the program's own default."""
        if value is None or (self.known and _same(value, self.default)):
            return []
        if self.form == SWITCH:
            return [word for word in [self.flag if value else self.off] if word]
        if self.form == COUNT:
            return [self.flag] * int(value)
        if self.form in (WORDS, REPEAT):
            items = [_text(_whole(item)) for item in value]
            if self.form == REPEAT:
                return [word for item in items for word in self._flagged(item)]
            return [*([self.flag] if self.flag and (items or self.bare) else []), *items]
        if self.form == LITERAL:
            return self._flagged(repr(_plain(value)))
        if self.form == TRUTH:
            return self._flagged("true" if value else "false")
        if self.form == FILLED:
            return self._flagged("True" if value else "")
        return self._flagged(_text(value))

    def _flagged(self, word: str) -> list[str]:
        if not self.flag:
            return [word]
        if not self.joined or (len(self.flag) == 2 and not word):
            return [self.flag, word]
        return [f"{self.flag}={word}" if len(self.flag) > 2 else f"{self.flag}{word}"]


@dataclass(frozen=True)
class CommandLine:
    """The arguments of a program.

    Attributes:
        arguments: their names and spellings.
        command: the words of a sub-command.
        of_command: the names and spellings of the sub-command's own arguments, which follow it.
        dashes: whether the program takes `--` for the end of its flags.
    """

    arguments: tuple[tuple[str, Spelling], ...] = ()
    command: tuple[str, ...] = ()
    of_command: tuple[tuple[str, Spelling], ...] = ()
    dashes: bool = True

    def words(self, values: Mapping[str, Any]) -> list[str]:
        """The command line for the values of arguments, artifacts being their paths."""
        before = self._words(self.arguments, values, dashes=self.dashes and not self.command)
        return [*before, *self.command, *self._words(self.of_command, values, dashes=self.dashes)]

    def _words(
        self, arguments: Sequence[tuple[str, Spelling]], values: Mapping[str, Any], *, dashes: bool
    ) -> list[str]:
        flags = [(name, spelling) for name, spelling in arguments if not spelling.positional]
        flags.sort(key=lambda named: named[1].form != WORDS)  # those that take all words that follow come first
        words = [word for name, spelling in flags for word in spelling.words(values.get(name))]
        placed = [
            word for name, spelling in arguments if spelling.positional for word in spelling.words(values.get(name))
        ]
        greedy = bool(flags) and all(spelling.form == WORDS for name, spelling in flags if values.get(name) is not None)
        if dashes and placed and ((words and greedy) or any(word.startswith("-") for word in placed)):
            words.append("--")
        return [*words, *placed]


def _same(value: Any, default: Any) -> bool:
    return value == default and isinstance(value, bool) == isinstance(default, bool)


def _plain(value: Any) -> Any:
    """A value that Python can write: an artifact is its path."""
    if isinstance(value, (list, dict)):
        return _whole(value)
    return value if isinstance(value, (str, int, float, bool)) else _text(value)


def _whole(value: Any) -> Any:
    """The value with whole numbers as such: inside of lists and dictionaries KFP knows floats alone."""
    if isinstance(value, (list, tuple)):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return str(value)
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(_whole(value))
    return str(value.path) if hasattr(value, "path") else os.fspath(value)
