"""Lists of users with their passwords, where no name announces the passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fairing_kfp.preprocess.secrets.match import Match
from fairing_kfp.preprocess.secrets.names import Strength, strength_of, words
from fairing_kfp.preprocess.secrets.urls import PAIR, is_pair_password
from fairing_kfp.preprocess.secrets.values import could_be_credential

_HINTS = ("basicAuth", "basicauth", "basic_auth", "basic-auth", "BasicAuth", "BASIC_AUTH", "BASICAUTH")
_BLOCK = re.compile(
    r"(?im)^(?P<indent>[ \t]{0,200})(?:- )?[\"']?[\w.-]{0,64}"
    r"basic[-_]?auth(?P<users>[-_]?users)?[\"']?:[^\S\n]*[|>]?-?[^\S\n]*\n"
)
_INLINE = re.compile(
    r"(?i)basic[-_]?auth[\"']?\s*[:(=]\s*\{?\s*[\"']?users[\"']?\s*[:=]\s*[\[{](?P<users>[^\]}]{0,2000})[\]}]"
)
_ITEM = re.compile(
    r"""^\s*(?:-\s+)?["']?(?P<user>[\w.@-]{1,64}):(?P<password>[^\s"':][^\s"']{2,255})["']?\s*(?:#.*)?$"""
)
_ENTRY = re.compile(
    r"""^\s*["']?(?P<user>[\w.@-]{1,64})["']?:\s+["']?(?P<password>[^\s"'|>&*!#-][^\s"']{2,255})["']?\s*$"""
)
_USERS = re.compile(r"""(?i)^\s*(?:-\s+)?["']?(?:users|accounts|credentials)["']?:\s*[|>]?-?\s*$""")
_PAIR = re.compile(r"""["']?(?P<user>[\w.@-]{1,64})["']?\s*:\s*["']?(?P<password>[^\s"',]{3,255})["']""")
_QUOTED = re.compile(r'"(?P<user>[^"\s]{1,64})"[^\S\n]+"(?P<password>[^"\n]{3,256})"(?:[^\S\n].*)?')
_SETTINGS = words("user username name enabled realm type secret secretname existingsecret usersfile")
_MOST_LINES = 200


def find_users(text: str) -> Iterator[Match]:
    """Finds the users of basic authentication: `users: ["jane:…"]` in `basicAuth`, as items, entries or lines."""
    if not any(hint in text for hint in _HINTS):
        return
    for block in _BLOCK.finditer(text):
        indent = len(block["indent"].expandtabs())
        yield from _in_block(text, block.end(), indent, indent if block["users"] else -1)
    for inline in _INLINE.finditer(text):
        for pair in _PAIR.finditer(text, inline.start("users"), inline.end("users")):
            yield from _checked(pair)


def find_in_user_list(text: str, least: Strength) -> Iterator[Match]:
    """Finds the passwords of a file that consists of lines `"user" "password"`, as that of PgBouncer.

    Args:
        text: the text.
        least: how surely its name announces passwords.
    """
    start, found = 0, []
    for line in text.splitlines(keepends=True):
        said = line.strip()
        if said and said[0] not in ";#":
            pair = _QUOTED.fullmatch(said)
            if not pair:
                return
            place = start + line.find(said) + pair.start("password")
            if could_be_credential(least, pair["password"]):
                found.append(Match(PAIR, pair["password"], place))
        start += len(line)
    yield from found


def _in_block(text: str, start: int, indent: int, users: int) -> Iterator[Match]:
    """The users in the lines of a block, indented more than its name; `users` is the indentation of their list."""
    for _ in range(_MOST_LINES):
        end = text.find("\n", start)
        line = text[start : end if end >= 0 else len(text)]
        depth = len(line) - len(line.lstrip())
        if line.strip() and depth <= indent:
            return
        if line.strip() and (depth <= users or line.lstrip().startswith("- ")):  # items have fields, not entries
            users = -1
        if _USERS.match(line):
            users = depth
        else:
            pair = _ITEM.match(text[start : start + len(line)]) or (users >= 0 and _ENTRY.match(line)) or None
            for match in _checked(pair) if pair else ():
                yield Match(match.what, match.value, start + match.start)
        if end < 0:
            return
        start = end + 1


def _checked(pair: re.Match[str]) -> Iterator[Match]:
    user, password = pair["user"], pair["password"]
    is_setting = user.lower() in _SETTINGS or strength_of(user) > Strength.WEAK
    if not is_setting and is_pair_password(user, password.replace("$$", "$").removeprefix("$")):
        yield Match(PAIR, password, pair.start("password"))
