"""Addresses of repositories."""

from __future__ import annotations

import pytest

from fairing_kfp.attestation.source import public_uri


@pytest.mark.parametrize(
    ("remote", "uri"),
    [
        ("https://me:secret@example.com/team/app.git", "git+https://example.com/team/app.git"),
        ("https://example.com:8443/app?token=secret", "git+https://example.com:8443/app"),
        ("git@example.com:team/app.git", "git+ssh://example.com/team/app.git"),
        ("ssh://git@example.com:22/app.git", "git+ssh://example.com:22/app.git"),
        ("/home/me/app", ""),
        ("file:///home/me/app", ""),
        ("../app", ""),
        ("", ""),
    ],
)
def test_nothing_private_is_in_the_address(remote: str, uri: str) -> None:
    assert public_uri(remote) == uri
