from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.errors import ConfigError
from fairing_kfp.train.vertex.spec import VertexJobSpec

_GOOD: dict[str, Any] = {
    "name": "learn",
    "image": "registry.example.com/me/images@sha256:1",
    "project": "my-project",
    "region": "europe-west4",
    "staging": "gs://my-bucket/staging",
}


def test_its_text_gives_it_again() -> None:
    spec = VertexJobSpec(**_GOOD, accelerator="NVIDIA_L4", accelerators=2, nodes=2, labels={"team": "scans"}, spot=True)

    assert VertexJobSpec.parse(spec.text()) == spec


@pytest.mark.parametrize(
    ("project", "region", "staging"),
    [
        ("my-project", "us-central1", "gs://bucket"),
        ("example.com:my-project", "europe-west12", "gs://my.bucket_1/a/b-c/"),
        ("123456789", "northamerica-northeast1", "gs://bucket/a"),
    ],
)
def test_what_google_takes_is_taken(project: str, region: str, staging: str) -> None:
    VertexJobSpec(**{**_GOOD, "project": project, "region": region, "staging": staging})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("project", "My Project"),
        ("project", None),
        ("region", "europe"),
        ("staging", "s3://bucket/staging"),
        ("staging", "gs://bucket//staging"),
        ("staging", "gs://Bucket"),
        ("machine", "N1 standard"),
        ("accelerator", "nvidia.com/gpu"),
        ("accelerators", 0),
        ("nodes", 0),
        ("nodes", True),
        ("nodes", 1.5),
        ("deadline", -1),
        ("service_account", "trainer"),
        ("network", "default"),
        ("endpoint", "https://example.com/v1"),
        ("labels", {"Team": "scans"}),
        ("labels", {"team": "The scans"}),
        ("labels", {"fairing-kfp-owner": "me"}),
    ],
)
def test_invalid_values_are_rejected(option: str, value: object) -> None:
    with pytest.raises(ConfigError, match="learn: ") as caught:
        VertexJobSpec(**{**_GOOD, option: value})
    assert caught.value.remedy


def test_malformed_specs_are_rejected() -> None:
    with pytest.raises(ConfigError, match="cannot be parsed"):
        VertexJobSpec.parse('{"name": "learn"}')
