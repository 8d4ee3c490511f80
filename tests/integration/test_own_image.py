"""Our own image: reproducible, and able to run under the restricted profile."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import uv

from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import PythonVersionError
from fairing_kfp.recipe.own_image import publish_own_image
from fairing_kfp.recipe.package_layer import package_files
from fairing_kfp.registry.client import RegistryClient
from tests.support.paths import TOP
from tests.support.pods import STRICT, run_pod
from tests.support.private_registry import PrivateRegistry
from tests.support.services import run
from tests.support.small_images import assert_whole, push_small_base, repository

pytestmark = [pytest.mark.registry]

_IMPORTS = """
import os, sys
import fairing_kfp.builders.append, fairing_kfp.registry.client, kubernetes
assert "kfp" not in sys.modules
for module in (fairing_kfp.builders.append, kubernetes.client):
    assert os.path.exists(module.__cached__), f"no byte code of {module}"
"""

# A step that builds an image in the cluster: a layer on a base image.
_APPEND = """
import sys
from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.image import File, Image, Layer, Platform, Reference
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.registry.client import RegistryClient

host, base, target = sys.argv[1:]
layer = layer_of_files("model", [File("opt/model", b"weights")])
image = Image("model", Reference.parse(base), (layer,), Platform("linux", "amd64"), sys.version_info[:2])
print(AppendBuilder(target, cache=Cache(), client=RegistryClient([host])).publish(image))
"""


@pytest.mark.exhaustive
def test_another_cache_gives_the_same_digest(
    own_image: str, base_image: str, testbed_registry: str, unique: str, tmp_path: Path
) -> None:
    published = publish_own_image(
        tmp_path / "made",
        cache=Cache(tmp_path / "cache"),
        registry=f"{testbed_registry}/{unique}",
        insecure=[testbed_registry],
        base_image=base_image,
    )

    assert published.partition("@")[2] == own_image.partition("@")[2]
    assert (tmp_path / "made" / "image.txt").read_text() == f"{published}\n"


def test_a_wheel_has_the_same_files(tmp_path: Path) -> None:
    checkout = TOP
    run(uv.find_uv_bin(), "build", "--quiet", "--wheel", "--python", sys.executable, "-o", str(tmp_path), str(checkout))
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path / "site")

    assert package_files(tmp_path / "site" / "fairing_kfp") == package_files()


def test_its_settings_are_those_of_a_program_without_privileges(own_image: str, testbed_registry: str) -> None:
    name, _, digest = own_image.removeprefix(f"{testbed_registry}/").partition("@")
    held = repository(RegistryClient([testbed_registry]), testbed_registry, name)
    settings = json.loads(held.blob(held.manifest(digest).config.digest))["config"]

    assert settings["User"] == "65532:65532"
    assert not settings.get("Entrypoint")
    assert settings["Labels"]["org.opencontainers.image.title"] == "fairing-kfp"


@pytest.mark.kubernetes
def test_it_builds_images_in_a_cluster_as_any_user_without_privileges_on_a_read_only_root(
    own_image: str, base_image: str, testbed_registry: str, unique: str, restricted: str
) -> None:
    def container(name: str, user: Mapping[str, int], *command: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "image": own_image, "command": [*command], "securityContext": {**STRICT, **user}, **more}

    other = {"runAsUser": 12345, "runAsGroup": 12345}
    arguments = (testbed_registry, base_image, f"{testbed_registry}/{unique}")
    logs = run_pod(
        restricted,
        containers=[
            container(
                "builds",
                {},
                *("python3", "-c", _IMPORTS + _APPEND, *arguments),
                volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}],
            ),
            container("other-user", other, "python3", "-c", _IMPORTS),
            container("command", other, "python3", "-m", "fairing_kfp", "--version"),
        ],
        securityContext={"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        volumes=[{"name": "tmp", "emptyDir": {}}],
    )

    name, _, digest = logs["builds"].strip().splitlines()[-1].partition("@")
    assert name == f"{testbed_registry}/{unique}"
    manifest = assert_whole(RegistryClient([testbed_registry]), testbed_registry, unique, digest)
    assert manifest.digest == digest


def test_a_base_with_another_python_is_refused_before_pushing(
    shared_cache: Cache, private_registry: PrivateRegistry, tmp_path: Path
) -> None:
    client = RegistryClient([private_registry.host])
    push_small_base(client, private_registry.host, "base", python="3.9")
    private_registry.requests()

    with pytest.raises(PythonVersionError, match=r"has Python 3\.9"):
        publish_own_image(
            tmp_path / "out",
            cache=shared_cache,
            registry=f"{private_registry.host}/me",
            insecure=[private_registry.host],
            base_image=f"{private_registry.host}/base:1",
        )
    assert {request.partition(" ")[0] for request in private_registry.requests()} <= {"GET", "HEAD"}
    assert not (tmp_path / "out" / "image.txt").exists()
