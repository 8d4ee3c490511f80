"""What follows a name in a text: an operator and a value, as settings, programs, commands and markup write them."""

from __future__ import annotations

import re
from enum import Enum

from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.secrets.names import Strength
from fairing_kfp.preprocess.secrets.values import SCHEMES, is_random, is_words


class Style(Enum):
    """How values are written in a text."""

    SETTINGS = "settings"  # values need no quotes
    PROGRAM = "program"  # values without quotes are expressions
    PROSE = "prose"  # words after a colon are often words


_LONGEST = 8192  # characters of a value with what introduces it
_PAIR = re.compile(
    r"""
    (?P<close>(?:\\*["'`])?(?:\*\*|[\])])*)[^\S\n]*
    (?:
      (?P<said>is|was)(?::|[^\S\n])
    | (?P<default>[,;]?\s*\\?["']?(?:value|default|defaultValue|default_value|content|val)\\?["']?\s*[:=])
    | (?P<block_default>[\s:=]*["']?\s*\{[^{}]{0,300}?\bdefault["']?\s*[:=])
    | (?P<nested_default>:[^\S\n]*\n(?P<indent>[^\S\n]+)
        (?:[\w-]+:[^\n]*\n(?P=indent)(?:[^\S\n][^\n]*\n(?P=indent)){0,3}){0,5}?(?i:default|defaultValue|value):)
    | (?P<explicit>\n[^\S\n]*:[^\S\n])
    | (?P<typed>:\s*(?!["'])[\w.\[\]|?,&'<> ]{1,60}?=(?!=))
    | (?P<item>[^\S\n]*\n[^\S\n]*-[^\S\n])
    | (?P<operator>=>|:=|:-|[=!]==?|[?+]?=|:(?!:))
    | (?P<comma>,)
    | (?P<tag>>)
    | (?P<element></\w+>\s*<\w+>)
    | (?P<space>(?=[^\S\n]))
    )
    [^\S\n]*
    \*{0,2}[^\S\n]*
    (?:(?P<block>[|>][+-]?[0-9]?[^\S\n]*\n\s*) | (?P<indented>\n[^\S\n]+) | [\\(][^\S\n]*\n?\s*)?
    (?P<call>(?:new\s+)?[A-Za-z_][\w.]{0,60}\([^\S\n]*)?
    (?:
      [rRbBuUfF]{0,2}(?P<triple>\"\"\"|''')(?P<long>.{1,4096}?)(?P=triple)
    | (?P<escaped>\\+["'])(?P<inner>[^\n]{0,4096}?)(?P=escaped)
    | [rRbBuUfF@$]{0,2}(?P<quote>``|["'`])(?P<quoted>(?:\\.|(?!(?P=quote))[^\\\n]){0,4096})(?P=quote)
    | \{(?P<braced>[^{}\s"']{3,128})\}(?=[;"'])
    | (?P<plain>[^\s"'`,;<>(){}\[\]#&|]+(?:(?:[#|]|&(?![\w.-]+=))[^\s"'`,;<>(){}\[\]#&|]+)*)
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMANDS = re.compile(
    r"(?i)(?:^|[\s;&|#%])(?:ENV|ARG|LABEL|set|setx|export|setenv|define|global|configure\s+set)(?:\s+-\w+)*\s+\Z"
)
_LOGIN = re.compile(r"\blogin\s+\S+\s+\Z")
_COMMENT = re.compile(r"(?:^|\s)(?:#|//|\*|--)\s?[^\n]*\Z")
_EXPRESSION = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[A-Za-z_]+")
_SETTING = re.compile(r"- |[\w.\"'-]+\s*[:=]")
_CLOSING_TAG = re.compile(r"[^<\n]*</")
_SYMBOL = re.compile(r"[!@$%^*?+&#]")
_OF_USER = re.compile(  # `user: jane, password: …`, `user jane with password …`
    r"(?i)\b(?:user(?:[ _]?name)?|login|account|usr)(?:\s*[:=]\s*|\s+)[`'\"]?[\w.@-]+[`'\"]?[\s,;/|]+"
    r"(?:(?:and|with|the)\s+){0,2}[`'\"*]*[\w-]*\Z"
)
_REST = 80
_BEFORE = 80


@dataclass(frozen=True)
class Value:
    """A value that follows a name.

    Attributes:
        text: the value.
        start: where it starts.
    """

    text: str
    start: int


def value_after(text: str, start: int, end: int, strength: Strength, style: Style) -> Value | None:
    """The value that follows a name; None if what follows is something else, such as an expression.

    Args:
        text: the text.
        start: where the name starts.
        end: where it ends.
        strength: how surely it announces a credential.
        style: how values are written.
    """
    pair = _PAIR.match(text, end, min(len(text), end + _LONGEST))
    if not pair:
        return None
    group = next(group for group in ("long", "inner", "quoted", "braced", "plain") if pair[group] is not None)
    value, is_quoted = pair[group], group != "plain"
    before = text[max(0, start - _BEFORE) : start]
    if pair["comma"] and not (is_quoted and (before[-1:] in ("'", '"', "`") or text[start:end].isupper())):
        return None
    if pair["comma"] and text[pair.end() : pair.end() + 2].lstrip()[:1] == ":":  # the next name of a dictionary
        return None
    if pair["space"] is not None and not _may_follow_space(text, start, before, pair, value, style):
        return None
    if pair["explicit"] and not before.rstrip("\"' ").endswith("?"):
        return None
    if (pair["said"] or pair["braced"] or pair["element"]) and not _is_mixed(value):
        return None
    _, template, within = before.rpartition("${")
    if template and "}" not in within and (within or pair["operator"] not in (":-", ":=")):  # no default of a shell
        return None
    if pair["item"] and not text.startswith("--", start):
        return None
    if pair["tag"]:
        is_markup = style is not Style.PROGRAM and before.endswith(("<", 'name="', 'key="', 'id="'))
        if not is_markup or not _CLOSING_TAG.match(text, pair.end()):
            return None
    if pair["call"] and not is_quoted:
        return None
    if pair["indented"] and (style is not Style.SETTINGS or _SETTING.match(text, pair.start(group))):
        return None
    if is_quoted:
        return Value(value.strip(), pair.start(group))
    if value.lower() in SCHEMES and (rest := re.compile(r"[^\S\n]+([^\s\"'`,;]+)").match(text, pair.end())):
        return Value(rest[1], rest.start(1))
    is_value = _is_plain_value(text, before, pair, value, strength, style)
    return Value(value, pair.start(group)) if is_value else None


def _may_follow_space(text: str, start: int, before: str, pair: re.Match[str], value: str, style: Style) -> bool:
    """Whether a value may follow a name without an operator: of an option, in a command, or in quotes."""
    if pair["call"]:
        return False
    if text.startswith("--", start) or (text.startswith("-", start) and before[-1:].isspace()):
        return before[-1:] not in ("'", '"', "`")
    if _COMMANDS.search(before) or _LOGIN.search(before):
        return True
    if pair["plain"] is None:
        return _is_mixed(value)
    if style is not Style.PROGRAM and (is_random(value) or (_OF_USER.search(before) and _is_mixed(value))):
        return True
    is_line = not before.rpartition("\n")[2].strip() and not text[pair.end() : pair.end() + 1].strip()
    return style is Style.SETTINGS and is_line and _is_mixed(value)


def _is_plain_value(text: str, before: str, pair: re.Match[str], value: str, strength: Strength, style: Style) -> bool:
    """Whether a text without quotes is a value, not an expression or a word of a sentence."""
    rest = text[pair.end() : pair.end() + _REST].partition("\n")[0]
    if rest[:1] in ("(", "[", "{"):
        return False
    is_joined = pair["operator"] == "=" and pair.start("plain") == pair.end("operator")
    if style is Style.PROGRAM:
        if before[-1:] in ("?", "&") and is_joined:  # of a URL
            return _is_mixed(value)
        if not _COMMENT.search(before):
            return False
    if style is not Style.SETTINGS and not is_joined and not _LOGIN.search(before):
        said = rest.strip(" .")
        if _OF_USER.search(before) and (_is_mixed(value) if said[:1].isalpha() else not value.isalpha()):
            return True
        return _is_mixed(value) and (not said or is_random(value) or not said[0].isalpha())
    if not is_joined and rest.strip()[:1].isalpha() and is_words(value):  # a sentence
        return False
    return strength is Strength.PASSWORD or not _EXPRESSION.fullmatch(value) or is_random(value)


def _is_mixed(value: str) -> bool:
    """Whether a value has digits and letters, or symbols within it, which words of a sentence have not."""
    return bool(re.search(r"\d", value) and re.search(r"[A-Za-z]", value)) or bool(_SYMBOL.search(value[:-1]))
