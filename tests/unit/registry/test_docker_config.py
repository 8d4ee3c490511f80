"""Files of credentials and credential helpers."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.errors import UnauthorizedError
from fairing_kfp.registry.credentials import Credentials
from fairing_kfp.registry.docker_config import DefaultCredentials, DockerConfig

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
    assert store.for_repository(registry, "me/app") == Credentials("me", "pass:word")
    assert store.for_repository("example.com", "me/app") is None


def test_an_identity_token_overrides_a_password(config: Any) -> None:
    store = config({"auths": {"ghcr.io": {**auth("me:pass"), "identitytoken": "token"}}})
    assert store.for_repository("ghcr.io", "me/app") == Credentials("", "", "token")


@pytest.mark.parametrize("entry", [{}, [], 5, {"auth": 5}, {"auth": "%"}, {"auth": ""}, auth("no colon")])
def test_an_entry_without_a_password_is_anonymous(config: Any, entry: Any) -> None:
    assert config({"auths": {"ghcr.io": entry}}).for_repository("ghcr.io", "me/app") is None


def test_docker_config_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert DefaultCredentials().for_repository("ghcr.io", "me/app") is None
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"ghcr.io": auth("me:pass")}}))
    assert DefaultCredentials().for_repository("ghcr.io", "me/app") == Credentials("me", "pass")


def test_a_file_that_cannot_be_read_is_an_error(config: Any, tmp_path: Path) -> None:
    with pytest.raises(UnauthorizedError, match="cannot read the credentials") as caught:
        config("{s3cret").for_repository("ghcr.io", "me/app")
    assert str(tmp_path) in caught.value.message
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("config_of_helper", [{"credsStore": "test"}, {"credHelpers": {"ghcr.io": "test"}}])
def test_helpers(config: Any, helper: Any, config_of_helper: Any) -> None:
    helper("""read key; echo "{\\"Username\\": \\"me\\", \\"Secret\\": \\"for $key by $1\\"}" """)
    assert config(config_of_helper).for_repository("ghcr.io", "me/app") == Credentials("me", "for ghcr.io by get")


def test_the_key_of_docker_hub_for_helpers(config: Any, helper: Any) -> None:
    helper("""read key; echo "{\\"Username\\": \\"me\\", \\"Secret\\": \\"$key\\"}" """)
    assert config({"credsStore": "test"}).for_repository("docker.io", "me/app") == Credentials("me", HUB)


def test_an_identity_token_from_a_helper(config: Any, helper: Any) -> None:
    helper("""echo '{"Username": "<token>", "Secret": "token"}'""")
    assert config({"credsStore": "test"}).for_repository("ghcr.io", "me/app") == Credentials("", "", "token")


def test_without_an_entry_in_the_helper_the_file_is_used(config: Any, helper: Any) -> None:
    helper("echo credentials not found in native keychain; exit 1")
    store = config({"credsStore": "test", "auths": {"ghcr.io": auth("me:pass")}})
    assert store.for_repository("ghcr.io", "me/app") == Credentials("me", "pass")
    assert store.for_repository("example.com", "me/app") is None


@pytest.mark.parametrize("script", ["echo s3cret broken; exit 3", "echo s3cret", 'echo \'{"Username": "s3cret"}\''])
def test_an_error_names_the_helper_and_not_its_output(config: Any, helper: Any, script: str) -> None:
    helper(script)
    with pytest.raises(UnauthorizedError, match="docker-credential-test returned no credentials") as caught:
        config({"credsStore": "test"}).for_repository("ghcr.io", "me/app")
    assert "s3cret" not in str(caught.value)


def test_a_helper_that_is_not_installed(config: Any) -> None:
    with pytest.raises(UnauthorizedError, match="docker-credential-none, which is not on PATH"):
        config({"credsStore": "none"}).for_repository("ghcr.io", "me/app")


@pytest.mark.parametrize(
    ("key", "known"),
    [
        ("ghcr.io/me/app", {"me/app", "me/app/deep"}),
        ("ghcr.io/me", {"me/app", "me/app/deep", "me/other"}),
        ("ghcr.io/me/", {"me/app", "me/app/deep", "me/other"}),
        ("ghcr.io", {"me/app", "me/app/deep", "me/other", "you/app", "melon/app"}),
        ("https://ghcr.io/v1/", {"me/app", "me/app/deep", "me/other", "you/app", "melon/app"}),
    ],
)
def test_a_key_may_name_a_repository(config: Any, key: str, known: set[str]) -> None:
    store = config({"auths": {key: auth("me:pass")}})
    asked = ["me/app", "me/app/deep", "me/other", "you/app", "melon/app"]
    assert {name for name in asked if store.for_repository("ghcr.io", name)} == known


def test_the_longest_key_wins(config: Any) -> None:
    keys = ["ghcr.io", "ghcr.io/me/app", "https://ghcr.io", "ghcr.io/me"]
    store = config({"auths": {key: auth(f"{key.count('/')}:{key}") for key in keys}})
    assert store.for_repository("ghcr.io", "me/app").password == "ghcr.io/me/app"
    assert store.for_repository("ghcr.io", "me/other").password == "ghcr.io/me"
    assert store.for_repository("ghcr.io", "you/app").password == "ghcr.io"


def test_a_repository_of_docker_hub(config: Any) -> None:
    store = config({"auths": {"docker.io/me": auth("me:pass"), HUB: auth("all:pass")}})
    assert store.for_repository("docker.io", "me/app") == Credentials("me", "pass")
    assert store.for_repository("docker.io", "library/python") == Credentials("all", "pass")


def test_files_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without an entry for the registry is skipped."""
    places = {
        "named": ("REGISTRY_AUTH_FILE", "named/auth.json", "named/auth.json"),
        "docker": ("DOCKER_CONFIG", "docker", "docker/config.json"),
        "runtime": ("XDG_RUNTIME_DIR", "runtime", "runtime/containers/auth.json"),
        "config": ("XDG_CONFIG_HOME", "config", "config/containers/auth.json"),
    }
    known: dict[str, Any] = {}
    for place, (variable, value, file) in places.items():
        monkeypatch.setenv(variable, str(tmp_path / value))
        known[f"{place}.example.com"] = auth(f"{place}:pass")
        (tmp_path / file).parent.mkdir(parents=True)
        own = {f"{place}.example.com": auth(f"{place}:pass"), "all.example.com": auth(f"{place}:pass")}
        (tmp_path / file).write_text(json.dumps({"auths": own}))
    for place, (_, _, file) in places.items():
        for there in places:
            found = DefaultCredentials().for_repository(f"{there}.example.com", "me/app")
            assert (found is None) == (not (tmp_path / places[there][2]).exists())
        assert DefaultCredentials().for_repository("all.example.com", "me/app").username == place
        (tmp_path / file).unlink()
    assert DefaultCredentials().for_repository("all.example.com", "me/app") is None


@pytest.mark.parametrize("variable", ["DOCKER_CONFIG", "REGISTRY_AUTH_FILE"])
def test_a_mounted_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    (tmp_path / "..data").mkdir()  # as mounted by the kubelet
    (tmp_path / "..data/.dockerconfigjson").write_text(json.dumps({"auths": {"ghcr.io": auth("me:pass")}}))
    (tmp_path / ".dockerconfigjson").symlink_to("..data/.dockerconfigjson")
    monkeypatch.setenv(variable, str(tmp_path))
    assert DefaultCredentials().for_repository("ghcr.io", "me/app") == Credentials("me", "pass")
    monkeypatch.delenv(variable)
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / ".dockerconfigjson"))
    assert DefaultCredentials().for_repository("ghcr.io", "me/app") == Credentials("me", "pass")


def test_a_user_without_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", nobody)
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert DefaultCredentials().for_repository("ghcr.io", "me/app") is None


def test_a_helper_is_asked_once_for_the_repositories_of_a_registry(
    tmp_path: Path, helper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(f"""echo asked >> {tmp_path}/asked; echo '{{"Username": "me", "Secret": "s3cret"}}'""")
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "test"}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    store = DefaultCredentials()
    for name in ("base", "team/app"):
        assert store.for_repository("ghcr.io", name) == Credentials("me", "s3cret")
    assert (tmp_path / "asked").read_text() == "asked\n"
    monkeypatch.setattr("fairing_kfp.registry.docker_config._REMEMBER", 0)
    store.for_repository("ghcr.io", "base")
    assert (tmp_path / "asked").read_text() == "asked\n" * 2
