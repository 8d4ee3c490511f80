"""Whether the value of a name could be a credential, or is a placeholder, a reference or plain words."""

from __future__ import annotations

import re
from itertools import pairwise

from fairing_kfp.preprocess.secrets.names import Strength, words

_LONGEST = 8192
_PLACEHOLDERS = words(
    """
    password passwd passwort passphrase pass pw pwd secret token key apikey credential credentials user username
    changeme changeit changeme123 replaceme fixme todo tbd none null nil undefined unset empty true false yes no on
    off example sample dummy fake placeholder redacted masked hidden removed omitted xxx foo bar baz foobar test
    string str text bytes int float bool any optional required object array void default unknown auto basic bearer
    plain plaintext prompt input ask env environment file vault keyring kubernetes function class self config login
    username:password user:password user:pass user:pw user:secret abc abc123 value your yours myself somevalue
    wrong bad incorrect invalid mysecret mypassword mytoken topsecret
    """
)
_TEMPLATE = re.compile(
    r"^!(?i:ref|sub|getatt|join|env|secret|include|reference)$|^[~^<>=!]{1,2}\d+(?:\.[\dx*]+)*$|\$\{|\$\(|\{\{|\}\}|%\(|<%|%>|^\$[A-Za-z_]\w*(?:[/:].*)?$|^%[A-Za-z_]\w*%$|^\{[\w.!:\[\]'\"]*\}$|^<[^<>]*>$|^\[[^\[\]]*\]$|^%s$|"
    r"^__\w+__$|^@\w+@$|^#\{|^ENC\[|^\{cipher\}|^!vault|^\*\w+$|^&\w+$|^ENC\(|^(?:Get|Read|New|Import|ConvertTo|ConvertFrom)-[A-Z][A-Za-z]+$|^A[gQ][A-D][\w+/=]{100,}$|^enc:|^encrypted:|^secret:|^ref\+"
)
_MODULE = re.compile(r"[a-z_]+\d{0,2}[a-z_]*(?:\.[A-Za-z_]+(?:\d{1,2}[A-Za-z_]*){0,2}){2,}")
_PATH = re.compile(r"^(?:~|\.{1,2})?/[\w.~/-]*$|^[A-Za-z]:\\|^[\w.-]+/[\w./-]+\.\w{1,5}$")
_ALPHABET = re.compile(r"abcdefghijklmnop")
_REFERENCE = re.compile(
    r"^(?:https?|gs|s3|file|oci|docker|mlflow|runs|models|hf|vault|op|awssm|gcpsm|azkv|keyvault|ssm)://?[^\s@]*$|^arn:"
    r"|^projects/|^sha\d+[:-]|^md5:|^vault:|^op:|^env:|^data:|^(?:application|text|image)/"
)
_FILLER = re.compile(
    r"(?i)^(?:your|my|the|some|insert|enter|put|add|paste|replace|change|fill|set|type|provide|use|see|need)[-_. ].*"
    r"|^(?:your|insert|replace|change)[A-Z_-].*|.*(?:[-_. ]|^)(?:here|goes_here|placeholder|redacted|changeme)$|"
    r".*\.\.\..*|.*…|(?:xxx|[*#•_.-]{3}).*|.*(?:x{5,}|X{5,}|\*{3,}).*|.*EXAMPLE(?:KEY)?$|(.)\1*"
)
_SENSITIVE = re.compile(
    r"(?i)passw|passphrase|passcode|kennwort|contrase|senha|wachtwoord|secret|token|credential|api[-_ ]?key"
    r"|access[-_ ]?key|private[-_ ]?key|\bkey\b|\bpwd\b|\bpw\b|\bcreds?\b"
)
_PART = re.compile(r"[-_./:,@# |<>\[\](){}`'\"=;]+")
_PATTERN = re.compile(r"\(\?[:!=<iP]|\[\^?\\?\w-\\?\w|\\[bwdsS]|\{\d+,\d*\}|\.[*+]\?|^\^.*\$$|[\])][*+]")
_ORDINARY = re.compile(
    r"[^\W\d_]*\d{0,4}|[A-Z]\d?(?:[A-Z][a-z]{2,})+|v\d+\w{0,6}|\d{1,4}[a-z]{0,2}|\d{1,2}T\d{1,2}|\d{2}Z|\d+x\d+"
)
_CHUNK = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NUMBERED = re.compile(r"[a-z]{5,}\d{2,}")
_CASES = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[-_])[\w-]+")
_VOWEL = re.compile(r"(?i)[aeiouyäöü]")
_HEX = re.compile(r"[0-9a-fA-F]+")
_PROSE = words(
    """
    a an the your my is are be to of for in on at by it its must should please enter type and or not no at least with
    from this that if when was use invalid wrong incorrect missing required confirm new old current forgot
    """
)
SCHEMES = words("bearer basic token apikey api-key api-token digest key ntlm negotiate hmac apitoken ssws genie-key")
"""Lower-case words before a credential in the header `Authorization`."""

_LEAST_BYTES = 12
_LEAST_SECRET = 6
_LEAST_RANDOM = 16
_LEAST_HEX = 32
_LEAST_SCRAMBLED = 20


def could_be_credential(strength: Strength, value: str) -> bool:
    """Whether a value could be a credential, given how surely its name announces one."""
    value = value.strip()
    if strength is Strength.NONE or not 3 <= len(value) <= _LONGEST or is_placeholder(value):
        return False
    scheme, space, rest = value.partition(" ")
    if space and scheme.lower() in SCHEMES:
        return " " not in rest.strip() and could_be_credential(max(strength, Strength.SECRET), rest)
    if strength is Strength.PASSWORD:
        return _could_be_password(value)
    if strength is Strength.PASS:
        return _could_be_password(value) and bool(re.search(r"\d|[^\w\s]", value))
    if " " in value:
        return False
    if not value.isascii() or re.search(r"\s", value):  # bytes
        return len(value) >= _LEAST_BYTES and all(re.search(kind, value) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    if strength in (Strength.TOKEN, Strength.SECRET):
        is_weak = strength is Strength.SECRET and _is_weak_password(value)
        return len(value) >= _LEAST_SECRET and (not is_words(value) or is_weak)
    return any(is_random(part) for part in re.split("[=;]", value))  # a cookie has a name


def is_placeholder(value: str) -> bool:
    """Whether a value stands for another: a template, a path, a pattern, a URL without a password, or a word such as
    `changeme`.
    """
    lower = value.lower()
    return bool(
        lower in _PLACEHOLDERS
        or re.sub(r"[-_ ]", "", lower.strip("<>[]{}_*%$@")) in _PLACEHOLDERS
        or _TEMPLATE.search(value)
        or _REFERENCE.search(value)
        or _MODULE.fullmatch(value)
        or (_PATH.search(value) and is_words(value))
        or _ALPHABET.search(lower)
        or _FILLER.fullmatch(value)
        or _PATTERN.search(value)
    )


def is_words(value: str) -> bool:
    """Whether a value consists of words, as names of resources do: `db-credentials-v2`, `LlamaTokenizer`."""
    parts = _PART.split(value)
    return all(_is_word(part) or (part.isdigit() and len(parts) > 1) for part in parts)


def is_random(value: str) -> bool:
    """Whether a value seems to be made by a random generator."""
    if len(value) < _LEAST_RANDOM or is_words(value) or not re.fullmatch(r"[\w+/=.~:!@#$%^&*-]+", value):
        return False
    if _HEX.fullmatch(value):
        return len(value) >= _LEAST_HEX
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return kinds >= 2 and len(set(value)) >= 10


def is_scrambled(value: str) -> bool:
    """Whether lower case, upper case and digits alternate as in random characters, not as in `UNetV2Large`."""
    kinds = [_kind(char) for char in value if char.isalnum()]
    changes = sum(left != right for left, right in pairwise(kinds))
    return len(kinds) >= _LEAST_SCRAMBLED and changes >= 0.42 * len(kinds) and min(map(kinds.count, "aA0")) >= 2


def _kind(char: str) -> str:
    return "0" if char.isdigit() else "A" if char.isupper() else "a"


def _could_be_password(value: str) -> bool:
    if re.search(r"\s", value):
        said = value.split()
        is_phrase = len(said) >= 3 and all(re.fullmatch(r"[a-z]+\d*|\d+", word) for word in said)
        is_mixed = len(said) <= 3 and not any(re.fullmatch(r"[A-Za-z]+|\d+", word.strip(".,:;!?()")) for word in said)
        return (is_phrase or is_mixed) and not _SENSITIVE.search(value) and _PROSE.isdisjoint(said)
    if not is_words(value):
        return True
    if _SENSITIVE.search(value) or not value.isascii():
        return bool(re.search(r"\d", value)) and value.isalnum()
    return _PLACEHOLDERS.isdisjoint(_PART.split(value.lower())) and len(value) >= 4


def _is_weak_password(value: str) -> bool:
    """Whether words are a password rather than the name of a resource: `dragonfly1987`, `Blue-Falcon_42`."""
    return bool(_NUMBERED.fullmatch(value) or _CASES.fullmatch(value)) and not _SENSITIVE.search(value)


def _is_word(part: str) -> bool:
    if not _ORDINARY.fullmatch(part):
        return False
    letters = part.rstrip("0123456789")
    if len(letters) < 10 or not letters.isascii():
        return True
    chunks = _CHUNK.findall(letters)
    vowels = len(_VOWEL.findall(letters))
    return len(letters) / len(chunks) >= 3 and vowels / len(letters) >= 0.2
