from __future__ import annotations

import io
import json
from dataclasses import fields, replace

import pytest

from fairing_kfp import errors
from fairing_kfp.builders.cluster.recipe_json import error_from_json, error_to_json, image_from_json, image_to_json
from fairing_kfp.image import Image, Platform
from fairing_kfp.image.image import MultiPlatformImage
from tests.support.small_images import image, layer

WHOLE = replace(
    image("registry.example.com:5000/base:1", layer("runtime"), layer("code"), name="train"),
    declared_python="3.11",
    env={"A": "1"},
    labels={"title": "train"},
    user="65532:65532",
    command=("python3", "-u", "train.py"),
    working_folder="/opt",
    tag="{name}-v1",
)


def test_an_image_stays_the_same_with_all_its_fields() -> None:
    """The image sets every field, so that a new field that is not sent fails here."""
    assert all(getattr(WHOLE, field.name) not in (None, {}, ()) for field in fields(Image))
    opened: list[str] = []

    def open_layer(digest: str, size: int) -> io.BytesIO:
        opened.append(digest)
        return io.BytesIO(b"x" * size)

    both = MultiPlatformImage((WHOLE, replace(WHOLE, platform=Platform.parse("linux/arm64/v9"))))
    for one in (WHOLE, both):
        read = image_from_json(json.loads(json.dumps(image_to_json(one))), open_layer)
        assert read == one
        assert [dict(part.env) for part in read.images] == [{"A": "1"}] * len(one.images)
    assert len(read.images[0].layers[0].open().read()) == WHOLE.layers[0].size
    assert opened == [WHOLE.layers[0].digest]


@pytest.mark.parametrize(
    "error",
    [
        errors.PythonVersionError("the base has another Python", "use another base"),
        errors.NotFoundError("registry.example.com does not have it", "check", status=404, code="MANIFEST_UNKNOWN"),
        errors.TransientError("it broke", "try again", status=503, pause=2.5),
        errors.StoppedError(),
    ],
)
def test_an_error_keeps_its_class_and_attributes(error: errors.FairingError) -> None:
    read = error_from_json(json.loads(json.dumps(error_to_json(error))))

    assert type(read) is type(error)
    where = "in the cluster, " if isinstance(error, errors.RegistryError) else ""
    assert vars(read) == {**vars(error), "message": f"{where}{error.message}"}
    assert error.message in str(read)


def test_a_rejected_login_leads_to_the_secret() -> None:
    refused = errors.UnauthorizedError(
        "registry.example.com rejects the login", "log in with: docker login", status=401
    )

    assert "cluster_secret" in error_from_json(error_to_json(refused)).remedy
