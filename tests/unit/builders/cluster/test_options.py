from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fairing_kfp.builders.builder import Connection
from fairing_kfp.builders.cluster.builder import connect
from fairing_kfp.builders.cluster.options import ClusterOptions
from fairing_kfp.builders.progress import silent
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ClusterError, ConfigError, FairingError, InvalidReferenceError
from fairing_kfp.settings import Settings

PYTHON = f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim"


def test_the_image_is_the_first_that_has_python() -> None:
    chosen = {"base_image": "base:1", "own_image": "own:1", "cluster_image": "mine:1"}
    images = [ClusterOptions.of(Settings(**dict(list(chosen.items())[:count]))).image for count in range(4)]

    assert images == [PYTHON, "base:1", "own:1", "mine:1"]
    assert ClusterOptions.of(Settings(base_image="dockerfile:/Dockerfile")).image == PYTHON


def test_the_job_is_where_runs_are_unless_it_has_its_own_settings() -> None:
    runs = ClusterOptions.of(Settings(namespace="runs", service_account="runner"))
    own = ClusterOptions.of(
        Settings(namespace="runs", service_account="runner", cluster_namespace="n", cluster_service_account="a")
    )

    assert (runs.namespace, runs.service_account) == ("runs", "runner")
    assert (own.namespace, own.service_account) == ("n", "a")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({}, ClusterError, "the kubeconfig /absent is missing or unusable"),
        ({"registry": None}, ConfigError, "no registry is set"),
        ({"registry": "registry.example.com/Me"}, InvalidReferenceError, "Me"),
        ({"cluster_image": "Mine"}, InvalidReferenceError, "Mine"),
        ({"ca": "/absent.pem"}, ConfigError, "cannot read the CA certificates in /absent.pem"),
        ({"client_cert": "/cert.pem"}, ConfigError, "does not send the client certificate"),
        ({"cluster_upload": "ftp://bucket"}, ConfigError, "cluster_upload: 'ftp://bucket'"),
    ],
)
def test_what_is_wrong_is_reported_without_a_cluster(
    settings: dict[str, str],
    error: type[FairingError],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/absent")
    given = Settings(**{"registry": "registry.example.com/me", **settings})  # type: ignore[arg-type]
    with pytest.raises(error) as caught:
        connect(Connection(given, "pipeline", Cache(tmp_path), silent), "")
    assert message in caught.value.message
    assert caught.value.remedy
