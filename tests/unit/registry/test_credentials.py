from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.errors import UnauthorizedError
from fairing_kfp.registry.credentials import Anonymous, Credentials, DockerConfig

HUB = "https://index.docker.io/v1/"


def auth(pair: str) -> dict[str, str]:
    return {"auth": base64.b64encode(pair.encode()).decode()}


@pytest.fixture
def config(tmp_path: Path) -> Any:
    def write(document: Any) -> DockerConfig:
        path = tmp_path / "config.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return DockerConfig(path)

    return write


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def write(script: str) -> None:
        path = tmp_path / "docker-credential-test"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return write


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("ghcr.io", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("https://ghcr.io/v2/", "ghcr.io"),
        ("localhost:5000", "localhost:5000"),
        (HUB, "docker.io"),
        ("docker.io", "docker.io"),
    ],
)
def test_auths(config: Any, key: str, registry: str) -> None:
    store = config({"auths": {key: auth("me:pass:word")}})
    assert store.for_registry(registry) == Credentials("me", "pass:word")
    assert store.for_registry("example.com") is None


def test_an_identity_token_goes_before_a_password(config: Any) -> None:
    store = config({"auths": {"ghcr.io": {**auth("me:pass"), "identitytoken": "token"}}})
    assert store.for_registry("ghcr.io") == Credentials("", "", "token")


@pytest.mark.parametrize("entry", [{}, {"auth": "%"}, {"auth": ""}, auth("no colon")])
def test_an_entry_without_a_password_is_anonymous(config: Any, entry: Any) -> None:
    assert config({"auths": {"ghcr.io": entry}}).for_registry("ghcr.io") is None


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert DockerConfig().for_registry("ghcr.io") is None
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"ghcr.io": auth("me:pass")}}))
    assert DockerConfig().for_registry("ghcr.io") == Credentials("me", "pass")


def test_a_file_that_cannot_be_read_is_an_error(config: Any, tmp_path: Path) -> None:
    with pytest.raises(UnauthorizedError, match="cannot be read") as caught:
        config("{broken").for_registry("ghcr.io")
    assert str(tmp_path) in caught.value.message


@pytest.mark.parametrize("config_of_helper", [{"credsStore": "test"}, {"credHelpers": {"ghcr.io": "test"}}])
def test_helpers(config: Any, helper: Any, config_of_helper: Any) -> None:
    helper("""read key; echo "{\\"Username\\": \\"me\\", \\"Secret\\": \\"for $key by $1\\"}" """)
    assert config(config_of_helper).for_registry("ghcr.io") == Credentials("me", "for ghcr.io by get")


def test_a_helper_knows_docker_hub_by_its_old_name(config: Any, helper: Any) -> None:
    helper("""read key; echo "{\\"Username\\": \\"me\\", \\"Secret\\": \\"$key\\"}" """)
    assert config({"credsStore": "test"}).for_registry("docker.io") == Credentials("me", HUB)


def test_a_helper_may_hold_an_identity_token(config: Any, helper: Any) -> None:
    helper("""echo '{"Username": "<token>", "Secret": "token"}'""")
    assert config({"credsStore": "test"}).for_registry("ghcr.io") == Credentials("", "", "token")


def test_a_helper_that_knows_nothing_leaves_it_to_the_file(config: Any, helper: Any) -> None:
    helper("echo credentials not found in native keychain; exit 1")
    store = config({"credsStore": "test", "auths": {"ghcr.io": auth("me:pass")}})
    assert store.for_registry("ghcr.io") == Credentials("me", "pass")
    assert store.for_registry("example.com") is None


@pytest.mark.parametrize("script", ["echo s3cret broken; exit 3", "echo s3cret", 'echo \'{"Username": "s3cret"}\''])
def test_a_helper_that_fails_is_named_and_its_output_is_not(config: Any, helper: Any, script: str) -> None:
    helper(script)
    with pytest.raises(UnauthorizedError, match="docker-credential-test gives no credentials") as caught:
        config({"credsStore": "test"}).for_registry("ghcr.io")
    assert "s3cret" not in str(caught.value)


def test_a_helper_that_is_not_installed(config: Any) -> None:
    with pytest.raises(UnauthorizedError, match="docker-credential-none, which is not on PATH"):
        config({"credsStore": "none"}).for_registry("ghcr.io")


def test_secrets_do_not_show() -> None:
    assert "hidden" not in repr(Credentials("me", "hidden-password", "hidden-token"))


def test_nobody() -> None:
    assert Anonymous().for_registry("docker.io") is None
