"""Manifests, indexes and configs with any content are either parsed or rejected with a clear error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairing_kfp.errors import ImageError
from fairing_kfp.image import File, Image, MultiPlatformImage, Platform, Reference
from fairing_kfp.image.assemble import assemble_image, assemble_index
from fairing_kfp.image.base import Base, check_fits
from fairing_kfp.image.descriptor import DOCKER_LAYER, DOCKER_MANIFEST, OCI_LAYER, OCI_MANIFEST, digest_of
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.layers.files import layer_of_files

DIGEST = "sha256:" + "ab" * 32
PYTHON = Reference.parse("python:3.12")
CODE = layer_of_files("code", [File("opt/a", b"a")])
IMAGE = Image("train", PYTHON, (CODE,), Platform("linux", "amd64"), (3, 12), env={"A": "b"}, labels={"c": "d"})

NUMBERS = st.integers() | st.floats()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
UNKNOWN = st.dictionaries(st.text(min_size=1, max_size=8).map("x-".__add__), JSON, max_size=3)
DOCUMENT: dict[str, Any] = {
    "schemaVersion": 2,
    "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGEST, "size": 1},
    "layers": [{"mediaType": OCI_LAYER, "digest": DIGEST, "size": 7}],
}
CONFIG: dict[str, Any] = {
    "os": "linux",
    "architecture": "amd64",
    "config": {"Env": ["A=1", "PYTHON_VERSION=3.12.1"], "Labels": {"a": "b"}, "Cmd": ["x"], "User": "me"},
    "rootfs": {"type": "layers", "diff_ids": [DIGEST]},
    "history": [{"created_by": "one"}],
}


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of every value in a document."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with one value replaced."""
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = with_value(copy[path[0]], path[1:], value)
    return copy


def use(manifest: Any, config: Any) -> None:
    """Uses a base in all ways; only ImageError may be raised."""
    try:
        base = Base(PYTHON, Manifest(json.dumps(manifest).encode()), json.dumps(config).encode())
        if not base.manifest.is_index:
            check_fits(base, IMAGE)
            assemble_image(base, IMAGE)
            assemble_image(base.as_oci(), IMAGE)
            assemble_index(MultiPlatformImage((IMAGE,)), lambda _: base)
        else:
            base.manifest.select(PYTHON, IMAGE.platform)
    except ImageError as raised:
        assert len(raised.message) < 2000  # noqa: PT017
        assert raised.message.isprintable()  # noqa: PT017
        assert raised.remedy  # noqa: PT017


@given(st.data(), JSON, st.sampled_from([OCI_MANIFEST, DOCKER_MANIFEST]))
@settings(max_examples=100)
def test_one_wrong_value_anywhere(data: st.DataObject, value: Any, media_type: str) -> None:
    document = {**DOCUMENT, "mediaType": media_type}
    if data.draw(st.booleans()):
        use(with_value(document, data.draw(st.sampled_from(places(document))), value), CONFIG)
    else:
        use(document, with_value(CONFIG, data.draw(st.sampled_from(places(CONFIG))), value))


@given(st.data(), JSON)
@settings(max_examples=50)
def test_one_wrong_value_anywhere_in_an_index(data: st.DataObject, value: Any) -> None:
    entry = {
        "mediaType": OCI_MANIFEST,
        "digest": DIGEST,
        "size": 1,
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    index = {"schemaVersion": 2, "manifests": [entry, {**entry, "platform": {"os": "linux", "architecture": "arm64"}}]}
    use(with_value(index, data.draw(st.sampled_from(places(index))), value), CONFIG)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("config", "Env"), [None]),
        (("config", "Env"), {"A": "b"}),
        (("config", "Labels"), ["a=b"]),
        (("config", "Labels"), {"a": 1}),
        (("config", "Cmd"), "sh"),
        (("config", "Entrypoint"), [["sh"]]),
        (("config", "User"), 0),
        (("config", "ExposedPorts"), [80]),
        (("rootfs", "diff_ids"), [7]),
        (("variant",), ["v8"]),
        (("variant",), "\x1b[31m"),
        (("os.version",), {}),
    ],
)
def test_fields_of_wrong_types_are_named(path: tuple[str, ...], value: Any) -> None:
    config = json.loads(json.dumps(CONFIG))
    (config if len(path) == 1 else config[path[0]])[path[-1]] = value
    base = Base(PYTHON, Manifest(json.dumps(DOCUMENT).encode()), json.dumps(config).encode())
    with pytest.raises(ImageError, match="in its config") as caught:
        assemble_image(base, IMAGE)
    assert caught.value.remedy


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"a":['])
@pytest.mark.parametrize("depth", [101, 900, 100_000])
def test_deep_nesting(opening: str, depth: int) -> None:
    closing = {"[": "]", '{"a":': "}", '{"a":[': "]}"}[opening]
    data = f'{{"x":{opening * depth}null{closing * depth}}}'.encode()
    with pytest.raises(ImageError, match=r"nested|not JSON"):
        _ = Manifest(data).media_type


@pytest.mark.parametrize("size", ["9" * 19, "9" * 400, "9" * 5000, "1e999", "NaN", "-1", "true"])
def test_impossible_sizes(size: str) -> None:
    data = json.dumps(DOCUMENT).encode().replace(b'"size": 7', f'"size": {size}'.encode())
    with pytest.raises(ImageError):
        _ = Manifest(data).entries


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes(manifest: bytes, config: bytes) -> None:
    for one, other in ((manifest, json.dumps(CONFIG).encode()), (json.dumps(DOCUMENT).encode(), config)):
        try:
            base = Base(PYTHON, Manifest(one), other)
            assemble_image(base, IMAGE)
        except ImageError:
            pass


@given(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, st.booleans())
def test_unknown_fields_are_kept(
    manifest: dict[str, Any], layer: dict[str, Any], config: dict[str, Any], settings_: dict[str, Any], docker: bool
) -> None:
    kind = {"mediaType": DOCKER_MANIFEST} if docker else {}
    described = {**DOCUMENT["layers"][0], **layer, "mediaType": DOCKER_LAYER if docker else OCI_LAYER}
    document = {**DOCUMENT, **kind, **manifest, "layers": [described]}
    configured = {**CONFIG, **config, "config": {**CONFIG["config"], **settings_}}
    base = Base(PYTHON, Manifest(json.dumps(document).encode()), json.dumps(configured).encode())
    made = assemble_image(base, IMAGE)
    again, its_config = json.loads(made.manifest.data), json.loads(made.config)

    def same(one: Any, other: Any) -> bool:  # NaN is not equal to itself
        return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)

    assert all(same(again[key], value) for key, value in json.loads(json.dumps(manifest)).items())
    assert all(same(its_config[key], value) for key, value in json.loads(json.dumps(config)).items())
    assert all(same(its_config["config"][key], value) for key, value in json.loads(json.dumps(settings_)).items())
    assert same(again["layers"][0], json.loads(json.dumps(described)))
    assert again["config"]["digest"] == digest_of(made.config)
    assert assemble_image(base, IMAGE).digest == made.digest
