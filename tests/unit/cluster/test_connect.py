from __future__ import annotations

import json
from pathlib import Path

import pytest
from kubernetes.client import Configuration

from fairing_kfp.cluster.connect import (
    ClusterConfig,
    find_config,
    from_client,
    from_kubeconfig,
    in_cluster,
    is_configured,
)
from fairing_kfp.errors import ClusterError


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "namespace").write_text("me")
    return tmp_path


def test_in_cluster_reads_the_renewed_token(mounted: Path) -> None:
    ca = str(mounted / "ca.crt")
    assert in_cluster(mounted) == ClusterConfig("https://[fd00::1]:6443", "me", "Bearer first", ca)
    (mounted / "token").write_text("second")
    assert in_cluster(mounted).authorization == "Bearer second"


def test_token_is_not_in_the_repr(mounted: Path) -> None:
    assert "first" not in repr(in_cluster(mounted))


def test_pod_without_a_token_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="no service account token") as caught:
        in_cluster(tmp_path)
    assert "automountServiceAccountToken" in caught.value.remedy


def test_kubeconfig_has_server_token_and_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config"
    contexts = [
        {"name": "a", "context": {"cluster": "c", "user": "u"}},
        {"name": "b", "context": {"cluster": "c", "user": "u", "namespace": "me"}},
    ]
    described = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "https://k.example:6443"}}],
        "users": [{"name": "u", "user": {"token": "made-up"}}],
        "contexts": contexts,
        "current-context": "a",
    }
    file.write_text(json.dumps(described))
    monkeypatch.setenv("KUBECONFIG", str(file))
    assert find_config()() == ClusterConfig("https://k.example:6443", "default", "Bearer made-up")
    assert from_kubeconfig("b").namespace == "me"
    assert is_configured()
    with pytest.raises(ClusterError, match="nowhere"):
        from_kubeconfig("nowhere")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    assert not is_configured()
    assert find_config(file=str(file))().server == "https://k.example:6443"
    assert find_config("b", str(file))().namespace == "me"


def test_a_configuration_of_the_official_client_is_taken() -> None:
    given = Configuration()
    given.host, given.verify_ssl = "https://k.example:6443", False
    given.api_key = {"authorization": "Bearer made-up"}

    assert from_client(given, "me") == ClusterConfig("https://k.example:6443", "me", "Bearer made-up", verify=False)


@pytest.mark.parametrize("content", [None, "", "[", "{}"])
def test_unusable_kubeconfig_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None) -> None:
    file = tmp_path / "config"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(ClusterError, match="missing or unusable"):
        from_kubeconfig()
