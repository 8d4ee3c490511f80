"""Images for several platforms: requests, counted by the registry, and other tools that use them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.builders.layout import LayoutBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import DependencyError, PlatformError, PythonVersionError
from fairing_kfp.image import File, Image, Layer, MultiPlatformImage, Platform, Reference
from fairing_kfp.image.descriptor import (
    DOCKER_INDEX,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    digest_of,
    dump,
)
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.source import ComponentSource
from fairing_kfp.recipe.component import component_recipe
from fairing_kfp.registry.auth import push
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository
from fairing_kfp.settings import Settings
from tests.integration.test_registry import builder
from tests.support.base_copies import base_copy
from tests.support.layered_bases import BASE_LAYERS, get, layer, push_base
from tests.support.services import missing

pytestmark = pytest.mark.registry

AMD64, ARM64 = Platform.parse("linux/amd64"), Platform.parse("linux/arm64")
RUNTIME = layer("runtime")


def multi(base: str, code: Layer, name: str = "train", **native: Layer) -> MultiPlatformImage:
    """An image for both platforms, with additional layers for some."""
    images = []
    for platform in (ARM64, AMD64):
        its = [native[platform.architecture]] if native else []
        images.append(Image(name, Reference.parse(base), (RUNTIME, *its, code), platform, (3, 11)))
    return MultiPlatformImage(tuple(images))


def document(host: str, repository: str, digest: str) -> Any:
    return json.loads(get(host, f"{repository}/manifests/{digest}")[0])


class TestRequests:
    """Requests for N layers of both bases, L layers on top and P platforms."""

    def test_first_push(self, shared_registry: Any, unique: str, cache: Cache) -> None:
        """One for the index, then for each platform manifest GET, config GET, config POST + PUT, manifest PUT."""
        push_base(shared_registry.host, others=("arm64",))
        shared_registry.requests()
        base = f"{shared_registry.host}/base/python:index"
        image = multi(base, layer("code"), amd64=layer("amd"), arm64=layer("arm"))
        reference = builder(f"{shared_registry.host}/{unique}", cache).publish(image)
        requests = shared_registry.requests()
        mounts, own, platforms = 2 * BASE_LAYERS - 1, 4, 2  # the bases have one layer in common
        assert len(requests) == mounts + 2 * own + 1 + 5 * platforms + 1, requests
        assert requests[-1].startswith(f"PUT /v2/{unique}/manifests/train-")
        index = document(shared_registry.host, unique, reference.partition("@")[2])
        assert index["mediaType"] == OCI_INDEX
        assert [entry["platform"] for entry in index["manifests"]] == [
            {"architecture": name, "os": "linux"} for name in ("amd64", "arm64")
        ]
        manifests = [document(shared_registry.host, unique, entry["digest"]) for entry in index["manifests"]]
        layers = [[one["digest"] for one in manifest["layers"]] for manifest in manifests]
        assert [len(one) for one in layers] == [BASE_LAYERS + 3] * 2
        assert layers[0][-1] == layers[1][-1] == layer("code").digest
        assert layers[0][-3] == layers[1][-3] == RUNTIME.digest
        assert (layers[0][-2], layers[1][-2]) == (layer("amd").digest, layer("arm").digest)

    def test_a_code_edit(self, shared_registry: Any, unique: str, cache: Cache) -> None:
        push_base(shared_registry.host, others=("arm64",))
        data, _ = get(shared_registry.host, "base/python/manifests/index")
        base = f"{shared_registry.host}/base/python@{digest_of(data)}"
        builder(f"{shared_registry.host}/{unique}", cache).publish(multi(base, layer("code", "1")))
        shared_registry.requests()
        builder(f"{shared_registry.host}/{unique}", cache).publish(multi(base, layer("code", "2")))
        requests = shared_registry.requests()
        assert len(requests) == 2 + 2 * (2 + 1) + 1, requests  # the code once, a config and a manifest each, the index

    def test_an_unchanged_image(self, shared_registry: Any, unique: str, cache: Cache) -> None:
        push_base(shared_registry.host, others=("arm64",))
        data, _ = get(shared_registry.host, "base/python/manifests/index")
        image = multi(f"{shared_registry.host}/base/python@{digest_of(data)}", layer("code"))
        first = builder(f"{shared_registry.host}/{unique}", cache).publish(image)
        shared_registry.requests()
        assert builder(f"{shared_registry.host}/{unique}", cache).publish(image) == first
        assert [line.partition(" ")[0] for line in shared_registry.requests()] == ["HEAD"]

    def test_the_plan_is_correct(self, shared_registry: Any, unique: str, cache: Cache) -> None:
        push_base(shared_registry.host, others=("arm64",))
        transfers: list[Any] = []
        planned = builder(f"{shared_registry.host}/{unique}", cache, progress=transfers.append)
        base = f"{shared_registry.host}/base/python:index"
        image = multi(base, layer("code"), amd64=layer("amd"), arm64=layer("arm"))
        plan = planned.plan(image)
        assert not [
            line for line in shared_registry.requests() if f"/v2/{unique}/" in line and not line.startswith("HEAD")
        ]
        assert {one.name: one.platform for one in plan.layers if one.name != "base"} == {
            "runtime": "",
            "amd": "linux/amd64",
            "arm": "linux/arm64",
            "code": "",
        }
        assert planned.publish(image) == plan.reference
        assert len(shared_registry.requests()) == plan.requests
        index, _ = get(shared_registry.host, f"{unique}/manifests/{plan.tag}")
        manifests = sum(entry["size"] for entry in json.loads(index)["manifests"])
        assert plan.bytes_to_send == sum(one.size for one in transfers if one.state == "sent") + manifests + len(index)
        assert planned.plan(image).requests == 1


class TestBases:
    def test_a_base_without_the_platform(self, shared_registry: Any, unique: str, cache: Cache) -> None:
        push_base(shared_registry.host)
        for tag in ("1", "index"):
            image = multi(f"{shared_registry.host}/base/python:{tag}", layer("code"))
            with pytest.raises(PlatformError, match=r"for linux/arm64: .* does not support linux/arm64, only: linux/a"):
                builder(f"{shared_registry.host}/{unique}", cache).check(image)

    def test_a_base_with_different_pythons(self, shared_registry: Any, unique: str, cache: Cache) -> None:
        push_base(shared_registry.host, others=("arm64",), python="3.12.1")
        image = multi(f"{shared_registry.host}/base/python:index", layer("code"))
        with pytest.raises(PythonVersionError, match=r"^for linux/arm64: .* has Python 3\.12"):
            builder(f"{shared_registry.host}/{unique}", cache).publish(image)

    def test_a_tag_that_moves_meanwhile(self, shared_registry: Any, unique: str, cache: Cache) -> None:
        push_base(shared_registry.host, others=("arm64",))
        shared_registry.requests()
        image = multi(f"{shared_registry.host}/base/python:index", layer("code"))
        builder(f"{shared_registry.host}/{unique}", cache).check(image)
        asked = [line for line in shared_registry.requests() if "/manifests/index " in line]
        assert len(asked) == 1


class TestJudges:
    @pytest.fixture
    def client(self, testbed_registry: str) -> RegistryClient:
        return RegistryClient(insecure=[testbed_registry])

    @pytest.fixture
    def base(self, request: Any, testbed_registry: str, client: RegistryClient) -> str:
        """The testbed's base for two platforms; the second has the same layers, and arm64 in its config."""
        one = Reference.parse(base_copy("v2s2" if request.param == "docker" else "oci"))
        target = Repository(client, one.registry, one.repository, frozenset({push(one.repository)}))
        amd = target.manifest(one.wanted)
        config = {**json.loads(target.blob(amd.config.digest)), "architecture": "arm64", "variant": "v8"}
        target.put_blob(digest_of(dump(config)), len(dump(config)), lambda: io.BytesIO(dump(config)))
        described = Descriptor(amd.config.media_type, digest_of(dump(config)), len(dump(config))).document()
        arm = Manifest(dump({**amd.document, "config": described}))
        target.put_manifest(arm, "arm64")
        media_type = DOCKER_INDEX if request.param == "docker" else OCI_INDEX
        entries = [
            {
                **Descriptor(one.media_type, one.digest, len(one.data)).document(),
                "platform": {"os": "linux", "architecture": architecture},
            }
            for one, architecture in ((arm, "arm64"), (amd, "amd64"))
        ]
        index = Manifest(dump({"schemaVersion": 2, "mediaType": media_type, "manifests": entries}))
        target.put_manifest(index, "both")
        return str(one.with_tag("both"))

    @pytest.fixture
    def image(self, base: str) -> MultiPlatformImage:
        code = layer_of_files("code", [File("opt/fairing/run.py", b"print('ran')\n")])
        made = multi(base, code)
        return MultiPlatformImage(tuple(replace(one, name="hello") for one in made.images))

    @pytest.mark.docker
    @pytest.mark.kubernetes
    @pytest.mark.parametrize(
        ("base", "engine"),
        [
            ("oci", "pod"),
            ("docker", "docker_engine"),
            pytest.param("oci", "docker_engine", marks=pytest.mark.exhaustive),
            pytest.param("docker", "pod", marks=pytest.mark.exhaustive),
        ],
        indirect=["base"],
    )
    def test_engines_run_it(
        self,
        image: MultiPlatformImage,
        engine: str,
        request: Any,
        testbed_registry: str,
        unique: str,
        cache: Cache,
        client: RegistryClient,
        skopeo: Callable[..., str],
        crane_validates: Callable[[str], None],
    ) -> None:
        reference = AppendBuilder(f"{testbed_registry}/{unique}", cache=cache, client=client).publish(image)
        raw = json.loads(skopeo("inspect", "--tls-verify=false", "--raw", f"docker://{reference}"))
        kinds = {entry["mediaType"] for entry in raw["manifests"]}
        assert (raw["mediaType"], kinds) in ((OCI_INDEX, {OCI_MANIFEST}), (DOCKER_INDEX, {DOCKER_MANIFEST}))
        assert raw["manifests"][1]["platform"] == {"architecture": "arm64", "os": "linux", "variant": "v8"}
        crane_validates(reference)
        for platform in ("amd64", "arm64"):
            options = ("--override-arch", platform, "--override-os", "linux", "--tls-verify=false")
            inspected = json.loads(skopeo("inspect", *options, f"docker://{reference}"))
            assert inspected["Architecture"] == platform
        if raw["mediaType"] == DOCKER_INDEX:
            child = reference.partition("@")[0] + "@" + raw["manifests"][0]["digest"]
            layers = json.loads(skopeo("inspect", "--tls-verify=false", "--raw", f"docker://{child}"))["layers"]
            assert {one["mediaType"] for one in layers} == {DOCKER_LAYER}
        run = request.getfixturevalue(engine)
        assert run(reference, "python3", "/opt/fairing/run.py") == "ran\n"

    @pytest.mark.parametrize("base", ["oci", pytest.param("docker", marks=pytest.mark.exhaustive)], indirect=True)
    def test_a_layout(
        self,
        image: MultiPlatformImage,
        cache: Cache,
        client: RegistryClient,
        tmp_path: Path,
        testbed_registry: str,
        unique: str,
        skopeo: Callable[..., str],
        crane_validates: Callable[[str], None],
    ) -> None:
        layout = LayoutBuilder(tmp_path / "layout", cache=cache, client=client)
        plan = layout.plan(image)
        assert layout.publish(image) == plan.reference
        assert layout.plan(image).exists
        target = f"{testbed_registry}/{unique}:layout"
        options = ("-q", "--all", "--dest-tls-verify=false", "--preserve-digests")
        skopeo("copy", *options, f"oci:{tmp_path / 'layout'}:{plan.tag}", f"docker://{target}")
        crane_validates(target)
        raw = skopeo("inspect", "--tls-verify=false", "--raw", f"docker://{target}")
        assert digest_of(raw.encode()) == plan.reference.partition("@")[2]


def step() -> None: ...


def test_pure_packages_share_a_layer(cache: Cache) -> None:
    def layers(*packages: str) -> list[Layer]:
        platforms = ("linux/amd64", "linux/arm64")
        source = ComponentSource("0" * 12, "step", FunctionSource(step, {}), packages=packages, platforms=platforms)
        try:
            prepared = component_recipe(source, Settings(), cache)
        except DependencyError as error:
            missing(f"packages cannot be resolved: {error}")
            raise
        return [layer for one in prepared.image.images for layer in one.layers if layer.name == "dependencies"]

    amd, arm = layers("click==8.1.7", "six==1.16.0")
    assert amd == arm
    amd, arm = layers("markupsafe==3.0.2")
    assert amd.diff_id != arm.diff_id
    machines = []
    for layer_ in (amd, arm):
        with tarfile.open(fileobj=layer_.open(), mode="r:gz") as tar:
            [native] = [one for one in tar.getmembers() if one.name.endswith(".so")]
            content = tar.extractfile(native)
            assert content
            machines.append(content.read()[18])
    assert machines == [62, 183]  # e_machine of the ELF format: x86-64 and AArch64
