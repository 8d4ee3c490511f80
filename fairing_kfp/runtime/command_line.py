"""How the values of a step's inputs become words of a command line."""

from __future__ import annotations

import json
import os
import re
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
COMMAS = "commas"
"""A list: one word, its items separated by commas as in a CSV file."""
OVERRIDE = "override"
"""`KEY=VALUE` in the grammar of hydra."""

_PLAIN_TEXT = re.compile(r"[A-Za-z_/][\w./-]*", re.ASCII)
_HYDRA_WORDS = ("null", "true", "false", "nan", "inf")


@dataclass(frozen=True)
class Spelling:
    """How one argument is written on a command line.

    Attributes:
        flag: such as `--depth`; empty for a positional argument, and for a switch that has only an `off`; a key of
            hydra's configuration, such as `model.lr`.
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
        """The words for a value; none for None, and for the program's own default.

        Raises:
            ValueError: the program cannot be given this value, or would read an item of a list as another option.
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
            # A dictionary would be merged with the one that is there.
            instead = isinstance(value, dict) and not self.flag.startswith("+")
            word = f"{self.flag}={_hydra(_whole(value))}"
            return [f"~{self.flag}", f"+{word}"] if instead else [word]
        if self.form in (WORDS, REPEAT, COMMAS):
            items = [_text(_whole(item)) for item in value]
            if not items and self._needs_items:
                shown = self.flag or "a positional argument"
                raise ValueError(f"{shown} cannot be an empty list; leave it out, or give at least one value")
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
        """Whether the program would take its own default for an empty list, or refuse it."""
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
        levels: the program's own arguments after an empty word, then each word that selects a sub-command and the
            arguments after it; arguments are names and spellings.
        dashes: whether the program takes `--` for the end of its flags.
    """

    levels: tuple[tuple[str, tuple[tuple[str, Spelling], ...]], ...] = ()
    dashes: bool = True

    def words(self, values: Mapping[str, Any]) -> list[str]:
        """The command line for the values of arguments, artifacts being their paths."""
        words: list[str] = []
        for place, (command, arguments) in enumerate(self.levels, 1):
            words += [command] if command else []
            words += self._words(arguments, values, dashes=self.dashes and place == len(self.levels))
        return words

    def _words(
        self, arguments: Sequence[tuple[str, Spelling]], values: Mapping[str, Any], *, dashes: bool
    ) -> list[str]:
        flags = [(name, spelling) for name, spelling in arguments if not spelling.positional]
        # Those that take all words that follow come first. Hydra takes overrides after its own options alone.
        flags.sort(key=lambda named: {WORDS: 0, OVERRIDE: 2}.get(named[1].form, 1))
        words = [word for name, spelling in flags for word in spelling.words(values.get(name))]
        placed = [
            word for name, spelling in arguments if spelling.positional for word in spelling.words(values.get(name))
        ]
        greedy = bool(flags) and all(spelling.form == WORDS for name, spelling in flags if values.get(name) is not None)
        if dashes and placed and ((words and greedy) or any(word.startswith("-") for word in placed)):
            words.append("--")
        return [*words, *placed]


def _check_items(where: str, items: Sequence[str]) -> None:
    for item in items:
        if len(item) > 1 and item.startswith("-") and not _is_number(item):
            raise ValueError(f"{item!r} among the values of {where} begins with a dash, and would be read as an option")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


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


def _comma_separated(items: Sequence[str]) -> str:
    quote = re.compile(r"^$|^\s|[,\"\r\n]").search
    return ",".join('"{}"'.format(item.replace('"', '""')) if quote(item) else item for item in items)


def _hydra(value: Any) -> str:
    """A value in hydra's grammar of overrides."""
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
