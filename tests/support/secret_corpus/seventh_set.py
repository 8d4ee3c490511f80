"""Files of clients, settings, commands, notebooks and documents, written before the rules were read.

Of the first try: 192 of 210 credentials found, 6 of 174 innocents refused. The last of each were written afterwards.

The texts are beside this module. `=== path` starts a file, `$R32` are 32 random characters, `$H` hexadecimal ones, `$N`
digits, `$U` capitals and digits, `$B` base64, `$G` a UUID, `$Z` a user and a password in base64, `$J` JSON in base64;
a broken bar keeps scanners of this repository from what looks like a key.
"""

from __future__ import annotations

import pickle
import re
import string
from pathlib import Path

from tests.support.secret_corpus.case import ALNUM, BASE64, HEX, Case, case, encoded, rnd

_DRAWN = re.compile(r"\$(?:(?P<kind>[RAHUNB])(?P<length>\d+)|(?P<whole>[GZJ])(?!\w))")
_ALPHABETS = {"R": ALNUM, "A": ALNUM, "H": HEX, "U": string.ascii_uppercase + "234567", "N": string.digits, "B": BASE64}
_PICKLED = (
    {"user": "etl", "password": "P1ckle-jar"},
    ("password", "P1ckle-jar"),
    [("host", "db"), ("user", "etl"), ("passwd", "Br1ne77")],
    {"url": "postgresql://etl:c0rnichon@db/f"},
)
_PICKLED_INNOCENTS = ({"password": 17, "token": 4}, ("token", "NOUN", "password"))


def _read(name: str) -> list[Case]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8").replace("\u00a6", "")
    files = (part.partition("\n") for part in re.split(r"(?m)^=== ", text)[1:])
    return [case(path, path, _filled(path, content)) for path, _, content in files]


def _filled(path: str, text: str) -> str:
    """A text with its random parts, each different."""

    def drawn(match: re.Match[str]) -> str:
        label = f"seven {path} {match.start()}"
        if match["kind"]:
            return rnd(label, int(match["length"]), _ALPHABETS[match["kind"]])
        if match["whole"] == "G":
            digits = rnd(label, 32, HEX)
            return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
        return encoded(f"svc:{rnd(label, 12)}" if match["whole"] == "Z" else f'{{"api_key":"{rnd(label, 32, HEX)}"}}')

    return _DRAWN.sub(drawn, text)


def secrets() -> list[Case]:
    """Files with made-up credentials."""
    pickles = [case(f"pickle {one!r}", "x.pkl", pickle.dumps(one)) for one in _PICKLED]
    return [*_read("seventh_secrets.txt"), *pickles]


def innocents() -> list[Case]:
    """Files that only look like credentials."""
    pickles = [case(f"pickle {one!r}", "x.pkl", pickle.dumps(one)) for one in _PICKLED_INNOCENTS]
    return [*_read("seventh_innocents.txt"), *pickles]
