from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.builders.tag import tag_of
from fairing_kfp.errors import ConfigError
from fairing_kfp.image import Image, Platform, Reference

DIGEST = "sha256:0123456789abcdef" + "0" * 48


def image(name: str) -> Image:
    return Image(name, Reference.parse("python:3.12"), (), Platform("linux", "amd64"), (3, 12))


@pytest.mark.parametrize(
    ("name", "template", "tag"),
    [
        ("train", None, "train-0123456789ab"),
        ("train", "v1", "v1"),
        ("train", "{name}-v1", "train-v1"),
        ("train", "{digest}", "0123456789ab"),
        ("my step/é", None, "my-step--0123456789ab"),
        (".-", None, "image-0123456789ab"),
        ("x" * 300, None, "x" * 115 + "-0123456789ab"),
    ],
)
def test_tags(name: str, template: str | None, tag: str) -> None:
    assert tag_of(image(name), DIGEST, template) == tag


def test_an_images_template_overrides_the_builders() -> None:
    assert tag_of(replace(image("train"), tag="{name}-mine"), DIGEST, "v1") == "train-mine"


@pytest.mark.parametrize("template", ["a b", "-{name}", "x" * 129])
def test_a_template_that_gives_an_invalid_tag(template: str) -> None:
    with pytest.raises(ConfigError, match="of train is invalid"):
        tag_of(image("train"), DIGEST, template)


@given(st.text(max_size=300))
def test_any_name_gives_a_valid_tag(name: str) -> None:
    tag = tag_of(image(name), DIGEST, None)
    assert Reference.parse("registry.example.com/me").with_tag(tag)
    assert tag.endswith("-0123456789ab")
