"""Manifests of other tools, valid or not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import ImageError, PlatformError
from fairing_kfp.image import Platform, Reference
from fairing_kfp.image.descriptor import (
    DOCKER_FOREIGN,
    DOCKER_INDEX,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_FOREIGN,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Descriptor,
)
from fairing_kfp.image.manifest import Manifest

DIGEST = "sha256:" + "ab" * 32
PYTHON = Reference.parse("python:3.12")


def manifest(**fields: Any) -> Manifest:
    return Manifest(json.dumps({"schemaVersion": 2, **fields}).encode())


def described(media_type: str = OCI_LAYER, **fields: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": DIGEST, "size": 5, **fields}


@pytest.mark.parametrize(
    ("fields", "media_type"),
    [
        ({"layers": [], "config": {}}, OCI_MANIFEST),
        ({"manifests": []}, OCI_INDEX),
        ({"layers": [], "mediaType": DOCKER_MANIFEST}, DOCKER_MANIFEST),
        ({"manifests": [], "mediaType": DOCKER_INDEX}, DOCKER_INDEX),
    ],
)
def test_the_media_type_is_optional_in_oci(fields: dict[str, Any], media_type: str) -> None:
    assert manifest(**fields).media_type == media_type


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"schemaVersion": 1}', "Docker schema 1"),
        (b'{"manifests": [], "layers": []}', "is also an index"),
        (b'{"manifests": [], "mediaType": "%s"}' % OCI_MANIFEST.encode(), "has the media type"),
        (b'{"mediaType": "text/html"}', "has the media type 'text/html'"),
        (b'{"mediaType": ["list"]}', "has the media type"),
    ],
)
def test_invalid_manifests_are_rejected(data: bytes, cause: str) -> None:
    with pytest.raises(ImageError, match=cause):
        _ = Manifest(data).media_type


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "text",
        {},
        described(digest="sha256:../../etc/passwd"),
        described(digest="md5:" + "ab" * 16),
        described(digest=5),
        described(size=-1),
        described(size="5"),
        described(size=True),
        {**described(), "mediaType": None},
        described(platform={"os": "linux"}),
        described(platform="linux"),
    ],
)
def test_malformed_descriptors_are_rejected(entry: Any) -> None:
    with pytest.raises(ImageError, match="malformed"):
        Descriptor.parse(entry)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["schemaVersion", "mediaType", "config", "layers", "manifests", "platform", "digest", "size"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(JSON)
def test_any_json_is_parsed_or_rejected(document: Any) -> None:
    hostile = Manifest(json.dumps(document).encode())
    try:
        _ = hostile.media_type, hostile.entries, hostile.platforms
        _ = hostile.is_index or hostile.config
    except ImageError:
        pass


def test_too_many_entries_are_rejected() -> None:
    with pytest.raises(ImageError, match="between 0 and 1000"):
        _ = manifest(layers=[described()] * 1001).entries


def test_foreign_layers() -> None:
    parsed = [
        Descriptor.parse(described(DOCKER_FOREIGN, urls=["https://example.com/layer"])),
        Descriptor.parse(described(OCI_FOREIGN, urls=["https://example.com/layer"])),
        Descriptor.parse(described(OCI_FOREIGN)),  # without URLs, the registry has the blob
        Descriptor.parse(described(OCI_LAYER, urls=["https://example.com/layer"])),
    ]
    assert [one.foreign for one in parsed] == [True, True, False, False]


class TestIndex:
    index = manifest(
        manifests=[
            described(OCI_MANIFEST, platform={"os": "unknown", "architecture": "unknown"}),
            described(OCI_MANIFEST, size=1, platform={"os": "linux", "architecture": "arm64", "variant": "v8"}),
            described(OCI_MANIFEST, size=2, platform={"os": "linux", "architecture": "amd64", "os.version": "1"}),
            described(OCI_MANIFEST, size=3),
        ]
    )

    @pytest.mark.parametrize(("platform", "size"), [("linux/amd64", 2), ("linux/arm64", 1), ("linux/arm64/v8", 1)])
    def test_the_platform_is_picked(self, platform: str, size: int) -> None:
        assert self.index.select(PYTHON, Platform.parse(platform)).size == size

    def test_the_error_lists_the_platforms(self) -> None:
        with pytest.raises(PlatformError) as caught:
            self.index.select(PYTHON, Platform.parse("windows/amd64"))
        assert "docker.io/library/python:3.12 does not support windows/amd64" in caught.value.message
        assert "only: linux/amd64, linux/arm64" in caught.value.message

    def test_an_index_without_platforms(self) -> None:
        with pytest.raises(PlatformError, match="unknown platforms"):
            manifest(manifests=[described(OCI_MANIFEST)]).select(PYTHON, Platform.parse("linux/amd64"))


def test_docker_becomes_oci() -> None:
    config = described("application/vnd.docker.container.image.v1+json")
    layers = [described(DOCKER_LAYER), described(DOCKER_FOREIGN, urls=["https://example.com"])]
    oci = manifest(mediaType=DOCKER_MANIFEST, config=config, layers=layers, kept="yes").as_oci()
    assert oci.media_type == OCI_MANIFEST
    assert oci.config.media_type == OCI_CONFIG
    assert [layer["mediaType"] for layer in oci.document["layers"]] == [OCI_LAYER, OCI_FOREIGN]
    assert oci.document["layers"][1]["urls"] == ["https://example.com"]
    assert oci.document["kept"] == "yes"
    assert oci.as_oci() is oci
