"""Artifacts that the pages do not give, from the object store itself."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore

from fairing_kfp.builders.cluster import object_store
from fairing_kfp.errors import KfpError
from fairing_kfp.remote import artifact_store
from fairing_kfp.remote.artifact import RunArtifact
from fairing_kfp.remote.connect import Kfp, connect
from fairing_kfp.settings import Settings
from tests.support.kfp_stand_in import KfpStandIn

STORE = '{"Provider":"minio","Params":{"endpoint":"store.kubeflow:9000","disableSSL":"true","region":"minio"}}'


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Mapping[str, str]]]:
    """A store in memory; the list has the URIs and options it was opened with."""
    found: list[tuple[str, Mapping[str, str]]] = []
    store = MemoryStore()
    for path, content in {"v2/model": b"weights", "v2/folder/a/b.txt": b"b", "v2/folder2/c": b"c"}.items():
        obstore.put(store, path, content)

    def open_store(uri: str, options: Mapping[str, str], purpose: str) -> MemoryStore:
        found.append((uri, options))
        return store

    monkeypatch.setattr(artifact_store, "open_store", open_store)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    return found


def artifact(kfp: Kfp, uri: str, store: str = STORE) -> RunArtifact:
    return RunArtifact("train", "model", "system.Model", uri, {}, store, kfp)


@pytest.fixture
def connected(kfp: KfpStandIn) -> Kfp:
    return connect(Settings(host=kfp.url))


def test_the_store_is_read_if_the_host_has_no_pages(
    kfp: KfpStandIn, connected: Kfp, opened: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kfp.pages = False
    artifact(connected, "minio://mlpipeline/v2/model").download(tmp_path / "model")
    artifact(connected, "minio://mlpipeline/v2/folder").download(tmp_path / "folder")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    artifact(connected, "minio://mlpipeline/v2/model").download(tmp_path / "model")

    assert (tmp_path / "model").read_bytes() == b"weights"
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.txt")] == ["folder/a/b.txt"]
    assert opened[0] == ("s3://mlpipeline", {"endpoint": "http://store.kubeflow:9000", "region": "minio"})
    assert opened[2] == ("s3://mlpipeline", {"endpoint": "http://127.0.0.1:9000", "region": "minio"})


@pytest.mark.parametrize(
    ("uri", "source", "options"),
    [("s3://b/v2/model", "s3", {"region": "eu-central-1"}), ("gs://b/v2/model", "gcs", {})],
)
def test_stores_whose_files_the_pages_change_are_read_first(
    kfp: KfpStandIn,
    connected: Kfp,
    opened: list[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    uri: str,
    source: str,
    options: dict[str, str],
) -> None:
    aws = '{"Params":{"endpoint":"s3.amazonaws.com","region":"eu-central-1"}}'
    kfp.objects["b/v2/model"] = b"of the pages"
    found = artifact(connected, uri, aws)

    assert found.download(tmp_path / "model").read_bytes() == b"weights"
    assert opened == [(uri.removesuffix("/v2/model"), options)]
    monkeypatch.setattr(artifact_store, "open_store", refuse)
    assert found.download(tmp_path / "model").read_bytes() == b"of the pages"
    assert kfp.queries[0]["source"] == source


def test_a_folder_that_the_pages_do_not_give_is_reported(
    kfp: KfpStandIn, connected: Kfp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact_store, "open_store", refuse)
    with pytest.raises(KfpError, match=r"no credentials; .* gives no content"):
        artifact(connected, "gs://b/v2/folder").download(tmp_path / "folder")
    assert not list(tmp_path.iterdir())


def test_content_that_is_nowhere_is_reported_with_each_cause(connected: Kfp, kfp: KfpStandIn, tmp_path: Path) -> None:
    with pytest.raises(KfpError, match="cannot download the artifact model of the step train") as raised:
        artifact(connected, "minio://mlpipeline/v2/gone").download(tmp_path / "new")
    assert f"{kfp.url} does not serve it; " in raised.value.message
    assert "the store http://store.kubeflow:9000 has no object v2/gone" in raised.value.message
    assert "AWS_ENDPOINT_URL" in raised.value.remedy
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named(connected: Kfp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_store, "open_store", object_store.open_store)
    for name in ("obstore", "obstore.store"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(KfpError, match="needs the package obstore") as raised:
        artifact(connected, "minio://mlpipeline/v2/model").download(tmp_path / "new")
    assert "fairing-kfp[upload]" in raised.value.remedy


def test_artifacts_outside_of_object_stores_are_not_downloaded(connected: Kfp, tmp_path: Path) -> None:
    with pytest.raises(KfpError, match=r"is at oci://registry.example.com/model, which is in no object store"):
        artifact(connected, "oci://registry.example.com/model").download(tmp_path / "new")


def refuse(*_: Any) -> Any:
    raise KfpError("no credentials", "set them")
