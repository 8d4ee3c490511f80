"""Files that are known by their names."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from fairing_kfp.preprocess.secrets.file_names import FILE_NAMES, is_credentials_file, is_file_name


@pytest.mark.parametrize(
    "name",
    [
        *(".env", ".ENV", ".env.production", "prod.env", ".netrc", ".pypirc", ".aws", ".kube", "kubeconfig"),
        *(
            "x.kubeconfig",
            ".dockerconfigjson",
            "a.tfvars",
            "a.pem",
            "a.key",
            "id_rsa",
            "id_ed25519.old",
            "secrets.toml",
        ),
        *("service-account-1.json", "client_secret_1.json", "application_default_credentials.json"),
    ],
)
def test_known_names(name: str) -> None:
    assert is_file_name(name)
    assert is_credentials_file(name, b"a: 1\n")
    assert not is_credentials_file(name, b"# nothing yet\n\n")


@pytest.mark.parametrize(
    "name",
    [
        *(
            ".env.example",
            ".env.sample",
            "example.env",
            "a.tfvars.template",
            "id_rsa.pub",
            "environment.yml",
            "keys.py",
        ),
        *("secrets.py", "params.env"),
    ],
)
def test_other_names(name: str) -> None:
    assert not is_file_name(name)


def test_certificates_pass() -> None:
    assert not is_credentials_file("ca.pem", b"-----BEGIN CERTIFICATE-----\nMII")
    assert is_credentials_file("both.pem", b"-----BEGIN CERTIFICATE-----\n-----BEGIN PRIV" + b"ATE KEY-----\n")


def test_patterns_are_matched_as_globs() -> None:
    for pattern in FILE_NAMES:
        start, _, end = pattern.partition("*")
        assert "*" not in end
        assert not set("?[]") & set(pattern)
        for name in (
            pattern.replace("*", ""),
            pattern.replace("*", "-x-"),
            start,
            end,
            f"{start[:-1]}{end}",
            f"a{pattern}b",
        ):
            expected = any(fnmatchcase(name, one) for one in FILE_NAMES) and not name.endswith((".py", ".pub"))
            assert is_file_name(name) is expected, (pattern, name)
