"""What the docker builder asks of an engine; what comes of it is for the integration tests to show."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pytest

from fairing_kfp.build.docker import DockerBuilder
from fairing_kfp.build.engine_base import EngineBase
from fairing_kfp.errors import ImageError, PlatformError, PythonVersionError
from fairing_kfp.image import File, Image, Layer, MultiImage, Platform, Reference
from fairing_kfp.image.dockerfile import Dockerfile

BASE = Reference.parse("registry.example.com/python:3.12")
LAYERS = (Layer.of_files("runtime", [File("opt/r", b"r")]), Layer.of_files("code", [File("opt/c", b"c")]))
IMAGE = Image("train", BASE, LAYERS, Platform("linux", "amd64"), (3, 12))
TOLD: dict[str, Any] = {
    "Id": f"sha256:{'1' * 64}",
    "RepoDigests": [f"registry.example.com/python@sha256:{'2' * 64}"],
    "Os": "linux",
    "Architecture": "amd64",
    "Created": "2024-01-01T00:00:00Z",
    "Config": {"Env": ["PYTHON_VERSION=3.12.1"], "Hostname": "made-up", "User": "me", "Entrypoint": ["wrap"]},
    "RootFS": {"Type": "layers", "Layers": [f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"]},
}


class FakeEngine:
    """Holds images by name.

    Attributes:
        wants_all: whether it refuses archives that leave layers out.
        loads: for each archive the names of the layers in it.
    """

    name = "Fake"

    def __init__(self, *, wants_all: bool = False) -> None:
        self.images: dict[str, Any] = {str(BASE): TOLD}
        self.wants_all = wants_all
        self.loads: list[list[str]] = []
        self.asked: list[str] = []
        self.manifests: list[Any] = []

    def inspect(self, name: str) -> Any:
        return self.images.get(name)

    def pull(self, reference: Reference, platform: Platform, _: Any) -> None:
        self.asked.append(f"pull {reference} {platform}")
        self.images[str(reference)] = TOLD | {"Architecture": platform.architecture}

    def build(self, dockerfile: Dockerfile, platform: Platform, _: Any) -> str:
        self.asked.append(f"build {dockerfile} {platform}")
        self.images[f"sha256:{'3' * 64}"] = TOLD
        return f"sha256:{'3' * 64}"

    def load(self, archive: Iterable[bytes], name: str) -> None:
        with tarfile.open(fileobj=io.BytesIO(b"".join(archive))) as read:
            [manifest] = json.loads(read.extractfile("manifest.json").read())  # type: ignore[union-attr]
            there = [place for place in manifest["Layers"] if place in read.getnames()]
        self.loads.append(there)
        self.manifests.append(manifest)
        if self.wants_all and there != manifest["Layers"]:
            raise ImageError("it wants all")
        image_id = f"sha256:{manifest['Config'].removesuffix('.json')}"
        self.images |= {key: {"Id": image_id, "RepoTags": [name]} for key in [image_id, *manifest["RepoTags"]]}

    def save(self, name: str, file: IO[bytes]) -> None:
        self.asked.append(f"save {name}")
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
        self.asked.append(f"tag {reference}")

    def push(self, reference: Reference, _: Any) -> str:
        self.asked.append(f"push {reference}")
        return f"sha256:{'9' * 64}"

    def close(self) -> None:
        self.asked.append("close")


def builder(engine: Any, *, push: bool = False, tag: str | None = None) -> DockerBuilder:
    return DockerBuilder("registry.example.com/me" if push else "localhost/me", engine=engine, push=push, tag=tag)


def test_only_new_layers_are_loaded() -> None:
    engine = FakeEngine()
    made = builder(engine)
    made.publish(IMAGE)
    made.publish(replace(IMAGE, layers=(LAYERS[0], Layer.of_files("code", [File("opt/c", b"other")]))))

    assert engine.loads == [["2.tar", "3.tar"], ["3.tar"]]


def test_an_engine_that_wants_every_layer_gets_those_of_the_base_as_it_saved_them() -> None:
    engine = FakeEngine(wants_all=True)
    made = builder(engine)
    made.publish(IMAGE)
    made.publish(replace(IMAGE, env={"A": "b"}))

    everything = ["0.tar", "1.tar", "2.tar", "3.tar"]
    assert engine.loads == [["2.tar", "3.tar"], everything, everything]
    assert engine.asked == [f"save {TOLD['Id']}"]


def test_the_id_does_not_follow_what_engines_make_up() -> None:
    other = TOLD | {"Created": "2025-02-02T00:00:00Z", "Config": TOLD["Config"] | {"Hostname": "x", "Labels": None}}

    assert EngineBase.of(TOLD, BASE).base.config == EngineBase.of(other, BASE).base.config
    assert EngineBase.of(TOLD, BASE).base.env == ("PYTHON_VERSION=3.12.1",)
    assert b"made-up" not in EngineBase.of(TOLD, BASE).base.config


def test_without_a_registry_a_tag_of_ones_own_does_not_hide_a_change() -> None:
    engine = FakeEngine()
    made = builder(engine, tag="v1")
    first, second = made.publish(IMAGE), builder(engine, tag="v1").publish(replace(IMAGE, env={"A": "b"}))

    assert first.startswith("localhost/me:train-")
    assert first != second
    assert [manifest["RepoTags"] for manifest in engine.manifests] == [
        [first, "localhost/me:v1"],
        [second, "localhost/me:v1"],
    ]


def test_two_components_with_one_tag_are_refused() -> None:
    made = builder(FakeEngine(), tag="v1", push=True)
    made.check(IMAGE)

    with pytest.raises(ImageError, match="the tag 'v1' of other is train's already"):
        made.check(replace(IMAGE, name="other", env={"A": "b"}))


def test_what_is_there_is_pushed_and_not_loaded_again() -> None:
    engine = FakeEngine()
    first = builder(engine, push=True).publish(IMAGE)
    again = builder(engine, push=True).publish(IMAGE)

    assert first == again == f"registry.example.com/me@sha256:{'9' * 64}"
    assert len(engine.loads) == 1
    assert [line.partition("-")[0] for line in engine.asked] == [
        "push registry.example.com/me:train",
        "tag registry.example.com/me:train",
        "push registry.example.com/me:train",
    ]


def test_planning_does_nothing() -> None:
    engine = FakeEngine()
    made = builder(engine)
    plan = made.plan(IMAGE)

    assert (engine.asked, engine.loads) == ([], [])
    assert [layer.state for layer in plan.layers] == ["exists", "exists", "send", "send"]
    assert plan.reference == made.publish(IMAGE)
    assert not plan.exists
    assert plan.base == TOLD["RepoDigests"][0]


@pytest.mark.parametrize(
    ("base", "state"), [(BASE.with_tag("4"), "pull"), (Dockerfile(Path("/x/Dockerfile")), "build")]
)
def test_planning_upon_a_base_that_is_not_there(base: Any, state: str) -> None:
    engine = FakeEngine()
    plan = builder(engine).plan(replace(IMAGE, base=base))

    assert engine.asked == []
    assert [layer.state for layer in plan.layers] == [state, "send", "send"]
    assert plan.bytes_to_send == sum(layer.size for layer in LAYERS)


def test_a_base_for_another_platform_is_pulled_for_this_one() -> None:
    engine = FakeEngine()
    builder(engine).check(replace(IMAGE, platform=Platform("linux", "arm64")))

    assert engine.asked == [f"pull {BASE} linux/arm64"]


def test_several_platforms_are_refused_before_anything_is_asked() -> None:
    engine = FakeEngine()
    both = MultiImage((IMAGE, replace(IMAGE, platform=Platform("linux", "arm64"))))
    for use in (builder(engine).check, builder(engine).plan, builder(engine).publish):
        with pytest.raises(PlatformError, match=r"builder fake makes images for one .* linux/amd64, linux/arm64"):
            use(both)

    assert engine.asked == []


def test_a_dockerfile_is_built_once() -> None:
    engine = FakeEngine()
    made = builder(engine)
    image = replace(IMAGE, base=Dockerfile(Path("/x/Dockerfile")))
    made.check(image)
    made.publish(image)
    made.close()

    assert engine.asked == ["build dockerfile:/x/Dockerfile linux/amd64", "close"]


def test_the_base_is_checked() -> None:
    engine = FakeEngine()
    with pytest.raises(PythonVersionError, match=r"holds Python 3\.12, but the code is packed by Python 3\.11"):
        builder(engine).check(replace(IMAGE, python_version=(3, 11)))
    engine.pull = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(PlatformError, match="is not for linux/arm64, only for: linux/amd64"):
        builder(engine).check(replace(IMAGE, platform=Platform("linux", "arm64")))
