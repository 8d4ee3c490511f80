"""Credentials given in code."""

from __future__ import annotations

from fairing_kfp.registry.credentials import Anonymous, Credentials, StaticCredentials


def test_static_credentials() -> None:
    store = StaticCredentials({"ghcr.io": Credentials("me", "hidden")})
    assert store.for_repository("ghcr.io", "me/app") == Credentials("me", "hidden")
    assert store.for_repository("quay.io", "me/app") is None


def test_secrets_are_not_in_the_repr() -> None:
    assert "hidden" not in repr(Credentials("me", "hidden-password", "hidden-token"))


def test_anonymous() -> None:
    assert Anonymous().for_repository("docker.io", "me/app") is None
