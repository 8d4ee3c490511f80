"""`fairing-kfp verify`: what agrees, and each way in which it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fairing_kfp.attestation import provenance, sbom
from fairing_kfp.cli import main
from fairing_kfp.dependencies.base_lock import LockedBase
from fairing_kfp.dependencies.lock import Pin
from fairing_kfp.dependencies.lock_file import Entry, Key, dumps
from fairing_kfp.image import MultiPlatformImage, Platform
from fairing_kfp.image.artifact import Artifact
from fairing_kfp.image.descriptor import digest_of, dump
from fairing_kfp.image.manifest import Manifest
from tests.support.attested_images import LOCK, Publisher
from tests.support.command_line import fairing_kfp
from tests.support.memory_registry import MemoryRegistry


@pytest.fixture(params=["api", "tag", "bare"])
def reference(request: pytest.FixtureRequest, registry: MemoryRegistry, publisher: Publisher) -> str:
    """An attested image, in registries with and without the API, and with one that lists digests alone."""
    registry.api, registry.bare = request.param != "tag", request.param == "bare"
    return attested(publisher)


def attested(publisher: Publisher) -> str:
    found = publisher.publish()
    publisher.attest(found)
    return found


def verified(reference: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and state and detail by check."""
    code, output = fairing_kfp("verify", "--json", reference)
    return code, {one["name"]: (one["state"], one["detail"]) for one in json.loads(output)["checks"]}


def replace_document(registry: MemoryRegistry, kind: str, edit: Callable[[Any], object]) -> None:
    """Replaces an attached document by a changed one, as who may push can."""
    for (name, wanted), data in list(registry.manifests.items()):
        manifest = json.loads(data)
        if manifest.get("artifactType") != kind or wanted != digest_of(data):
            continue
        document = json.loads(registry.blobs[manifest["layers"][0]["digest"]])
        edit(document)
        changed = dump(document)
        registry.blobs[digest_of(changed)] = changed
        manifest["layers"][0].update(digest=digest_of(changed), size=len(changed))
        del registry.manifests[name, wanted]
        registry.manifests[name, digest_of(dump(manifest))] = dump(manifest)


def test_all_agrees(reference: str, tmp_path: Path) -> None:
    code, checks = verified(reference)

    assert code == 0
    states = {name: state for name, (state, _) in checks.items()}
    named = dict.fromkeys(("image", "SBOM", "base image", "layers", "provenance", "packages"), "ok")
    assert states == named | {"source": "absent", "signatures": "absent"}
    code, output = fairing_kfp("verify", reference, "-o", str(tmp_path / "out"))
    assert code == 0
    assert "3 of 3 are not signed" in output
    assert json.loads((tmp_path / "out" / "sbom.cdx.json").read_text())["bomFormat"] == "CycloneDX"
    assert json.loads((tmp_path / "out" / "provenance.intoto.json").read_text())["_type"] == provenance.STATEMENT


def _swap_base(document: Any) -> None:
    for part in document["components"]:
        if part["type"] == "container":
            part["version"] = f"sha256:{'0' * 64}"


def _drop_layer(document: Any) -> None:
    document["components"] = [part for part in document["components"] if part["name"] != "train: code"]


def _another_version(document: Any) -> None:
    part = next(part for part in document["components"] if part["name"] == "one")
    part.update(version="1.1", purl="pkg:pypi/one@1.1")


@pytest.mark.parametrize(
    ("kind", "edit", "check", "words"),
    [
        (sbom.MEDIA_TYPE, lambda one: one["metadata"]["component"].update(version="x"), "SBOM", "another image"),
        (sbom.MEDIA_TYPE, _drop_layer, "layers", "the SBOM lacks sha256:"),
        (sbom.MEDIA_TYPE, _another_version, "packages", "differ in one@1.0, one@1.1"),
        (provenance.MEDIA_TYPE, lambda one: one.update(subject=[]), "provenance", "another image"),
        (provenance.MEDIA_TYPE, lambda one: one.update(predicateType="x"), "provenance", "build type"),
    ],
)
def test_a_changed_document(
    registry: MemoryRegistry,
    publisher: Publisher,
    kind: str,
    edit: Callable[[Any], object],
    check: str,
    words: str,
) -> None:
    reference = attested(publisher)
    replace_document(registry, kind, edit)
    code, checks = verified(reference)

    assert code == 1
    assert checks[check][0] == "failed"
    assert words in checks[check][1]


def test_what_is_wrong_is_not_listed_to_be_signed(registry: MemoryRegistry, publisher: Publisher) -> None:
    reference = attested(publisher)
    replace_document(registry, sbom.MEDIA_TYPE, _another_version)
    result = CliRunner().invoke(main, ["verify", "--unsigned", reference])

    assert (result.exit_code, result.stdout) == (1, "")
    assert "differ in one@1.0" in result.stderr


def test_a_base_that_cannot_be_read_and_one_that_is_another(registry: MemoryRegistry, publisher: Publisher) -> None:
    reference = attested(publisher)
    replace_document(registry, sbom.MEDIA_TYPE, _swap_base)
    code, checks = verified(reference)
    assert (code, checks["base image"][0], checks["provenance"][0]) == (1, "unread", "failed")

    publisher.push_base("base/other", b"other")
    other = digest_of(registry.manifests["base/other", "1"])

    def name_other(document: Any) -> None:
        part = next(part for part in document["components"] if part["type"] == "container")
        part.update(name=f"{publisher.host}/base/other", version=other)

    replace_document(registry, sbom.MEDIA_TYPE, name_other)
    code, checks = verified(reference)
    assert code == 1
    assert checks["base image"][0] == "failed"
    assert "are not those of" in checks["base image"][1]


def test_a_base_that_was_deleted(registry: MemoryRegistry, publisher: Publisher) -> None:
    reference = attested(publisher)
    registry.manifests = {key: data for key, data in registry.manifests.items() if key[0] != "base/python"}

    code, checks = verified(reference)
    assert (code, checks["base image"][0]) == (3, "unread")


def test_an_image_without_documents(publisher: Publisher) -> None:
    image = publisher.image()
    attested(publisher)
    reference = publisher.publish(replace(image, layers=image.layers[:-1]))

    code, checks = verified(reference)
    assert code == 1
    assert checks["SBOM"] == checks["provenance"] == ("failed", "none is attached")


def test_a_lock_file(publisher: Publisher, tmp_path: Path) -> None:
    reference = attested(publisher)
    key = Key(("one", "two"), (), LOCK.target)
    path = tmp_path / "fairing.lock"
    base = LockedBase(f"{publisher.host}/base/python:1", publisher.base_digest(), ("p",))
    path.write_text(dumps([Entry(key, LOCK.pins, ("p",))], [base]))

    code, output = fairing_kfp("verify", reference, "--lock", str(path))
    assert (code, "locks all 2 packages and the base image" in output) == (0, True), output
    path.write_text(dumps([Entry(key, LOCK.pins, ("p",))], [replace(base, digest=f"sha256:{'0' * 64}")]))
    code, output = fairing_kfp("verify", reference, "--lock", str(path))
    assert (code, "locks another base image" in output) == (1, True), output
    path.write_text(dumps([Entry(key, {**LOCK.pins, "two": Pin("2.1", LOCK.pins["two"].hashes)}, ("p",))]))
    code, output = fairing_kfp("verify", reference, "--lock", str(path))
    assert (code, "does not lock two@2.0" in output) == (1, True), output


def test_several_platforms(registry: MemoryRegistry, publisher: Publisher) -> None:
    publisher.push_base_index()
    one = publisher.image()
    image = MultiPlatformImage((one, replace(one, platform=Platform("linux", "arm64"))))
    reference = publisher.publish(image)
    publisher.attest(reference, image)
    code, checks = verified(reference)

    assert code == 0, checks
    assert checks["image"][1].endswith("for linux/amd64, linux/arm64")
    replace_document(registry, provenance.MEDIA_TYPE, lambda document: document["subject"].pop())  # of a platform
    assert verified(reference)[1]["provenance"] == ("failed", "it is about another image")


def test_unsigned_are_those_without_a_signature(registry: MemoryRegistry, publisher: Publisher) -> None:
    reference = attested(publisher)
    code, output = fairing_kfp("verify", "--unsigned", reference)
    listed = output.split()
    assert code == 0
    assert listed[0] == reference
    assert len(listed) == 3

    for one in listed[:2]:  # as cosign 2 does
        tag = one.partition("@")[2].replace(":", "-")
        registry.manifests["team/app", f"{tag}.sig"] = b"{}"
    statement = {"dev.sigstore.bundle.predicateType": provenance.PREDICATE}
    for marks, left in ((statement, [listed[2]]), ({}, [])):  # as cosign 3 attests and signs
        bundle = Artifact("application/vnd.dev.sigstore.bundle.v0.3+json", b"{}", marks)
        signed = Manifest(registry.manifests["team/app", listed[2].partition("@")[2]])
        manifest = bundle.manifest(signed.descriptor)
        registry.manifests["team/app", manifest.digest] = manifest.data
        assert fairing_kfp("verify", "--unsigned", reference)[1].split() == left
    assert fairing_kfp("verify", "--unsigned", reference) == (0, "")
    assert verified(reference)[1]["signatures"][0] == "ok"
