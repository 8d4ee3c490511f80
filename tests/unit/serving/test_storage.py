"""URIs of models that KServe loads."""

from __future__ import annotations

import pytest

from fairing_kfp.errors import ConfigError
from fairing_kfp.serving.storage import storage_uri

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("uri", "read"),
    [
        ("minio://b/m", "s3://b/m"),
        ("s3://b/m", "s3://b/m"),
        ("pvc://claim/m", "pvc://claim/m"),
        ("hf://o/m", "hf://o/m"),
        ("oci://r.example.com:5000/m:1", "oci://r.example.com:5000/m:1"),
        (f"oci+native://r.example.com/m@{DIGEST}", f"oci+native://r.example.com/m@{DIGEST}"),
    ],
)
def test_uris_in_kserves_form(uri: str, read: str) -> None:
    assert storage_uri(uri) == read


@pytest.mark.parametrize("uri", ["", "/model", "file:///model", "minio:/b"])
def test_unsupported_uris_are_rejected(uri: str) -> None:
    with pytest.raises(ConfigError):
        storage_uri(uri)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("oci://", "names no image"),
        ("oci+native://", "names no image"),
        ("oci://r.example.com/Model:1", "must not contain upper-case letters"),
        ("oci+native://r.example.com/m:", "'' is not a tag"),
        ("oci://r.example.com/m@sha256:12", "is not a sha256 digest"),
        ("oci+native:///m", "must not contain '/m'"),
        ("oci+other://r.example.com/m", "cannot load a model from"),
    ],
)
def test_malformed_images_of_models_are_rejected_with_the_reason(uri: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        storage_uri(uri)
    assert reason in caught.value.message
    assert "://" in caught.value.remedy
