"""Calls of the engine builder; integration tests cover its images."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pytest

from fairing_kfp.builders.engine.base import EngineBase
from fairing_kfp.builders.engine.builder import EngineBuilder
from fairing_kfp.errors import ImageError, PlatformError, PythonVersionError
from fairing_kfp.image import File, Image, MultiPlatformImage, Platform, Reference
from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.layers.files import layer_of_files

BASE = Reference.parse("registry.example.com/python:3.12")
LAYERS = (layer_of_files("runtime", [File("opt/r", b"r")]), layer_of_files("code", [File("opt/c", b"c")]))
IMAGE = Image("train", BASE, LAYERS, Platform("linux", "amd64"), (3, 12))
INSPECTED: dict[str, Any] = {
    "Id": f"sha256:{'1' * 64}",
    "RepoDigests": [f"registry.example.com/python@sha256:{'2' * 64}"],
    "Os": "linux",
    "Architecture": "amd64",
    "Created": "2024-01-01T00:00:00Z",
    "Config": {"Env": ["PYTHON_VERSION=3.12.1"], "Hostname": "made-up", "User": "me", "Entrypoint": ["wrap"]},
    "RootFS": {"Type": "layers", "Layers": [f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"]},
}


class FakeEngine:
    """An engine that stores inspected images by name.

    Attributes:
        needs_all: whether it rejects archives without all layers.
        loads: the paths of the layers in each archive.
    """

    name = "Fake"

    def __init__(self, *, needs_all: bool = False) -> None:
        self.images: dict[str, Any] = {str(BASE): INSPECTED}
        self.needs_all = needs_all
        self.loads: list[list[str]] = []
        self.calls: list[str] = []
        self.manifests: list[Any] = []

    def inspect(self, name: str) -> Any:
        return self.images.get(name)

    def pull(self, reference: Reference, platform: Platform, _: Any) -> None:
        self.calls.append(f"pull {reference} {platform}")
        self.images[str(reference)] = INSPECTED | {"Architecture": platform.architecture}

    def build(self, dockerfile: Dockerfile, platform: Platform, _: Any) -> str:
        self.calls.append(f"build {dockerfile} {platform}")
        self.images[f"sha256:{'3' * 64}"] = INSPECTED
        return f"sha256:{'3' * 64}"

    def load(self, archive: Iterable[bytes], name: str) -> None:
        with tarfile.open(fileobj=io.BytesIO(b"".join(archive))) as read:
            [manifest] = json.loads(read.extractfile("manifest.json").read())  # type: ignore[union-attr]
            there = [place for place in manifest["Layers"] if place in read.getnames()]
        self.loads.append(there)
        self.manifests.append(manifest)
        if self.needs_all and there != manifest["Layers"]:
            raise ImageError("layers are missing")
        image_id = f"sha256:{manifest['Config'].removesuffix('.json')}"
        self.images |= {key: {"Id": image_id, "RepoTags": [name]} for key in [image_id, *manifest["RepoTags"]]}

    def save(self, name: str, file: IO[bytes]) -> None:
        self.calls.append(f"save {name}")
        manifest = json.dumps([{"Layers": ["x/layer.tar", "y/layer.tar"]}]).encode()
        with tarfile.open(fileobj=file, mode="w") as made:
            for path, data in (("x/layer.tar", b"lower"), ("manifest.json", manifest)):
                info = tarfile.TarInfo(path)
                info.size = len(data)
                made.addfile(info, io.BytesIO(data))
            link = tarfile.TarInfo("y/layer.tar")
            link.type, link.linkname = tarfile.SYMTYPE, "../x/layer.tar"
            made.addfile(link)

    def tag(self, image_id: str, reference: Reference) -> None:
        self.calls.append(f"tag {reference}")

    def push(self, reference: Reference, _: Any) -> str:
        self.calls.append(f"push {reference}")
        return f"sha256:{'9' * 64}"

    def close(self) -> None:
        self.calls.append("close")


def builder(engine: Any, *, push: bool = False, tag: str | None = None) -> EngineBuilder:
    return EngineBuilder("registry.example.com/me" if push else "localhost/me", engine=engine, push=push, tag=tag)


def test_only_new_layers_are_loaded() -> None:
    engine = FakeEngine()
    made = builder(engine)
    made.publish(IMAGE)
    made.publish(replace(IMAGE, layers=(LAYERS[0], layer_of_files("code", [File("opt/c", b"other")]))))

    assert engine.loads == [["2.tar", "3.tar"], ["3.tar"]]


def test_an_engine_that_needs_all_layers_gets_the_saved_ones_of_the_base() -> None:
    engine = FakeEngine(needs_all=True)
    made = builder(engine)
    made.publish(IMAGE)
    made.publish(replace(IMAGE, env={"A": "b"}))

    everything = ["0.tar", "1.tar", "2.tar", "3.tar"]
    assert engine.loads == [["2.tar", "3.tar"], everything, everything]
    assert engine.calls == [f"save {INSPECTED['Id']}"]


def test_the_id_does_not_depend_on_invented_fields() -> None:
    other = INSPECTED | {
        "Created": "2025-02-02T00:00:00Z",
        "Config": INSPECTED["Config"] | {"Hostname": "x", "Labels": None},
    }

    assert EngineBase.of(INSPECTED, BASE).base.config == EngineBase.of(other, BASE).base.config
    assert EngineBase.of(INSPECTED, BASE).base.env == ("PYTHON_VERSION=3.12.1",)
    assert b"made-up" not in EngineBase.of(INSPECTED, BASE).base.config


def test_without_a_registry_each_image_has_a_unique_tag() -> None:
    engine = FakeEngine()
    made = builder(engine, tag="v1")
    first, second = made.publish(IMAGE), builder(engine, tag="v1").publish(replace(IMAGE, env={"A": "b"}))

    assert first.startswith("localhost/me:train-")
    assert first != second
    assert [manifest["RepoTags"] for manifest in engine.manifests] == [
        [first, "localhost/me:v1"],
        [second, "localhost/me:v1"],
    ]


def test_two_components_with_the_same_tag() -> None:
    made = builder(FakeEngine(), tag="v1", push=True)
    made.check(IMAGE)

    with pytest.raises(ImageError, match="the tag 'v1' of other is already used by train"):
        made.check(replace(IMAGE, name="other", env={"A": "b"}))


def test_an_existing_image_is_pushed_without_loading_it() -> None:
    engine = FakeEngine()
    first = builder(engine, push=True).publish(IMAGE)
    again = builder(engine, push=True).publish(IMAGE)

    assert first == again == f"registry.example.com/me@sha256:{'9' * 64}"
    assert len(engine.loads) == 1
    assert [line.partition("-")[0] for line in engine.calls] == [
        "push registry.example.com/me:train",
        "tag registry.example.com/me:train",
        "push registry.example.com/me:train",
    ]


def test_planning_changes_nothing() -> None:
    engine = FakeEngine()
    made = builder(engine)
    plan = made.plan(IMAGE)

    assert (engine.calls, engine.loads) == ([], [])
    assert [layer.state for layer in plan.layers] == ["exists", "exists", "send", "send"]
    assert plan.reference == made.publish(IMAGE)
    assert not plan.exists
    assert plan.base == INSPECTED["RepoDigests"][0]


@pytest.mark.parametrize(
    ("base", "state"), [(BASE.with_tag("4"), "pull"), (Dockerfile(Path("/x/Dockerfile")), "build")]
)
def test_planning_on_a_base_that_the_engine_lacks(base: Any, state: str) -> None:
    engine = FakeEngine()
    plan = builder(engine).plan(replace(IMAGE, base=base))

    assert engine.calls == []
    assert [layer.state for layer in plan.layers] == [state, "send", "send"]
    assert plan.bytes_to_send == sum(layer.size for layer in LAYERS)


def test_a_base_for_another_platform_is_pulled_again() -> None:
    engine = FakeEngine()
    builder(engine).check(replace(IMAGE, platform=Platform("linux", "arm64")))

    assert engine.calls == [f"pull {BASE} linux/arm64"]


def test_several_platforms_are_rejected_without_a_call() -> None:
    engine = FakeEngine()
    both = MultiPlatformImage((IMAGE, replace(IMAGE, platform=Platform("linux", "arm64"))))
    for use in (builder(engine).check, builder(engine).plan, builder(engine).publish):
        with pytest.raises(PlatformError, match=r"builder fake makes images for one .* linux/amd64, linux/arm64"):
            use(both)

    assert engine.calls == []


def test_a_dockerfile_is_built_once() -> None:
    engine = FakeEngine()
    made = builder(engine)
    image = replace(IMAGE, base=Dockerfile(Path("/x/Dockerfile")))
    made.check(image)
    made.publish(image)
    made.close()

    assert engine.calls == ["build dockerfile:/x/Dockerfile linux/amd64", "close"]


def test_the_base_is_checked() -> None:
    engine = FakeEngine()
    with pytest.raises(PythonVersionError, match=r"has Python 3\.12, but the code is packed by Python 3\.11"):
        builder(engine).check(replace(IMAGE, python_version=(3, 11)))
    engine.pull = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(PlatformError, match="does not support linux/arm64, only: linux/amd64"):
        builder(engine).check(replace(IMAGE, platform=Platform("linux", "arm64")))
