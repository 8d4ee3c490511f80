"""Values that could be credentials, given how surely their names announce one, and others."""

from __future__ import annotations

import pytest

from fairing_kfp.preprocess.secrets.names import Strength
from fairing_kfp.preprocess.secrets.values import could_be_credential, is_placeholder, is_random, is_words
from tests.support.made_up_secrets import HIGH


@pytest.mark.parametrize("value", ["hunter2", "Sommer2024!", "swordfish", "one two three four", "p@ss w0rd", HIGH])
def test_passwords(value: str) -> None:
    assert could_be_credential(Strength.PASSWORD, value)


@pytest.mark.parametrize("value", [HIGH, f"Bearer {HIGH}", "s3cr3t", "0a1b2c3d" * 5, "a9B1+x" * 6])
def test_secrets(value: str) -> None:
    assert could_be_credential(Strength.SECRET, value)


@pytest.mark.parametrize(
    "value",
    [
        *("", "x", "password", "changeme", "<password>", "YOUR-API-KEY", "your_password_here", "xxxxxxxx", "********"),
        *("...", "${PASSWORD}", "$PASSWORD", "{{ password }}", "%(password)s", "$(cat /run/token)", "{password}"),
        *("/run/secrets/db", "./token.txt", "https://example.com/token", "vault:secret/db", "sha256:0a1b", "arn:aws:x"),
        *("[A-Za-z0-9]+", "please type your password", "wJalr" + "XUtnFEMIEXAMPLEKEY", "None", "true", "<token>"),
        "oauth2client.contrib.gce.AppCredentials",
    ],
)
def test_placeholders_and_references(value: str) -> None:
    assert [strength for strength in Strength if could_be_credential(strength, value)] == []


@pytest.mark.parametrize("value", ["db-credentials-v2", "LlamaTokenizer", "<|endoftext|>", "my_secret", "hunter2"])
def test_words_are_no_secrets(value: str) -> None:
    assert not could_be_credential(Strength.SECRET, value)
    assert is_words(value)


def test_random_values() -> None:
    assert is_random(HIGH)
    assert is_random("0a1b2c3d4e5f6071" * 2)
    assert not is_random("0a1b2c3d4e5f")
    assert not is_random("customer-identifiers")
    assert could_be_credential(Strength.WEAK, HIGH)
    assert not could_be_credential(Strength.WEAK, "hunter2")
    assert not could_be_credential(Strength.NONE, HIGH)
    assert is_placeholder("changeme")
