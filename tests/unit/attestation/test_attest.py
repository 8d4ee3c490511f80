"""SBOM and provenance of a published image, and the requests that attach them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from fairing_kfp.attestation import provenance, sbom
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError
from fairing_kfp.image.descriptor import OCI_MANIFEST
from fairing_kfp.preprocess.bundle import Bundle
from tests.support.attested_images import PACKAGES, Publisher
from tests.support.memory_registry import MemoryRegistry
from tests.support.scripted_registry import Server

GIT = ("git", "-c", "user.name=me", "-c", "user.email=me@example.com")


def attached(registry: MemoryRegistry, artifact_type: str) -> list[bytes]:
    """The documents of a type in a registry."""
    found = {data for data in registry.manifests.values() if json.loads(data).get("artifactType") == artifact_type}
    return [registry.blobs[json.loads(data)["layers"][0]["digest"]] for data in found]


def document(registry: MemoryRegistry, artifact_type: str) -> Any:
    (data,) = attached(registry, artifact_type)
    return json.loads(data)


def test_the_sbom_is_valid_and_names_packages_with_licenses_and_layers(
    registry: MemoryRegistry, publisher: Publisher
) -> None:
    reference = publisher.publish()
    assert publisher.attest(reference)
    (data,) = attached(registry, sbom.MEDIA_TYPE)

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode()) is None
    found = json.loads(data)
    assert found["metadata"]["component"]["version"] == reference.partition("@")[2]
    assert "timestamp" not in found["metadata"]
    parts = {part["name"]: part for part in found["components"]}
    assert parts["one"]["purl"] == "pkg:pypi/one@1.0"
    assert parts["one"]["hashes"] == [{"alg": "SHA-256", "content": "1" * 64}]
    assert parts["one"]["licenses"] == [{"license": {"id": "MIT"}}]
    assert {"name": sbom.LAYER, "value": PACKAGES.digest} in parts["one"]["properties"]
    assert "hashes" not in parts["two"]  # it is not known which of its files is installed
    assert [one["license"]["name"] for one in parts["two"]["licenses"]] == ["A license", "Another license"]
    assert {"kfp", "cloudpickle", "fairing-kfp", f"{publisher.host}/base/python"} <= parts.keys()
    assert [one["name"] for one in parts["train: code"]["components"]] == ["/opt/fairing/code/step.json"]


def test_the_provenance_names_image_base_and_packages(registry: MemoryRegistry, publisher: Publisher) -> None:
    reference = publisher.publish()
    publisher.attest(reference)
    statement = document(registry, provenance.MEDIA_TYPE)
    definition = statement["predicate"]["buildDefinition"]
    resolved = {part.get("name", part["uri"]): part for part in definition["resolvedDependencies"]}

    assert [part["digest"]["sha256"] for part in statement["subject"]] == [reference.partition("@sha256:")[2]]
    assert definition["externalParameters"]["component"] == "train"
    assert definition["internalParameters"] == {"workingTree": "unknown"}
    assert resolved["pkg:pypi/one@1.0"]["digest"] == {"sha256": "1" * 64}
    assert resolved["pkg:pypi/two@2.0"]["annotations"]["acceptedFiles"] == [f"sha256:{'2' * 64}", f"sha256:{'3' * 64}"]
    assert resolved["base image"]["uri"].startswith("pkg:oci/python@sha256%3A")


def test_equal_builds_give_equal_bytes(publisher: Publisher, server: Server, tmp_path: Path) -> None:
    reference = publisher.publish()
    documents = []
    for name in ("one", "other"):
        server.rule = registry = MemoryRegistry()
        again = Publisher(server.host, Cache(tmp_path / name), tmp_path)
        again.push_base()
        assert again.publish() == reference
        again.attest(reference)
        documents.append([attached(registry, one) for one in (sbom.MEDIA_TYPE, provenance.MEDIA_TYPE)])

    assert documents[0] == documents[1]


def test_the_time_is_that_of_source_date_epoch(
    registry: MemoryRegistry, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    publisher.attest(publisher.publish())

    assert document(registry, sbom.MEDIA_TYPE)["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    details = document(registry, provenance.MEDIA_TYPE)["predicate"]["runDetails"]
    assert details["metadata"] == {"finishedOn": "2023-11-14T22:13:20Z"}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ConfigError, match="'yesterday' is not a time"):
        sbom.source_date()


@pytest.mark.parametrize("api", [True, False])
def test_an_attested_image_is_not_attested_again(
    registry: MemoryRegistry, publisher: Publisher, server: Server, api: bool
) -> None:
    registry.api = api
    reference = publisher.publish()
    server.requests.clear()
    assert publisher.attest(reference)
    assert len([line for line in server.lines if "/team/app/" in line]) == (9 if api else 12)  # as the page says
    server.requests.clear()

    assert not publisher.attest(reference)
    assert [line.partition(" ")[0] for line in server.lines] == ["GET"] * (1 if api else 2)


def test_a_clean_tree_adds_provenance_to_a_dirty_one(
    registry: MemoryRegistry, publisher: Publisher, tmp_path: Path
) -> None:
    def git(*arguments: str) -> None:
        subprocess.run([*GIT, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    git("remote", "add", "origin", "https://me:secret@example.com/team/app.git")
    (tmp_path / ".gitignore").write_text("cache\n")
    reference = publisher.publish()
    publisher.attest(reference)
    assert b"gitCommit" not in attached(registry, provenance.MEDIA_TYPE)[0]

    git("add", ".gitignore")
    git("commit", "-q", "-m", "second")
    assert publisher.attest(reference)
    git("commit", "-q", "--allow-empty", "-m", "third")
    assert not publisher.attest(reference)
    found = attached(registry, provenance.MEDIA_TYPE)

    assert sorted(b"gitCommit" in one for one in found) == [False, True]
    assert all(b"git+https://example.com/team/app.git" in one and b"secret" not in one for one in found)
    assert len(attached(registry, sbom.MEDIA_TYPE)) == 1

    model = publisher.publish(image := replace(publisher.image(), layers=(PACKAGES,)))
    publisher.attest(model, image, bundle=Bundle("model", ()))
    (added,) = {*attached(registry, provenance.MEDIA_TYPE)} - {*found}
    assert b"example.com" not in added  # it is not made of the working tree


def test_a_base_that_changed_meanwhile(publisher: Publisher) -> None:
    reference = publisher.publish()
    publisher.push_base(content=b"a new base")

    with pytest.raises(ConfigError, match=r"its base image .* changed while it was published"):
        publisher.attest(reference)


def test_the_digest_of_the_image_stays(registry: MemoryRegistry, publisher: Publisher) -> None:
    reference = publisher.publish()
    before = {key: data for key, data in registry.manifests.items() if key[0] == "team/app"}
    publisher.attest(reference)

    assert all(registry.manifests[key] == data for key, data in before.items())
    added = [json.loads(data) for key, data in registry.manifests.items() if key[0] == "team/app" and key not in before]
    assert len(added) == 2
    for one in added:
        assert one["subject"]["digest"] == reference.partition("@")[2]
        assert one["mediaType"] == one["subject"]["mediaType"] == OCI_MANIFEST
        assert one["annotations"]["org.opencontainers.image.base.name"] == f"{publisher.host}/base/python:1"
