"""What calls of Python take as credentials by position, without a name that says so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from fairing_kfp.preprocess.secrets.names import Strength, strength_of
from fairing_kfp.preprocess.secrets.python_values import DEFAULTS, name_of, text_of
from fairing_kfp.preprocess.secrets.values import is_random, is_scrambled

# called, or object.called → the position, and the name that it would have as a keyword
POSITIONS = {
    "jwt.encode": (1, "secret_key"),
    "jwt.decode": (1, "secret_key"),
    "hmac.new": (0, "secret_key"),
    "Fernet": (0, "secret_key"),
    "MultiFernet": (0, "secret_key"),
    "AESGCM": (0, "secret_key"),
    "ChaCha20Poly1305": (0, "secret_key"),
    "AES.new": (0, "secret_key"),
    "Minio": (2, "secret_key"),
    "login": (0, "login"),
    "cx_Oracle.connect": (1, "password"),
    "oracledb.connect": (1, "password"),
    "MySQLdb.connect": (2, "password"),
    "FTP": (2, "password"),
    "FTP_TLS": (2, "password"),
    "pymysql.connect": (2, "password"),
    "pymssql.connect": (2, "password"),
    "mariadb.connect": (2, "password"),
    "ibm_db.connect": (2, "password"),
    "dbapi.connect": (3, "password"),
}
_PAIRS = re.compile(
    r"(?i)\w*(?:basic|digest|proxy|ntlm|plain|plain_?text|user_?pass|(?:username_?)?password)_?(?:auth|credential|login)\w*"
    r"|login|authenticate|username_pw_set|(?:simple_)?bind(?:_s)?"
)
_ASKS = re.compile(
    r"(?i)_*(?:get|fetch|read|load|has|is|find|lookup|list|delete|remove|check|verify|validate|ask|use|mask|make|create"
    r"|generate|new|mount|print|hash|from|to|parse|split|decode|filter|register|test|assert|on)(?![a-z])|(?:get|has|is)[A-Z]"
)
_CONNECTS = re.compile(r"connect|Connection|SMTP\w*|IMAP\w*")
_CLIENT = re.compile(r"(?:[A-Z]\w*)?(?:Client|API|Api|Bot|Session|SDK|Sdk|Service|Connection|Connector)")
_OF_OTHERS = re.compile(  # classes that take names of things, which may be random
    r"(?i)\w*(?:id|file|path|url|uri|hash|digest|sha|commit|version|revision|image|sheet|document|folder|video|object"
    r"|dataset|artifact|run|model|layer|certificate|publickey|color|expression|string|text)\d*"
)
_ID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")  # of an object of Twilio
_HEX = re.compile(r"[0-9a-f]{32}(?:[0-9a-f]{8})?")
_ANNOUNCES = (Strength.TOKEN, Strength.SECRET, Strength.PASSWORD)


def names_of_positions(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    """The names that a call's arguments by position would have: `Fernet("…")`, `ApiKeyCredential("…")`."""
    called = name_of(node.func)
    owner = name_of(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    for key in POSITIONS.keys() & {called, f"{owner}.{called}"}:
        position, name = POSITIONS[key]
        if position < len(node.args):
            yield name, node.args[position]
        yield from (("secret_key", keyword.value) for keyword in node.keywords if keyword.arg == "key")
    if called[:1].isupper():
        yield from (("secret_key", argument) for argument in node.args if _is_key_of(called, text_of(argument)))
    if _CONNECTS.fullmatch(called):
        yield from (("secret_key", right) for left, right in pairwise(node.args) if text_of(left))
    if _PAIRS.fullmatch(called) and len(node.args) >= 2:
        yield "auth", ast.Tuple(node.args[:2] if called == "login" else node.args[-2:])
    elif strength_of(called) in _ANNOUNCES and not _ASKS.match(called):
        for argument in (*node.args, *(keyword.value for keyword in node.keywords if keyword.arg in DEFAULTS)):
            yield called, argument


def _is_key_of(called: str, text: str) -> bool:
    """Whether a string that a class takes by position is its key: `Client("…")` of many services."""
    if _OF_OTHERS.fullmatch(called) or _ID.fullmatch(text) or "/" in text or ":" in text:
        return False
    return is_scrambled(text) or bool(_CLIENT.fullmatch(called) and (_HEX.fullmatch(text) or _is_mixed(text)))


def _is_mixed(text: str) -> bool:
    return is_random(text) and all(re.search(kind, text) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
