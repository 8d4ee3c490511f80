"""zstd layers in the tools that pull them."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.builders.engine.builder import EngineBuilder
from fairing_kfp.builders.engine.engine import connect
from fairing_kfp.cache.store import Cache
from fairing_kfp.image import File, Image, Platform, Reference
from fairing_kfp.image.descriptor import OCI_LAYER, OCI_MANIFEST, OCI_ZSTD_LAYER
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.layers.tree_cache import layer_of_tree
from fairing_kfp.registry.client import RegistryClient
from tests.support.base_copies import base_copy
from tests.support.services import run

pytestmark = pytest.mark.registry

SCRIPT = b"import sys\nsys.path.append('/opt/fairing/dependencies')\nimport package\nprint(package.answer)\n"


def on_bases(*, default: str) -> pytest.MarkDecorator:
    """Runs a test on an OCI base and on a Docker base; by default on one."""
    params = [one if one == default else pytest.param(one, marks=pytest.mark.exhaustive) for one in ("oci", "v2s2")]
    return pytest.mark.parametrize("image", params, indirect=True)


@pytest.fixture
def image(request: Any, testbed_registry: str, cache: Cache, tmp_path: Path) -> Image:
    """A zstd layer below a small one."""
    base = base_copy(request.param)
    (tmp_path / "tree/package").mkdir(parents=True)
    (tmp_path / "tree/package/__init__.py").write_text("answer = 'found'\n")
    (tmp_path / "tree/package/large").write_text("large\n" * 500_000)
    tree = layer_of_tree("dependencies", tmp_path / "tree", "opt/fairing/dependencies", cache, "key", "zstd")
    code = layer_of_files("code", [File("opt/fairing/run.py", SCRIPT)])
    return Image("hello", Reference.parse(base), (tree, code), Platform.parse("linux/amd64"), (3, 11))


@pytest.fixture
def reference(image: Image, testbed_registry: str, unique: str, cache: Cache) -> str:
    client = RegistryClient(insecure=[testbed_registry])
    return AppendBuilder(f"{testbed_registry}/{unique}", cache=cache, client=client).publish(image)


@pytest.mark.kubernetes
@on_bases(default="v2s2")
def test_containerd_runs_it(reference: str, skopeo: Callable[..., str], pod: Callable[..., str]) -> None:
    """containerd checks the diff ID of each layer; `crane validate` supports gzip only."""
    manifest = json.loads(skopeo("inspect", "--tls-verify=false", "--raw", f"docker://{reference}"))
    assert manifest["mediaType"] == OCI_MANIFEST
    assert [layer["mediaType"] for layer in manifest["layers"][-2:]] == [OCI_ZSTD_LAYER, OCI_LAYER]
    assert {layer["mediaType"] for layer in manifest["layers"][:-2]} == {OCI_LAYER}
    assert skopeo("inspect", "--tls-verify=false", f"docker://{reference}")
    assert pod(reference, "python3", "/opt/fairing/run.py") == "found\n"


@pytest.mark.docker
@on_bases(default="oci")
def test_docker_runs_it_from_23_on(reference: str, docker_engine: Callable[..., str]) -> None:
    version = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, check=True
    ).stdout
    if int(version.partition(".")[0]) >= 23:
        assert docker_engine(reference, "python3", "/opt/fairing/run.py") == "found\n"
    else:
        done = subprocess.run(["docker", "pull", reference], capture_output=True, text=True, check=False)
        assert done.returncode, "docs/images.md says that Docker before 23.0 cannot pull it"


@pytest.mark.docker
@on_bases(default="oci")
def test_an_engine_of_any_version_loads_it(image: Image) -> None:
    """The builder decompresses zstd layers for an engine."""
    made = EngineBuilder(f"localhost/fairing-kfp-{uuid.uuid4().hex[:8]}", engine=connect("this test"), push=False)
    name = made.publish(image)
    try:
        assert run("docker", "run", "--rm", name, "python3", "/opt/fairing/run.py") == "found\n"
    finally:
        subprocess.run(["docker", "rmi", "-f", name], capture_output=True, check=False)
        made.close()
