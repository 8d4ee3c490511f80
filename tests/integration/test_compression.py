"""zstd layers, judged by those who pull them."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.build.append import AppendBuilder
from fairing_kfp.build.cache import Cache
from fairing_kfp.build.docker import DockerBuilder
from fairing_kfp.build.engine import connect
from fairing_kfp.image import File, Image, Layer, Platform, Reference
from fairing_kfp.image.descriptor import OCI_LAYER, OCI_MANIFEST, OCI_ZSTD_LAYER
from fairing_kfp.registry.client import RegistryClient
from tests.integration.conftest import run

pytestmark = pytest.mark.registry

SCRIPT = b"import sys\nsys.path.append('/opt/fairing/dependencies')\nimport package\nprint(package.answer)\n"


@pytest.fixture(params=["oci", "v2s2"])
def image(
    request: Any,
    base_image: str,
    testbed_registry: str,
    unique: str,
    cache: Cache,
    tmp_path: Path,
    skopeo: Callable[..., str],
) -> Image:
    """A zstd layer below a small one, upon a base of OCI's and of Docker's kind."""
    base = f"{testbed_registry}/{unique}-base:1"
    options = ("-q", "--src-tls-verify=false", "--dest-tls-verify=false", "--format", request.param)
    skopeo("copy", *options, f"docker://{base_image}", f"docker://{base}")
    (tmp_path / "tree/package").mkdir(parents=True)
    (tmp_path / "tree/package/__init__.py").write_text("answer = 'found'\n")
    (tmp_path / "tree/package/large").write_text("large\n" * 500_000)
    tree = Layer.of_tree("dependencies", tmp_path / "tree", "opt/fairing/dependencies", cache, "key", "zstd")
    code = Layer.of_files("code", [File("opt/fairing/run.py", SCRIPT)])
    return Image("hello", Reference.parse(base), (tree, code), Platform.parse("linux/amd64"), (3, 11))


@pytest.fixture
def reference(image: Image, testbed_registry: str, unique: str, cache: Cache) -> str:
    client = RegistryClient(insecure=[testbed_registry])
    return AppendBuilder(f"{testbed_registry}/{unique}", cache=cache, client=client).publish(image)


@pytest.mark.kubernetes
def test_containerd_runs_it(reference: str, skopeo: Callable[..., str], pod: Callable[..., str]) -> None:
    """It checks the digest of each archive as it unpacks; crane's validate knows gzip alone."""
    manifest = json.loads(skopeo("inspect", "--tls-verify=false", "--raw", f"docker://{reference}"))
    assert manifest["mediaType"] == OCI_MANIFEST
    assert [layer["mediaType"] for layer in manifest["layers"][-2:]] == [OCI_ZSTD_LAYER, OCI_LAYER]
    assert {layer["mediaType"] for layer in manifest["layers"][:-2]} == {OCI_LAYER}
    assert skopeo("inspect", "--tls-verify=false", f"docker://{reference}")
    assert pod(reference, "python3", "/opt/fairing/run.py") == "found\n"


@pytest.mark.docker
def test_docker_runs_it_from_23_on(reference: str, docker_engine: Callable[..., str]) -> None:
    version = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, check=True
    ).stdout
    if int(version.partition(".")[0]) >= 23:
        assert docker_engine(reference, "python3", "/opt/fairing/run.py") == "found\n"
    else:
        done = subprocess.run(["docker", "pull", reference], capture_output=True, text=True, check=False)
        assert done.returncode, "the help says that this Docker cannot"


@pytest.mark.docker
def test_an_engine_of_any_version_takes_it(image: Image) -> None:
    """It stores layers uncompressed, so that they reach it so."""
    made = DockerBuilder(f"localhost/fairing-kfp-{uuid.uuid4().hex[:8]}", engine=connect("this test"), push=False)
    name = made.publish(image)
    try:
        assert run("docker", "run", "--rm", name, "python3", "/opt/fairing/run.py") == "found\n"
    finally:
        subprocess.run(["docker", "rmi", "-f", name], capture_output=True, check=False)
        made.close()
