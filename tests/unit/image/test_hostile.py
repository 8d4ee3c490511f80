"""Manifests, indexes and configs of any content: read, kept, or refused with a clear error; nothing else."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fairing_kfp.errors import ImageError
from fairing_kfp.image import File, Image, Layer, MultiImage, Platform, Reference
from fairing_kfp.image.assemble import assemble, assemble_whole
from fairing_kfp.image.base import Base, preflight
from fairing_kfp.image.descriptor import DOCKER_LAYER, DOCKER_MANIFEST, OCI_LAYER, OCI_MANIFEST, digest_of
from fairing_kfp.image.manifest import Manifest

DIGEST = "sha256:" + "ab" * 32
PYTHON = Reference.parse("python:3.12")
CODE = Layer.of_files("code", [File("opt/a", b"a")])
IMAGE = Image("train", PYTHON, (CODE,), Platform("linux", "amd64"), (3, 12), env={"A": "b"})

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
    "config": {"Env": ["PYTHON_VERSION=3.12.1"]},
    "rootfs": {"type": "layers", "diff_ids": [DIGEST]},
    "history": [{"created_by": "one"}],
}


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of every value in a document."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def spoilt(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with one value replaced."""
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = spoilt(copy[path[0]], path[1:], value)
    return copy


def use(manifest: Any, config: Any) -> None:
    """All that is done with a base; only refusals may come of it."""
    try:
        base = Base(PYTHON, Manifest(json.dumps(manifest).encode()), json.dumps(config).encode())
        if not base.manifest.is_index:
            preflight(base, IMAGE)
            assemble(base, IMAGE)
            assemble(base.as_oci(), IMAGE)
            assemble_whole(MultiImage((IMAGE,)), lambda _: base)
        else:
            base.manifest.select(PYTHON, IMAGE.platform)
    except ImageError as refused:
        assert refused.message  # noqa: PT017
        assert refused.remedy  # noqa: PT017


@given(st.data(), JSON, st.sampled_from([OCI_MANIFEST, DOCKER_MANIFEST]))
@settings(deadline=None, max_examples=400)
def test_one_wrong_value_anywhere(data: st.DataObject, value: Any, media_type: str) -> None:
    document = {**DOCUMENT, "mediaType": media_type}
    if data.draw(st.booleans()):
        use(spoilt(document, data.draw(st.sampled_from(places(document))), value), CONFIG)
    else:
        use(document, spoilt(CONFIG, data.draw(st.sampled_from(places(CONFIG))), value))


@given(st.data(), JSON)
@settings(deadline=None, max_examples=200)
def test_one_wrong_value_anywhere_in_an_index(data: st.DataObject, value: Any) -> None:
    entry = {
        "mediaType": OCI_MANIFEST,
        "digest": DIGEST,
        "size": 1,
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    index = {"schemaVersion": 2, "manifests": [entry, {**entry, "platform": {"os": "linux", "architecture": "arm64"}}]}
    use(spoilt(index, data.draw(st.sampled_from(places(index))), value), CONFIG)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes(manifest: bytes, config: bytes) -> None:
    for one, other in ((manifest, json.dumps(CONFIG).encode()), (json.dumps(DOCUMENT).encode(), config)):
        try:
            base = Base(PYTHON, Manifest(one), other)
            assemble(base, IMAGE)
        except ImageError:
            pass


@given(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, st.booleans())
@settings(deadline=None)
def test_what_is_not_known_is_kept(
    manifest: dict[str, Any], layer: dict[str, Any], config: dict[str, Any], settings_: dict[str, Any], docker: bool
) -> None:
    kind = {"mediaType": DOCKER_MANIFEST} if docker else {}
    described = {**DOCUMENT["layers"][0], **layer, "mediaType": DOCKER_LAYER if docker else OCI_LAYER}
    document = {**DOCUMENT, **kind, **manifest, "layers": [described]}
    configured = {**CONFIG, **config, "config": {**CONFIG["config"], **settings_}}
    base = Base(PYTHON, Manifest(json.dumps(document).encode()), json.dumps(configured).encode())
    made = assemble(base, IMAGE)
    again, its_config = json.loads(made.manifest.data), json.loads(made.config)

    def same(one: Any, other: Any) -> bool:  # NaN is not equal to itself
        return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)

    assert all(same(again[key], value) for key, value in json.loads(json.dumps(manifest)).items())
    assert all(same(its_config[key], value) for key, value in json.loads(json.dumps(config)).items())
    assert all(same(its_config["config"][key], value) for key, value in json.loads(json.dumps(settings_)).items())
    assert same(again["layers"][0], json.loads(json.dumps(described)))
    assert again["config"]["digest"] == digest_of(made.config)
    assert assemble(base, IMAGE).digest == made.digest
