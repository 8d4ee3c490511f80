"""SBOM and provenance in Docker's registry, which has no referrers API."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fairing_kfp.attestation import provenance, sbom
from fairing_kfp.cache.store import Cache
from fairing_kfp.registry.referrers import fallback_tag
from tests.support.attested_images import Publisher
from tests.support.command_line import fairing_kfp
from tests.support.private_registry import PrivateRegistry

pytestmark = pytest.mark.registry


def test_attached_documents_are_verified_and_read_by_skopeo(
    shared_registry: PrivateRegistry, cache: Cache, tmp_path: Path, skopeo: Callable[..., str]
) -> None:
    publisher = Publisher(shared_registry.host, cache, tmp_path)
    publisher.push_base()
    reference = publisher.publish()
    shared_registry.requests()
    assert publisher.attest(reference)
    requests = [line for line in shared_registry.requests() if "/team/app/" in line]
    assert len(requests) == 12, requests

    code, output = fairing_kfp("verify", reference)
    assert (code, "3 of 3 are not signed" in output) == (0, True), output
    name, _, digest = reference.partition("@")
    listed = skopeo("inspect", "--tls-verify=false", "--raw", f"docker://{name}:{fallback_tag(digest)}")
    kinds = {one["artifactType"]: one["digest"] for one in json.loads(listed)["manifests"]}
    assert kinds.keys() == {sbom.MEDIA_TYPE, provenance.MEDIA_TYPE}
    skopeo(
        "copy", "--src-tls-verify=false", f"docker://{name}@{kinds[sbom.MEDIA_TYPE]}", f"oci:{tmp_path / 'layout'}:sbom"
    )
    copied = [path.read_bytes() for path in (tmp_path / "layout" / "blobs" / "sha256").iterdir()]
    assert any(b'"bomFormat":"CycloneDX"' in data for data in copied)
