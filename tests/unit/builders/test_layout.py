"""The files of the layout builder; integration tests read them with other tools."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.builders.bases import Bases
from fairing_kfp.builders.layout import LayoutBuilder
from fairing_kfp.builders.progress import Transfer
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ImageError
from fairing_kfp.image import File, Image, Platform, Reference
from fairing_kfp.image.base import Base
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.registry.client import RegistryClient

PYTHON = Reference.parse("python:3.12")
IMAGE = Image("train", PYTHON, (layer_of_files("code", [File("opt/a", b"a")]),), Platform("linux", "amd64"), (3, 12))


@pytest.fixture(autouse=True)
def base(monkeypatch: pytest.MonkeyPatch) -> None:
    """A base without layers, so that no registry is needed."""
    config = {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": []},
        "config": {"Env": ["PYTHON_VERSION=3.12.1"]},
    }
    descriptor = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{'0' * 64}", "size": 1}
    manifest = Manifest(json.dumps({"schemaVersion": 2, "config": descriptor, "layers": []}).encode())
    monkeypatch.setattr(Bases, "of", lambda *_: Base(PYTHON, manifest, json.dumps(config).encode()))


@pytest.fixture
def layout(tmp_path: Path, cache: Cache) -> Callable[..., LayoutBuilder]:
    return lambda **options: LayoutBuilder(tmp_path / "layout", cache=cache, client=RegistryClient(), **options)


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


def test_the_files_of_a_layout(layout: Any, tmp_path: Path) -> None:
    transfers: list[Transfer] = []
    reference = layout(progress=transfers.append).publish(IMAGE)
    root = tmp_path / "layout"
    assert read(root / "oci-layout") == {"imageLayoutVersion": "1.0.0"}
    [entry] = read(root / "index.json")["manifests"]
    assert reference == f"oci:{root}@{entry['digest']}"
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": f"train-{entry['digest'][7:19]}"}
    blobs = {path.name: path for path in (root / "blobs/sha256").iterdir()}
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == name for name, path in blobs.items())
    manifest = read(blobs[entry["digest"][7:]])
    assert {manifest["config"]["digest"][7:], manifest["layers"][0]["digest"][7:], entry["digest"][7:]} == set(blobs)
    assert transfers[-1].state == "sent"
    assert transfers[-1].done == transfers[-1].size


def test_a_tag_moves_to_the_new_image(layout: Any, tmp_path: Path) -> None:
    tagging = layout(tag="v1")
    tagging.publish(IMAGE)
    assert tagging.plan(IMAGE).exists
    tagging.publish(replace(IMAGE, env={"A": "b"}))
    assert not tagging.plan(IMAGE).exists
    assert len(read(tmp_path / "layout/index.json")["manifests"]) == 1


def test_two_components_with_the_same_tag(layout: Any, tmp_path: Path) -> None:
    tagging = layout(tag="v1")
    tagging.publish(IMAGE)
    other = replace(IMAGE, name="other", env={"A": "b"})

    for call in (tagging.check, tagging.plan, tagging.publish):
        with pytest.raises(ImageError, match="the tag 'v1' of other is already used by train"):
            call(other)
    assert len(read(tmp_path / "layout/index.json")["manifests"]) == 1


def test_other_entries_of_the_index_are_kept(layout: Any, tmp_path: Path) -> None:
    other = {"mediaType": "other", "digest": f"sha256:{'1' * 64}", "size": 1}
    (tmp_path / "layout").mkdir()
    (tmp_path / "layout/index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [other], "new": 1}))
    layout().publish(IMAGE)
    index = read(tmp_path / "layout/index.json")
    assert index["new"] == 1
    assert index["manifests"][0] == other
    assert len(index["manifests"]) == 2


def test_concurrent_threads_and_builders(layout: Any, tmp_path: Path) -> None:
    builders = [layout(), layout()]
    images = [replace(IMAGE, name=f"step{n}") for n in range(30)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: builders[n % 2].publish(images[n]), range(30)))
    assert len(read(tmp_path / "layout/index.json")["manifests"]) == 30
    assert not list((tmp_path / "layout").rglob(".*"))


@pytest.mark.parametrize("index", ["", "[]", "{}", '{"manifests": 5}', '{"manifests": [5]}'])
def test_another_file_is_not_overwritten(layout: Any, tmp_path: Path, index: str) -> None:
    (tmp_path / "layout").mkdir()
    (tmp_path / "layout/index.json").write_text(index)
    for use in (layout().plan, layout().publish):
        with pytest.raises(ImageError, match="is not the index of an image layout"):
            use(IMAGE)
    assert (tmp_path / "layout/index.json").read_text() == index


def test_a_read_only_folder(tmp_path: Path, cache: Cache) -> None:
    (tmp_path / "file").write_text("")
    builder = LayoutBuilder(tmp_path / "file/layout", cache=cache, client=RegistryClient())
    with pytest.raises(ImageError, match=r"cannot write the image layout .*: Not a directory"):
        builder.publish(IMAGE)
