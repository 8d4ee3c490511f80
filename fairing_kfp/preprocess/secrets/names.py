"""Names that announce credentials: of variables, keys, arguments and options."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache


class Strength(IntEnum):
    """How surely a name announces a credential, and so how much its value has to look like one."""

    NONE = 0
    WEAK = 1
    TOKEN = 2  # may be a word of a text, too
    SECRET = 3
    PASS = 4  # a word of other meanings, too
    PASSWORD = 5


KEYWORDS = (
    *(
        "pass",
        "pwd",
        "pw",
        "psw",
        "pssw",
        "pasw",
        "secret",
        "token",
        "key",
        "cred",
        "auth",
        "bearer",
        "jwt",
        "kennwort",
    ),
    *(
        "mnemonic",
        "cookie",
        "login",
        "signature",
        "psk",
        "contrase",
        "senha",
        "wachtwoord",
        "haslo",
        "parola",
        "salasana",
    ),
    *("losenord", "heslo", "appid"),
)
"""Lower-case parts of which each name that announces a credential has one."""


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PASSWORDS = {
    *("password", "passwd", "passphrase", "passcode", "passwort", "kennwort", "pwd", "userpwd", "mnemonic", "passw"),
    *("pswd", "psswd", "pswrd", "psword", "pssword", "paswd", "paswrd", "pasword", "passwrd", "psswrd", "pssw", "pasw"),
    *("requirepass", "masterauth"),
    *(f"{owner}pass" for owner in words("db user sql my pg ssh ftp smtp mail root admin redis mongo mysql ldap")),
    *(f"{owner}pass" for owner in words("key store trust http proxy auth login sudo svc")),
}
_PASSWORDS |= words("contrasena contrase senha passe motdepasse wachtwoord haslo parola salasana losenord heslo")
_PASS_WORDS = {"pass", "pw", "psk"}
_SECRETS = {"secret", "token", "apikey", "credential", "cred", "bearer", "jwt", "authorization", "secretkey"}
_SECRETS |= {"accesskey", "privatekey", "authkey", "accountkey", "sharedkey", "apitoken"}
_WEAK = {"auth", "pat", "dsn", "cookie", "signature", "authentication", "login", "otp", "totp", "appid"}
_PAIRS = {"auth", "login", "authentication", "credential", "cred", "basic", "userpwd", "userpass"}
_SUFFIXES = (
    *("password", "passwd", "passphrase", "passwort", "pwd", "secret", "token", "credential", "credentials"),
    *("apikey", "accesskey", "secretkey", "privatekey", "authkey", "accountkey", "sharedkey"),
)
_KEYS = words(
    """
    api access secret private auth encryption encrypt signing sign account shared master subscription license session
    service admin deploy hmac aes rsa ssh fernet consumer app application client ingest ingestion write crypto cipher
    storage security function functions webhook bot integration jwt cookie host system root user developer dev
    project team org server sas
    """
)
"""Words before `key` that make it a credential."""

_BEFORE = words(
    """
    has is show hide hidden forgot reset change require requires required use uses ask prompt encrypted hashed hash no
    without missing invalid wrong bad expired min max num validate verify check checksum digest sha sha256 md5
    """
)
"""Words before any credential's that give the name another meaning."""

_BEFORE_TOKEN = words(
    """
    pad eos bos unk cls sep mask special start end next prev previous stop image img audio video vision word sub last
    first second input output target prompt completion begin beginning page pagination continuation continue sync
    resume boi eoi fim placeholder control n total role lang language task separator delimiter operator keyword
    ident idempotency request cancellation cancel csrf xsrf authenticity byte generated draft non per fill noise embed
    class position pos
    """
)
"""Words before `token` for another kind of token."""

_BEFORE_KEY = words(
    """
    public primary foreign sort partition cache group index map lookup join row column natural object s3 data tree dict
    hash range routing left right up down arrow shift ctrl alt enter shortcut hot press any each first second third
    registry publishable idempotency state config metric feature label
    """
)
"""Words before `key` for another kind of key."""

_AFTER = words(
    """
    name names file filename filepath path paths dir directory folder id ids env environ var variable field fields
    label hint prompt text title type kind len length size count counts counter limit limits max min num number regex
    pattern format url uri endpoint host header prefix suffix policy policies rule rules error exception message msg
    class cls factory provider manager store storage backend service client expiry expires expiration expire ttl
    lifetime timeout age at date time version ref reference selector index idx position pos offset start end mask
    embedding embeddings embed dim vocab map mapping dict list set iter iterator stream encoder decoder schema spec
    column col table usage cost price budget per logprob logprobs strategy mode scope scopes issuer audience
    algorithm alg required enabled disabled optional allowed valid validator validation change confirm confirmation
    reset strength generator hash hashed digest fingerprint checksum sha256 sha1 md5 sha state status function func
    callback handler method input output stdin probability probabilities prob ratio rate classifier classification
    level bucket buckets ring chain word words entry mount volume annotation annotations attribute attr param
    parameter parameters option options flag required config configuration settings source sources target types
    template templates request requests response responses permission permissions resolver loader reader writer
    parser scanner helper helpers util utils exists missing form page view icon example description help
    doc docs weight bias
    """
)
"""Words after a credential's that give the name another meaning."""

_SAME = words(
    """
    prod production dev development stage staging test live old new backup primary secondary value val default
    current b64 base64 str string plain plaintext raw encoded main local remote internal eu us
    """
)
"""Words after a credential's that do not change the meaning."""


@lru_cache(maxsize=8192)
def strength_of(name: str) -> Strength:
    """How surely a name announces a credential."""
    parts = _parts(name)
    for place in range(len(parts) - 1, -1, -1):
        found = _strength_at(parts, place)
        if found is None:
            continue
        if place and parts[place - 1] in _before(parts[place]):
            return Strength.NONE
        after = parts[place + 1 :]
        if any(word in _AFTER for word in after):
            return Strength.NONE
        return found if all(word in _SAME or word.isdigit() for word in after) else min(found, Strength.WEAK)
    return Strength.NONE


def is_of_pair(name: str) -> bool:
    """Whether a name may announce `user:password`."""
    return not _PAIRS.isdisjoint(_parts(name))


def _before(word: str) -> frozenset[str]:
    """The words that give a name another meaning if they precede a word."""
    return _BEFORE | {"token": _BEFORE_TOKEN, "key": _BEFORE_KEY}.get(word, frozenset())


def _strength_at(parts: list[str], place: int) -> Strength | None:
    """The strength of a name by one of its words; None if the word announces nothing."""
    word = parts[place]
    if word in _PASSWORDS:
        return Strength.PASSWORD
    if word in _SECRETS:
        return Strength.TOKEN if parts == ["token"] else Strength.SECRET
    if word in _PASS_WORDS:
        return Strength.PASSWORD if 0 < place == len(parts) - 1 else Strength.PASS
    if word in _WEAK:
        return Strength.WEAK
    if word == "key":
        if place == 0:
            return Strength.NONE
        return Strength.SECRET if parts[place - 1] in _KEYS else Strength.WEAK
    return None


def _parts(name: str) -> list[str]:
    """The words of a name, in lower case and singular: `openaiAPIKeys2` → openai, api, key, 2."""
    parts: list[str] = []
    for match in _WORD.finditer(name):
        word = match.group().lower()
        if word not in _PASSWORDS and word not in _SECRETS and word != "passes":
            word = word.removesuffix("s") if word[:-1] in _PASSWORDS | _SECRETS | _WEAK | {"key"} else word
        if parts and parts[-1] == "pass" and word in ("word", "phrase", "code"):
            parts[-1] += word
            continue
        suffix = next((one for one in _SUFFIXES if word.endswith(one) and word != one), None)
        if suffix and word not in _PASSWORDS | _SECRETS:
            parts += [word.removesuffix(suffix), suffix.removesuffix("s")]
        else:
            parts.append(word)
    return parts
