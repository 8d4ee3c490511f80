"""The forms of tokens and keys that issuers publish, so that scanners know them without a name."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from fairing_kfp.preprocess.secrets.issuers import BASE64, END, HEX, PREFIXES, WORD
from fairing_kfp.preprocess.secrets.match import Match
from fairing_kfp.preprocess.secrets.values import is_scrambled, is_words

_START = r"(?<![A-Za-z0-9])"


class Form(NamedTuple):
    """A form of credentials.

    Attributes:
        what: the kind of credential, with its article.
        expression: a regular expression of what follows, or is around, one of the hints.
        hints: texts of which each credential of this form contains one, just as written; none for a form without.
        before: how many characters the credential may have before the hint.
        longest: how many characters are looked at from the hint on.
    """

    what: str
    expression: str
    hints: tuple[str, ...]
    before: int = 0
    longest: int = 512

    @property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled when it is first needed: most texts contain none of the hints."""
        return _compiled(self.expression)


_compiled = functools.cache(re.compile)


def _prefixed(what: str, rest: str, prefixes: str) -> Form:
    """A form that starts with one of several prefixes."""
    hints = tuple(prefixes.split())
    return Form(what, f"{_START}(?:{'|'.join(map(re.escape, hints))}){rest}", hints)


FORMS = (
    *(_prefixed(*row) for row in PREFIXES),
    Form(
        "a Slack webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Z0-9]{6,}/[A-Za-z0-9]{6,}/[A-Za-z0-9/]{10,}",
        ("hooks.slack.com/",),
    ),
    Form(
        "a Discord webhook",
        r"discord(?:app)?\.com/api/webhooks/\d{10,}/[\w-]{30,}",
        ("discord.com/api/webhooks/", "discordapp.com/api/webhooks/"),
    ),
    Form(
        "a Teams webhook",
        r"webhook\.office\.com/webhookb2/[\w@-]{36,}/IncomingWebhook/[0-9a-f]{20,}/[\w-]{20,}",
        ("webhook.office.com/webhookb2/",),
    ),
    Form("a Telegram token", r"(?<!\d)\d{8,10}:AA[\w-]{30,}", (":AA",), 10),
    Form("a SendGrid key", rf"{_START}SG\.[\w-]{{16,}}\.[\w-]{{16,}}", ("SG.",)),
    Form("a Mailchimp key", rf"{_START}{HEX}{{32}}-us\d{{1,2}}{END}", ("-us",), 32),
    Form("a Terraform token", rf"{_START}{WORD}{{14}}\.atlasv1\.[\w-]{{40,}}", (".atlasv1.",), 14),
    Form("an Airtable token", rf"{_START}pat{WORD}{{14}}\.{HEX}{{64}}", ("pat",)),
    Form("an Azure secret", r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])", ("Q~",), 4),
    Form("an Azure storage key", rf"(?i:Key)=({BASE64}{{40,}}={{0,2}})", ("Key=", "key=")),
    Form("an Azure signature", r"[?&;]sig=[\w%+/=-]{40,}", ("sig=",), 1),
    Form("a signed URL", r"X-(?:Amz|Goog)-Signature=[0-9a-f]{40,}", ("-Signature=",), 6),
    Form("a Sentry DSN", r"https://[0-9a-f]{32}:[0-9a-f]{32}@", ("https://",)),
    Form("a Discord token", rf"{_START}[MNO][\w-]{{23,27}}\.[\w-]{{6}}\.[\w-]{{27,}}", ()),
    Form("a Meta app token", r"(?<!\d)\d{13,17}\|[\w-]{27}(?![\w-])", ()),
    Form(
        "a PowerShell password",
        r"ConvertTo-SecureString[^\S\n]+(?:-[A-Z]\w+[^\S\n]+)*[\"'\\]*([^\s\"'\\$-][^\s\"'\\]{3,})",
        ("ConvertTo-SecureString",),
    ),
    Form(
        "a JSON Web Key",
        r"\"kty\\?\"\s*:[^{}]{0,300}?\\?\"(?:d|k)\\?\"\s*:\s*\\?\"([\w-]{16,})",
        ('"kty',),
    ),
    Form("a PuTTY key", r"PuTTY-User-Key-File-\d:\s*\S+", ("PuTTY-User-Key-File-",)),
    Form(
        "a JSON Web Token",
        rf"{_START}eyJ[\w-]{{8,}}\.eyJ[\w-]{{8,}}\.[\w-]{{8,}}",
        ("eyJ",),
        longest=8192,
    ),
    Form(
        "an encrypted JSON Web Token",
        rf"{_START}eyJ[\w-]{{8,}}\.[\w-]*\.[\w-]{{8,}}\.[\w-]{{16,}}\.[\w-]{{16,}}",
        ("eyJhbGciOi", "eyJlbmMiOi"),
        longest=8192,
    ),
    Form(
        "a private key",
        (
            r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[^\S\n\r]*[\"']?[^\S\n\r]*(?:\\+[nr]|\r?\n)"
            r"(?:\\+[nr]|[\s\"'+,>|`#]|[A-Z][\w-]+: [^\n]{0,200})*[A-Za-z0-9+/=]{3,}"
            r"|[^\S\n]*[A-Za-z0-9+/]{16,})"
        ),
        ("-----BEGIN ",),
    ),
    Form(
        "a bearer token",
        r"(?i:bearer)\s{1,4}(?=[\w.~+/-]{0,200}\d)(?=[\w.~+/-]{0,200}[A-Za-z])([\w.~+/-]{20,}=*)",
        ("earer ", "EARER "),
        1,
    ),
    Form(
        "a user with the hash of a password",
        r"(?<=[\w.@-]):(\$?\$(?:apr1|2[abxy]|[1567y]|argon2\w{1,2})\$[\w./$,=+-]{20,}|\{S?SHA\d{0,3}\}[\w+/=-]{20,})",
        (":$apr1$", ":$$apr1$", ":$2", ":$$2", ":$1$", ":$5$", ":$6$", ":$7$", ":$y$", ":$argon2", ":{SHA", ":{SSHA"),
    ),
    Form(
        "the hash of a password of PostgreSQL",
        r"\" \"(SCRAM-SHA-256\$\d+:[^\"\s]{40,}|md5[0-9a-f]{32})\"",
        ('" "SCRAM-SHA-256$', '" "md5'),
    ),
    Form("a conda token", r"/t/((?:[a-z]{2}-)?[0-9a-f]{8}-[0-9a-f-]{27})/", ("/t/",)),
    Form("a PGP private key", r"-----BEGIN PGP PRIVATE KEY BLOCK-----", ("-----BEGIN PGP PRIVATE",)),
    Form("an OpenSSH private key", rf"b3BlbnNzaC1rZXktdjE{BASE64}{{20,}}", ("b3BlbnNzaC1rZXktdjE",)),
    Form(
        "a token",  # of an issuer that is not in this list
        (
            rf"{_START}(?:[A-Za-z0-9]{{2,12}}[_-])?(?:sk|rk|pat|tok|token|secret|apikey|api_key)_(?:[a-z]{{2,6}}[\d]?_)?"
            rf"(?=[A-Za-z0-9]{{0,120}}[A-Z])(?=[A-Za-z0-9]{{0,120}}[a-z])(?=[A-Za-z0-9]{{0,120}}\d)[A-Za-z0-9]{{24,120}}{END}"
        ),
        ("sk_", "rk_", "pat_", "tok_", "token_", "secret_", "apikey_", "api_key_"),
        13,
    ),
)
_WITHOUT_HINT = tuple(form for form in FORMS if not form.hints)
_BY_HINT = tuple((hint, form) for form in FORMS for hint in form.hints)
_SHORTEST = 15
"""Characters of the shortest credential that has a form."""
_TEMPLATE = re.compile(r"(?i)x{6,}|\*{3,}|\.\.\.|…|your[_-]|<[^>]*>|\$\{|EXAMPLE(?:KEY)?$|placeholder")


_LONG_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{20,200}(?![\w+/=.-])")
_PREFIX = re.compile(
    r"(?<![\w+/=.%@-])(?!sha|md5|h1|id|uid|ref|key|etag)(?:[a-z][a-z0-9]{1,14}|[A-Z][A-Z0-9]{1,14})(?:[-_][A-Za-z0-9]{1,8}){0,2}[-_]\Z"
)
_LONGEST_PREFIX = 36


def find_forms(text: str) -> Iterator[Match]:
    """Finds credentials by their form, in no particular order."""
    if len(text) < _SHORTEST:
        return
    for form in _WITHOUT_HINT:
        for found in form.pattern.finditer(text):
            yield Match(form.what, found.group(), found.start())
    for hint, form in _BY_HINT:
        place = text.find(hint)
        while place >= 0:
            match = _at(form, text, place)
            end = place + len(hint)
            if match:
                value = match.group(match.lastindex or 0)
                if not _TEMPLATE.search(match.group()) and not _is_identifier(value[len(hint) :]):
                    yield Match(form.what, value, match.start(match.lastindex or 0))
                end = max(end, match.end())
            place = text.find(hint, end)
    yield from _of_unknown_issuers(text)


def _is_identifier(rest: str) -> bool:
    """Whether what follows a prefix is words, as in `hf_requiredCharacteristicTypes` and `xoxb-my-bot-token`."""
    return bool(re.search(r"[a-z][A-Z_-][A-Za-z]", rest)) and not re.search(r"\d", rest) and is_words(rest)


def _at(form: Form, text: str, place: int) -> re.Match[str] | None:
    """The match of a form that contains the hint at a place."""
    for start in range(max(0, place - form.before), place + 1):
        match = form.pattern.match(text, start, place + form.longest)
        if match:
            return match
    return None


def _of_unknown_issuers(text: str) -> Iterator[Match]:
    """Random words with a prefix, as most issuers form their tokens: `acme_live_Zm3…`."""
    for word in _LONG_WORD.finditer(text):
        if is_scrambled(word.group()):
            prefix = _PREFIX.search(text, max(0, word.start() - _LONGEST_PREFIX), word.start())
            if prefix and not _TEMPLATE.search(word.group()):
                yield Match("a token", prefix.group() + word.group(), prefix.start())
