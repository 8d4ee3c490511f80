from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.builders.blobs import layers_of, platforms_of
from fairing_kfp.image import MultiPlatformImage, Platform
from fairing_kfp.image.assemble import AssembledIndex, assemble_index
from fairing_kfp.image.descriptor import OCI_FOREIGN, OCI_LAYER
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository
from tests.support.bases import CODE, CONFIG, RUNTIME, base, image

SHARED, FOREIGN, AMD64, ARM64 = (f"sha256:{digit * 64}" for digit in "0123")
SOURCE = Repository(RegistryClient(), "registry.example.com", "base/python", frozenset())


def described(digest: str, **fields: Any) -> dict[str, Any]:
    return {"mediaType": OCI_LAYER, "digest": digest, "size": 7, **fields}


@pytest.fixture
def assembled() -> AssembledIndex:
    foreign = described(FOREIGN, mediaType=OCI_FOREIGN, urls=["https://example.com/layer"])
    config = {**CONFIG, "rootfs": {"type": "layers", "diff_ids": [SHARED, FOREIGN, SHARED]}}
    bases = {
        name: base({**config, "architecture": name}, layers=[described(SHARED), foreign, described(own)])
        for name, own in (("amd64", AMD64), ("arm64", ARM64))
    }
    images = (
        image(platform=Platform("linux", "amd64"), layers=(RUNTIME, CODE)),
        image(platform=Platform("linux", "arm64"), layers=(RUNTIME,)),
    )
    return assemble_index(MultiPlatformImage(images), lambda one: bases[one.platform.architecture])


def test_layers_are_listed_once_and_without_foreign_ones(assembled: AssembledIndex) -> None:
    blobs = layers_of(assembled, SOURCE, mount_from="base/python")

    assert [blob.digest for blob in blobs] == [SHARED, AMD64, RUNTIME.digest, CODE.digest, ARM64]
    assert [blob.mount_from for blob in blobs] == ["base/python", "base/python", "", "", "base/python"]
    assert [blob.name for blob in blobs] == ["base", "base", "runtime", "code", "base"]


def test_platforms_of_layers(assembled: AssembledIndex) -> None:
    platforms = platforms_of(assembled)

    assert platforms[SHARED] == platforms[RUNTIME.digest] == ""
    assert platforms[CODE.digest] == platforms[AMD64] == "linux/amd64"
    assert platforms[ARM64] == "linux/arm64"
