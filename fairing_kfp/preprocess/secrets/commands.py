"""Passwords in commands and statements, where no name announces them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from fairing_kfp.preprocess.secrets.match import Match
from fairing_kfp.preprocess.secrets.names import Strength
from fairing_kfp.preprocess.secrets.urls import PAIR, is_pair_password
from fairing_kfp.preprocess.secrets.values import could_be_credential

_WORDS = r"\b[^\n|;&]{0,200}?\s"  # arguments before the option
_TWO = r"""\s*[^,()\n]{1,300},\s*[^,()\n]{1,100},\s*(?=["'])"""  # arguments of a call before the password
_ONE = r"""\s*[^,()\n]{1,100},\s*(?=["'])"""
_ANY, _RANDOM = Strength.PASSWORD, Strength.WEAK
# a text that every such command contains, what stands before the password, and what it has to look like
_COMMANDS = (
    ("mysql", rf"mysql\w*{_WORDS}-p", _ANY),
    ("mariadb", rf"mariadb\w*{_WORDS}-p", _ANY),
    ("mongo", rf"mongo\w*{_WORDS}-p\s+", _ANY),
    ("sql", rf"(?:sqlcmd|isql|bcp|hdbsql){_WORDS}-p\s*", _ANY),
    ("redis-cli", rf"redis-cli{_WORDS}-a\s+", _ANY),
    ("sqlplus", r"sqlplus\s+(?:-\w+\s+)*[\w.]+/", _ANY),
    ("ldap", rf"ldap\w+{_WORDS}-w\s+", _ANY),
    (
        "login",
        rf"(?:docker|podman|nerdctl|helm\s+registry|az|oras|skopeo|crane|cf|ibmcloud)\s+login{_WORDS}-p\s+",
        _ANY,
    ),
    ("login", r"\w+[^\S\n]+(?:auth[^\S\n]+)?login[^\S\n]+(?:-\S+[^\S\n]+)*", _RANDOM),  # wandb
    ("sshpass", r"sshpass\s+-p\s*", _ANY),
    ("zip", rf"(?:un)?zip{_WORDS}-P\s*", _ANY),
    ("smb", rf"smb\w+{_WORDS}-U\s*[\w\\/.-]+%", _ANY),
    ("lftp", rf"lftp{_WORDS}-u\s*[\w.@-]+,", _ANY),
    ("poetry", r"poetry\s+config\s+http-basic\.\S+\s+\S+\s+", _ANY),
    ("htpasswd", r"htpasswd\s+-\w*b\w*\s+\S+\s+\S+\s+", _ANY),
    ("add_user", r"rabbitmqctl\s+(?:add_user|change_password)\s+\S+\s+", _ANY),
    ("mc ", r"mc\s+(?:alias\s+set|config\s+host\s+add)\s+\S+\s+\S+\s+\S+\s+", _ANY),  # MinIO
    ("openssl", rf"openssl{_WORDS}-k\s+", _ANY),
    ("ssh-keygen", rf"ssh-keygen{_WORDS}-N\s+", _ANY),
    ("7z", rf"7z\w?{_WORDS}-p", _ANY),
    ("rar ", rf"rar{_WORDS}-h?p", _ANY),
    ("mosquitto", rf"mosquitto_\w+{_WORDS}-P\s+", _ANY),
    ("chpasswd", r"(?:echo|printf)\s+(?:-\w+\s+)*[\"']?[\w.-]+:(?=[^\n]{0,200}\|[^\n]{0,200}chpasswd)", _ANY),
    ("networkcredential(", rf"NetworkCredential\({_ONE}", _ANY),  # .NET
    ("usernamepassword", rf"UsernamePassword\w*\({_ONE}", _ANY),  # Java
    ("getconnection(", rf"getConnection\({_TWO}", _ANY),  # Java
    ("pdo(", rf"PDO\({_TWO}", _ANY),  # PHP
    ("mysqli", rf"mysqli(?:_connect)?\({_TWO}", _ANY),
    ("pass:", r"-pass(?:in|out)?\s+pass:", _ANY),  # OpenSSL
    ("-stdin", r"(?:echo|printf)\s+(?:-\w+\s+)*(?=[^\n]{0,200}\|[^\n]{0,200}-stdin)", _ANY),
    ("sudo -s", r"(?:echo|printf)\s+(?:-\w+\s+)*(?=[^\n]{0,200}\|[^\n]{0,200}sudo\s+-S)", _ANY),
    ("net use", r"net\s+use\s+\S+\s+\S+\s+(?!/)", _ANY),
    ("expect", r"expect\W[^\n]{0,40}assword[^\n]{0,20}\n\s*[\w.]*send\w*[\s(]+", _ANY),
    ("identified", r"identified\s+(?:with\s+\w+\s+)?(?:by|as)\s+(?:password\s+)?(?=['\"])", _ANY),  # SQL
    ("password(", r"=\s*password\(", _ANY),  # SQL
)
_ARGUMENT = r"""(?:(?P<quote>["'])(?P<quoted>[^"'\n]{3,128})(?P=quote)|(?P<plain>[^\s"'|;@)]{3,128}))"""
_compiled = functools.cache(re.compile)  # when it is first needed: most texts contain no such command
_OPTION = re.compile(
    r"""(?:(?<![\w-])-u|--user|--proxy-user|--creds|--userpwd|\bhttps?\s[^\n|;&]{0,80}?(?:-a|--auth))(?:\s+|=)["'\\]*"""
    r"""(?P<user>[^\s:"'$%+]{0,64})["']?:["']?(?P<password>[^\s"']{1,128})"""
)
_USER = re.compile(  # of any command: `-u me -p hunter2`; a number is a port
    r"""(?<![\w-])(?:-[uU]|--user(?:name)?)[\s=]{1,8}[^\s:|;&=]{1,64}\s(?:[^\n|;&]{0,200}?\s)?-[pP]\s+(?!["']?\d+(?:\s|["']|\Z)|\S*:)"""
    rf"{_ARGUMENT}"
)
_PROMPTS = re.compile(r"\b(?:mysql|mariadb)")  # whose option `-p` takes no argument
_RUNS = re.compile(r"\b(?:docker|podman|nerdctl)\b.*\b(?:run|exec|create)\b")  # as a user and a group
_ORACLE = re.compile(r"""(?:["']|thin:)[\w.]{1,30}/(?P<password>[^\s/@"']{4,64})@(?://)?[\w.-]+[/:"']""")


def find_in_commands(text: str) -> Iterator[Match]:
    """Finds passwords of commands such as `mysql -phunter2` and `curl -u me:hunter2`, and of statements of SQL."""
    lower = text.lower()
    found = {}
    for hint, before, least in _COMMANDS:
        for match in _compiled(rf"(?i)(?<!\w){before}{_ARGUMENT}").finditer(text) if hint in lower else ():
            group = "quoted" if match["quoted"] else "plain"
            if is_pair_password("", match[group]) and could_be_credential(least, match[group]):
                found[match.start(group)] = match[group]
    for match in _USER.finditer(text) if "-p " in lower and "-u" in lower else ():
        group = "quoted" if match["quoted"] else "plain"
        if not _PROMPTS.search(_line_before(text, match.start())) and is_pair_password("", match[group]):
            found[match.start(group)] = match[group]
    yield from (Match("a password of a command", password, start) for start, password in found.items())
    if "-u" in text or "--" in text or "-a " in text:
        for match in _OPTION.finditer(text):
            if not _RUNS.search(_line_before(text, match.start())) and is_pair_password(
                match["user"], match["password"]
            ):
                yield Match(PAIR, match["password"], match.start("password"))
    if "ora" in lower:
        for match in _ORACLE.finditer(text):
            if is_pair_password("", match["password"]):
                yield Match(PAIR, match["password"], match.start("password"))


def _line_before(text: str, place: int) -> str:
    """What stands before a place in its line, at most 200 characters."""
    return text[max(text.rfind("\n", 0, place) + 1, place - 200) : place]
