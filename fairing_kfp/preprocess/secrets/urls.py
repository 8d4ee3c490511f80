"""Passwords in URLs, and pairs of a user and a password."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from fairing_kfp.preprocess.secrets.match import Match
from fairing_kfp.preprocess.secrets.names import Strength, words
from fairing_kfp.preprocess.secrets.values import could_be_credential, is_placeholder, is_random

URL = "a password inside a URL"
PAIR = "a user with a password"

_URL = re.compile(
    r"""[A-Za-z][A-Za-z0-9+.-]{1,30}://(?P<user>[^\s/:"'`<>|,]{0,256}):(?P<password>[^\s/"'`<>]{1,256})@"""
    r"""(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/:"'`<>?#,;)]{1,255})"""
)
_USER_URL = re.compile(r"(?:git\+)?https?://(?P<user>[A-Za-z0-9_-]{20,256})@[\w.-]+")
_QUERY = re.compile(r"[?&](?:key|appid|app_key|code|auth|sig)=(?P<key>[\w-]{20,256})(?![\w%.-])")
_DSN = re.compile(r"(?P<user>[\w.+-]{1,64}):(?P<password>[^\s:@/\"'`]{1,128})@(?:tcp|unix)\(")
_BASIC = re.compile(r"(?i)\bbasic\s+(?P<pair>[A-Za-z0-9+/]{6,}={0,2})")
_LONGEST_SCHEME = 30
_LONGEST = 1024
_LONGEST_DSN = 200
_USERS = words(
    """
    user username usr name me foo login myuser your_user your-user youruser <user> account u someone
    """
)
_HOSTS = words(
    """
    host hostname localhost server db database domain your-host myhost example 127.0.0.1 h proxy url
    """
)
_DEFAULTS = {
    *("postgres", "guest", "root", "admin", "mysql", "minio", "test", "redis", "rabbitmq", "mongo", "sa", "pass", "pw"),
    *("secret", "pwd", "passwd", "password", "p", "foo", "bar", "x", "xxx"),
    "tiger",  # of scott, in the examples of databases
}
_LOCAL = re.compile(
    r"(?i)^(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|host\.docker\.internal)$|^(?:.+\.)?example(?:\.\w+)?$"
)
_TEMPLATE = re.compile(r"[{}<>]|\$[({]|^\$|%[({]|^%s$|^\*+$|^\.+$|^\$|^x+$|…")


def find_pairs(text: str) -> Iterator[Match]:
    """Finds passwords in URLs and in headers of basic authentication."""
    if "://" in text:
        for start, end in _urls(text) if "@" in text else ():
            match = _URL.match(text, start, end) or _USER_URL.match(text, start, end)
            if match and "password" not in match.groupdict():
                if is_random(match["user"]):
                    yield Match("a token inside a URL", match["user"], match.start("user"))
            elif match and _is_password(match["user"], match["password"], match["host"]):
                yield Match(URL, match["password"], match.start("password"))
    for match in _QUERY.finditer(text) if "?" in text else ():
        if is_random(match["key"]):
            yield Match("a key inside a URL", match["key"], match.start("key"))
    for hint in ("@tcp(", "@unix("):
        for match in _before(_DSN, text, hint):
            if _is_password(match["user"], match["password"], "tcp"):
                yield Match(URL, match["password"], match.start("password"))
    if "asic " in text or "ASIC " in text:
        for match in _BASIC.finditer(text):
            if is_encoded_pair(match["pair"]):
                yield Match(PAIR, match["pair"], match.start("pair"))


def is_pair_password(user: str, password: str) -> bool:
    """Whether the second of a user and a password could be real."""
    if _TEMPLATE.search(password) or len(password) < 3:
        return False
    if user.isdigit() and password.isdigit():  # of a user and a group
        return False
    if user.lower() in _USERS and is_placeholder(password):
        return False
    return could_be_credential(Strength.PASSWORD, password)


def is_encoded_pair(text: str) -> bool:
    """Whether a text is `user:password` in base64, as in headers and Docker's configuration."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return False
    user, colon, password = decoded.partition(":")
    return bool(colon and decoded.isprintable() and is_pair_password(user, password))


def _is_password(user: str, password: str, host: str) -> bool:
    """Whether the password of a URL could be real. Those of examples and of local servers' defaults are not."""
    if _TEMPLATE.search(password) or password.startswith("$"):
        return False
    user, password, host = user.lower(), password.lower(), host.lower().strip("[]")
    ordinary = password in _DEFAULTS or is_placeholder(password) or password == user
    is_example = host in _HOSTS or bool(_LOCAL.search(host)) or bool(_TEMPLATE.search(host)) or user in _USERS
    return not (ordinary and is_example)


def _urls(text: str) -> Iterator[tuple[int, int]]:
    """Where the URLs of a text start, and where what is looked at of each ends."""
    place = text.find("://")
    while place >= 0:
        start = place
        while start > place - _LONGEST_SCHEME and start and (text[start - 1].isalnum() or text[start - 1] in "+.-"):
            start -= 1
        yield start, place + _LONGEST
        place = text.find("://", place + 3)


def _before(pattern: re.Pattern[str], text: str, hint: str) -> Iterator[re.Match[str]]:
    """The matches of a pattern that end with a hint."""
    place = text.find(hint)
    while place >= 0:
        match = pattern.search(text, max(0, place - _LONGEST_DSN), place + len(hint))
        if match:
            yield match
        place = text.find(hint, place + len(hint))
