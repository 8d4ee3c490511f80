"""Images in the tools that use them: skopeo, Docker, containerd, and crane if it is installed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.builders.layout import LayoutBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import PlatformError, PythonVersionError
from fairing_kfp.image import File, Image, Platform, Reference
from fairing_kfp.image.descriptor import DOCKER_INDEX, DOCKER_LAYER, DOCKER_MANIFEST, OCI_LAYER, Descriptor, dump
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.layers.tree_cache import layer_of_tree
from fairing_kfp.registry.auth import push
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository
from tests.support.base_copies import base_copy

pytestmark = pytest.mark.registry

AMD64 = Platform.parse("linux/amd64")
SCRIPT = "import os, pathlib\nprint('ran', os.environ['ANSWER'], pathlib.Path(__file__).stat().st_mtime)\n"
LONG = f"opt/fairing/{'long/' * 40}{'ü' * 60}.txt"
CODE = layer_of_files("code", [File("opt/fairing/run.py", SCRIPT.encode()), File(LONG, b"content")])


@pytest.fixture
def client(testbed_registry: str) -> RegistryClient:
    return RegistryClient(insecure=[testbed_registry])


@pytest.fixture
def image(base_image: str) -> Image:
    return Image("hello", Reference.parse(base_image), (CODE,), AMD64, (3, 11), env={"ANSWER": "42"})


@pytest.fixture(scope="module")
def schema2(testbed_registry: str) -> str:
    """A base image of Docker's media types."""
    return base_copy("v2s2")


@pytest.fixture
def builder(testbed_registry: str, unique: str, cache: Cache, client: RegistryClient) -> AppendBuilder:
    return AppendBuilder(f"{testbed_registry}/{unique}", cache=cache, client=client)


def raw(skopeo: Callable[..., str], reference: str, *options: str) -> Any:
    return json.loads(skopeo("inspect", "--tls-verify=false", "--raw", *options, f"docker://{reference}"))


class TestJudges:
    def test_skopeo_and_crane(
        self, builder: AppendBuilder, image: Image, skopeo: Any, crane_validates: Any, testbed_registry: str
    ) -> None:
        reference = builder.publish(image)
        inspected = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{reference}"))
        assert inspected["Digest"] == reference.partition("@")[2]
        assert inspected["Architecture"] == "amd64"
        assert "ANSWER=42" in inspected["Env"]
        manifest, config = raw(skopeo, reference), raw(skopeo, reference, "--config")
        assert {layer["mediaType"] for layer in manifest["layers"]} == {OCI_LAYER}
        assert len(config["rootfs"]["diff_ids"]) == len(config["history"]) == len(manifest["layers"]) == 3
        assert config["history"][-1] == {"created_by": "fairing-kfp: code"}
        crane_validates(reference)

    @pytest.mark.docker
    @pytest.mark.kubernetes
    def test_docker_and_containerd_run_files_and_a_tree_with_links(
        self, builder: AppendBuilder, image: Image, cache: Cache, tmp_path: Path, docker_engine: Any, pod: Any
    ) -> None:
        root = tmp_path / "tree"
        (root / "package").mkdir(parents=True)
        (root / "package/__init__.py").write_text("answer = 'found'")
        (root / "tool").write_text("#!/bin/sh\necho tool runs\n")
        (root / "tool").chmod(0o700)
        (root / "linked").symlink_to("tool")
        tree = layer_of_tree("dependencies", root, "opt/fairing/tree", cache, "key")
        reference = builder.publish(replace(image, layers=(tree, CODE)))
        command = "/opt/fairing/tree/linked; cd /opt/fairing/tree; python3 -c 'import package; print(package.answer)'"
        command += f"; python3 /opt/fairing/run.py; cat /{LONG}"
        for run in (docker_engine, pod):
            assert run(reference, "sh", "-ec", command) == "tool runs\nfound\nran 42 0.0\ncontent"


class TestBases:
    @pytest.mark.kubernetes
    def test_docker_schema2(
        self, schema2: str, builder: AppendBuilder, image: Image, skopeo: Any, crane_validates: Any, pod: Any
    ) -> None:
        """Docker runs such an image in the test of a manifest list."""
        reference = builder.publish(replace(image, base=Reference.parse(schema2)))
        manifest = raw(skopeo, reference)
        assert manifest["mediaType"] == DOCKER_MANIFEST
        assert {layer["mediaType"] for layer in manifest["layers"]} == {DOCKER_LAYER}
        crane_validates(reference)
        assert pod(reference, "python3", "/opt/fairing/run.py") == "ran 42 0.0\n"

    @pytest.mark.docker
    def test_a_docker_manifest_list(
        self, schema2: str, builder: AppendBuilder, image: Image, client: RegistryClient, docker_engine: Any
    ) -> None:
        base = Reference.parse(schema2)
        repository = Repository(client, base.registry, base.repository, frozenset({push(base.repository)}))
        one = repository.manifest("3.11")
        described = Descriptor(DOCKER_MANIFEST, one.digest, len(one.data)).document()
        platforms = [
            {"os": "linux", "architecture": "arm64", "variant": "v8"},
            {"os": "linux", "architecture": "amd64"},
        ]
        listed = [{**described, "platform": platform} for platform in platforms]
        repository.put_manifest(
            Manifest(dump({"schemaVersion": 2, "mediaType": DOCKER_INDEX, "manifests": listed})), "list"
        )
        listing = replace(image, base=base.with_tag("list"))
        assert docker_engine(builder.publish(listing), "python3", "/opt/fairing/run.py") == "ran 42 0.0\n"
        with pytest.raises(PlatformError, match="does not support linux/s390x, only: linux/amd64, linux/arm64"):
            builder.plan(replace(listing, platform=Platform.parse("linux/s390x")))
        # The list has arm64, but that manifest's config has amd64, which is what would run.
        with pytest.raises(PlatformError, match="does not support linux/arm64"):
            builder.plan(replace(listing, platform=Platform.parse("linux/arm64")))

    @pytest.mark.docker
    def test_an_entrypoint_does_not_wrap_the_command(
        self, builder: AppendBuilder, image: Image, base_image: str, tmp_path: Path, docker_engine: Any, skopeo: Any
    ) -> None:
        (tmp_path / "Dockerfile").write_text(
            f'FROM {base_image}\nENTRYPOINT ["echo", "wrapped"]\nCMD ["argument"]\nUSER 1234\nLABEL kept=yes\n'
        )
        name = builder.publish(image).partition("@")[0] + "-entrypoint:1"
        subprocess.run(["docker", "build", "-q", "-t", name, "."], cwd=tmp_path, check=True, capture_output=True)
        subprocess.run(["docker", "push", "-q", name], check=True, capture_output=True)
        reference = builder.publish(replace(image, base=Reference.parse(name)))
        assert docker_engine(reference, "sh", "-ec", "python3 /opt/fairing/run.py; id -u") == "ran 42 0.0\n1234\n"
        config = raw(skopeo, reference, "--config")["config"]
        assert config["Labels"] == {"kept": "yes"}
        assert not config.get("Entrypoint")
        assert not config.get("Cmd")

    def test_another_python(self, builder: AppendBuilder, image: Image, base_image: str) -> None:
        with pytest.raises(PythonVersionError) as caught:
            builder.plan(replace(image, python_version=(3, 12)))
        assert f"the base image {base_image} of hello has Python 3.11, but" in caught.value.message
        assert "Python 3.12" in caught.value.message


class TestLayout:
    @pytest.fixture
    def layout(self, tmp_path: Path, cache: Cache, client: RegistryClient) -> LayoutBuilder:
        return LayoutBuilder(tmp_path / "layout", cache=cache, client=client)

    @pytest.mark.docker
    def test_skopeo_pushes_it_and_docker_runs_it(
        self,
        layout: LayoutBuilder,
        builder: AppendBuilder,
        image: Image,
        skopeo: Any,
        docker_engine: Any,
        tmp_path: Path,
    ) -> None:
        plan = layout.plan(image)
        assert {layer.state for layer in plan.layers} == {"write"}
        assert not (tmp_path / "layout").exists()
        assert layout.publish(image) == plan.reference
        appended = builder.publish(image)
        assert plan.reference.partition("@")[2] == appended.partition("@")[2]
        target = f"{appended.partition('@')[0]}-layout:1"
        skopeo("copy", "-q", "--dest-tls-verify=false", f"oci:{tmp_path / 'layout'}:{plan.tag}", f"docker://{target}")
        assert docker_engine(target, "python3", "/opt/fairing/run.py") == "ran 42 0.0\n"

    def test_a_second_image_is_added_to_the_layout(
        self, layout: LayoutBuilder, image: Image, skopeo: Any, tmp_path: Path
    ) -> None:
        layout.publish(image)
        assert layout.plan(image).exists
        other = replace(image, name="other", env={"ANSWER": "43"})
        plan = layout.plan(other)
        assert {layer.state for layer in plan.layers} == {"exists"}
        layout.publish(other)
        layout.publish(other)
        index = json.loads((tmp_path / "layout/index.json").read_text())
        assert len(index["manifests"]) == 2
        for one in (image, other):
            assert skopeo("inspect", f"oci:{tmp_path / 'layout'}:{layout.plan(one).tag}")

    def test_a_schema2_base(
        self,
        layout: LayoutBuilder,
        image: Image,
        schema2: str,
        skopeo: Any,
        testbed_registry: str,
        unique: str,
        tmp_path: Path,
    ) -> None:
        docker = replace(image, base=Reference.parse(schema2))
        layout.publish(docker)
        target = f"docker://{testbed_registry}/{unique}-layout:1"
        tag = layout.plan(docker).tag
        skopeo("copy", "-q", "--dest-tls-verify=false", f"oci:{tmp_path / 'layout'}:{tag}", target)
