"""Names that announce credentials, and others."""

from __future__ import annotations

import pytest

from fairing_kfp.preprocess.secrets.names import Strength, strength_of


@pytest.mark.parametrize(
    ("name", "strength"),
    [
        ("password", Strength.PASSWORD),
        ("dbPassword", Strength.PASSWORD),
        ("PassWord", Strength.PASSWORD),
        ("PGPASSWORD", Strength.PASSWORD),
        ("DB_PASS", Strength.PASSWORD),
        ("spring.datasource.password", Strength.PASSWORD),
        ("password_prod2", Strength.PASSWORD),
        ("pass", Strength.PASS),
        ("OPENAI_API_KEY", Strength.SECRET),
        ("openaiAPIKeys", Strength.SECRET),
        ("x-api-key", Strength.SECRET),
        ("clientSecret", Strength.SECRET),
        ("AWS_SECRET_ACCESS_KEY", Strength.SECRET),
        ("accesstoken", Strength.SECRET),
        ("credentials", Strength.SECRET),
        ("wandb_key", Strength.WEAK),
        ("token_of_alice", Strength.WEAK),
        ("Authorization", Strength.SECRET),
    ],
)
def test_names_of_credentials(name: str, strength: Strength) -> None:
    assert strength_of(name) is strength


@pytest.mark.parametrize(
    "name",
    [
        *("name", "key", "keys", "monkey", "tokenizer", "max_tokens", "pad_token", "nextPageToken", "token_count"),
        *("tokenId", "secretName", "secretKeyRef", "password_file", "PASSWORD_MIN_LENGTH", "has_password", "cache_key"),
        *("primaryKey", "public_key", "csrf_token", "bypass", "passes", "compass", "author", "keyboard"),
    ],
)
def test_other_names(name: str) -> None:
    assert strength_of(name) is Strength.NONE
