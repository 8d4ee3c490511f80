"""Passwords in URLs, and users with passwords."""

from __future__ import annotations

import pytest

from fairing_kfp.preprocess.secrets.urls import find_pairs, is_encoded_pair
from tests.support.made_up_secrets import HIGH


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("redis://:pw@cache:6379", "pw"),
        ("postgres://me:hunter2@db.internal/x", "hunter2"),
        ("postgres://me:p@ss@db.internal/x", "p@ss"),
        ("postgres://admin:password@db.internal/x", "password"),
        (f"https://{HIGH * 2}@git.internal/x", HIGH * 2),
        ("smtps://me@example.com:hunter2@mail.internal:465", "hunter2"),
        ("me:hunter2@tcp(db:3306)/x", "hunter2"),
        ("Authorization: Basic bWU6aHVudGVyMg==", "bWU6aHVudGVyMg=="),
    ],
)
def test_passwords(text: str, password: str) -> None:
    (match,) = find_pairs(text)
    assert match.value == password
    assert text[match.start :].startswith(password)


@pytest.mark.parametrize(
    "text",
    [
        "https://user:password@host/x",
        "https://{user}:{password}@host",
        "https://me:${PASSWORD}@db.internal",
        "postgres://postgres:postgres@localhost/x",
        "http://localhost:8080/x@y",
        "https://example.com/a:b@c",
        "s3://bucket/key",
        "git@github.com:team/app.git",
        "mailto:me@example.com",
        "basic blocks of code",
    ],
)
def test_harmless_texts(text: str) -> None:
    assert list(find_pairs(text)) == []


def test_pairs_in_base64() -> None:
    assert is_encoded_pair("bWU6aHVudGVyMg==")
    assert not is_encoded_pair("dXNlcjpwYXNzd29yZA==")  # user:password
    assert not is_encoded_pair("aGVsbG8gd29ybGQ=")
