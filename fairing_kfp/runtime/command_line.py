"""Conversion of a step's inputs to command-line arguments."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VALUE = "value"
"""One word: the value, as JSON for lists and dictionaries."""
SWITCH = "switch"
"""A flag without a value: given for true; for false omitted, or replaced by another flag."""
WORDS = "words"
"""A list: the flag, then a word for each item."""
REPEAT = "repeat"
"""A list: the flag and a word, repeated for each item."""
COUNT = "count"
"""A number: the flag, repeated that many times."""
TRUTH = "truth"
"""A bool as `true` or `false`."""
FILLED = "filled"
"""A bool as `True` or an empty word, as `bool` parses it as the type of an argument."""
LITERAL = "literal"
"""The value as a Python literal, for fire."""
COMMAS = "commas"
"""A list: one word with the items separated by commas, quoted as in CSV."""
OVERRIDE = "override"
"""`KEY=VALUE` in the override grammar of Hydra."""

_PLAIN_TEXT = re.compile(r"[A-Za-z_/][\w./-]*", re.ASCII)
_HYDRA_WORDS = ("null", "true", "false", "nan", "inf")


@dataclass(frozen=True)
class Spelling:
    """The form of one argument on the command line.

    Attributes:
        flag: such as `--depth`, or a key of Hydra's configuration such as `model.lr`; empty for a positional argument,
            and for a switch that has only an `off`.
        form: one of the forms above.
        off: the flag for false, such as `--no-shuffle`; for a switch.
        joined: whether flag and value are one word, `--depth=8`, so that a value may start with a dash.
        bare: whether the flag without words is valid, for an empty list.
        known: whether the default of the program is known; the argument is omitted for it.
        default: the default.
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
        """Whether the argument is positional."""
        return not self.flag and self.form != SWITCH

    def words(self, value: Any) -> list[str]:
        """The words for a value; none for None and for the program's own default.

        Raises:
            ValueError: no arguments give the program this value, or it would parse an item of a list as an option.
        """
        if value is None or (self.known and _same(value, self.default)):
            return []
        if self.form == SWITCH:
            word = self.flag if value else self.off
            if not word and self.known:
                shown, default = self.flag or self.off, bool(self.default)
                raise ValueError(
                    f"{shown} cannot be {bool(value)}: its default is {default}, and no option changes that"
                )
            return [word] if word else []
        if self.form == COUNT:
            return [self.flag] * int(value)
        if self.form == OVERRIDE:
            # Hydra would merge a dictionary with the configured one, so that one is deleted first.
            replaces = isinstance(value, dict) and not self.flag.startswith("+")
            word = f"{self.flag}={_hydra(_with_integers(value))}"
            return [f"~{self.flag}", f"+{word}"] if replaces else [word]
        if self.form in (WORDS, REPEAT, COMMAS):
            items = [_text(_with_integers(item)) for item in value]
            if not items and self._needs_items:
                shown = self.flag or "a positional argument"
                raise ValueError(f"{shown} cannot be an empty list; omit it, or give at least one value")
            if self.form == COMMAS:
                return self._flagged(_comma_separated(items))
            if self.form == REPEAT:
                return [word for item in items for word in self._flagged(item)]
            if self.flag:
                _check_items(self.flag, items)
            return [*([self.flag] if self.flag and (items or self.bare) else []), *items]
        if self.form == LITERAL:
            return self._flagged(repr(_plain(value)))
        if self.form == TRUTH:
            return self._flagged("true" if value else "false")
        if self.form == FILLED:
            return self._flagged("True" if value else "")
        return self._flagged(_text(value))

    @property
    def _needs_items(self) -> bool:
        """Whether an empty list would fail, or give the program its own default."""
        return not self.bare if self.form == WORDS else self.form == REPEAT and self.known and bool(self.default)

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
        levels: pairs of a subcommand and its arguments, from the outermost to the innermost; the first subcommand is
            empty, for the program's own arguments. An argument is a name and its spelling.
        dashes: whether the program parses `--` as the end of its options.
    """

    levels: tuple[tuple[str, tuple[tuple[str, Spelling], ...]], ...] = ()
    dashes: bool = True

    def words(self, values: Mapping[str, Any]) -> list[str]:
        """The command line for the values of arguments; the value of an artifact is its path.

        Raises:
            ValueError: see `Spelling.words`.
        """
        words: list[str] = []
        for place, (command, arguments) in enumerate(self.levels, 1):
            words += [command] if command else []
            words += self._words(arguments, values, dashes=self.dashes and place == len(self.levels))
        return words

    def _words(
        self, arguments: Sequence[tuple[str, Spelling]], values: Mapping[str, Any], *, dashes: bool
    ) -> list[str]:
        flags = [(name, spelling) for name, spelling in arguments if not spelling.positional]
        # Options that consume all following words come first. Hydra parses overrides only after its own options.
        flags.sort(key=lambda named: {WORDS: 0, OVERRIDE: 2}.get(named[1].form, 1))
        words = [word for name, spelling in flags for word in spelling.words(values.get(name))]
        positionals = [
            word for name, spelling in arguments if spelling.positional for word in spelling.words(values.get(name))
        ]
        greedy = bool(flags) and all(spelling.form == WORDS for name, spelling in flags if values.get(name) is not None)
        if dashes and positionals and ((words and greedy) or any(word.startswith("-") for word in positionals)):
            words.append("--")
        return [*words, *positionals]


def _check_items(where: str, items: Sequence[str]) -> None:
    for item in items:
        if len(item) > 1 and item.startswith("-") and not _is_number(item):
            raise ValueError(
                f"{item!r} among the values of {where} starts with a dash, and would be parsed as an option"
            )


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _same(value: Any, default: Any) -> bool:
    return value == default and isinstance(value, bool) == isinstance(default, bool)


def _plain(value: Any) -> Any:
    """A value that has a Python literal: for an artifact its path."""
    if isinstance(value, (list, dict)):
        return _with_integers(value)
    return value if isinstance(value, (str, int, float, bool)) else _text(value)


def _with_integers(value: Any) -> Any:
    """The value with integers restored: KFP passes all numbers within lists and dictionaries as floats."""
    if isinstance(value, (list, tuple)):
        return [_with_integers(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_integers(item) for key, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return str(value)
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(_with_integers(value))
    return str(value.path) if hasattr(value, "path") else os.fspath(value)


def _comma_separated(items: Sequence[str]) -> str:
    quote = re.compile(r"^$|^\s|[,\"\r\n]").search
    return ",".join('"{}"'.format(item.replace('"', '""')) if quote(item) else item for item in items)


def _hydra(value: Any) -> str:
    """A value in Hydra's override grammar."""
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_hydra, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{_hydra_key(key)}:{_hydra(item)}' for key, item in value.items())}}}"
    text = _text(value)
    if _PLAIN_TEXT.fullmatch(text) and text.lower() not in _HYDRA_WORDS:
        return text
    escaped = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + (f"\\{found[2]}" if found[2] else ""), text)
    return f"'{escaped}'"


def _hydra_key(key: str) -> str:
    return re.sub(r"([\\()\[\]{}:=, \t])", r"\\\1", key)
