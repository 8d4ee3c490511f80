"""Our own image: reproducible, and able to run under the restricted profile."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import uv
from click.testing import CliRunner

from fairing_kfp.cache.store import Cache
from fairing_kfp.cli import main
from fairing_kfp.errors import PythonVersionError
from fairing_kfp.recipe.own_image import publish_own_image
from fairing_kfp.recipe.package_layer import package_files
from fairing_kfp.registry.client import RegistryClient
from tests.support.paths import TOP
from tests.support.private_registry import PrivateRegistry
from tests.support.services import missing, run
from tests.support.small_images import assert_whole, push_small_base

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


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("own-cache"))


@pytest.fixture(scope="module")
def repository() -> str:
    return f"own-image-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def published(
    base_image: str, testbed_registry: str, own_cache: Cache, repository: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The reference of our own image, by digest."""
    if sys.version_info[:2] != (3, 11):
        missing("the testbed's base image has Python 3.11, which is not this one")
    return publish_own_image(
        tmp_path_factory.mktemp("out"),
        cache=own_cache,
        registry=f"{testbed_registry}/tests",
        project=repository,
        insecure=[testbed_registry],
        base_image=base_image,
    )


def test_another_cache_gives_the_same_digest(
    published: str, base_image: str, testbed_registry: str, repository: str, tmp_path: Path
) -> None:
    # The command with an empty cache, from `isolated`.
    arguments = ["--registry", f"{testbed_registry}/tests", "--project", repository, "--insecure", testbed_registry]
    done = CliRunner().invoke(
        main, ["components", "publish", *arguments, "--base-image", base_image, "-o", str(tmp_path / "made")]
    )

    assert done.exit_code == 0, done.output
    assert published in done.output
    assert (tmp_path / "made" / "image.txt").read_text() == f"{published}\n"


def test_a_wheel_has_the_same_files(tmp_path: Path) -> None:
    checkout = TOP
    run(uv.find_uv_bin(), "build", "--quiet", "--wheel", "--python", sys.executable, "-o", str(tmp_path), str(checkout))
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path / "site")

    assert package_files(tmp_path / "site" / "fairing_kfp") == package_files()


@pytest.mark.docker
def test_it_runs_as_any_user_on_a_read_only_root(published: str, docker_engine: Callable[..., str]) -> None:
    docker_engine(published, "python3", "-m", "fairing_kfp", "--version")
    settings = json.loads(run("docker", "inspect", "--format", "{{json .Config}}", published))

    assert settings["User"] == "65532:65532"
    assert not settings.get("Entrypoint")
    assert settings["Labels"]["org.opencontainers.image.title"] == "fairing-kfp"
    for user in ("65532", "12345:12345"):
        strict = ["--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--user", user]
        run("docker", "run", *strict, published, "python3", "-c", _IMPORTS)


@pytest.mark.kubernetes
def test_it_builds_images_in_a_cluster_without_privileges(
    published: str, base_image: str, testbed_registry: str, unique: str, pod: object
) -> None:
    command = ["python3", "-c", _IMPORTS + _APPEND, testbed_registry, base_image, f"{testbed_registry}/{unique}"]
    made = _run_restricted(published, command).strip().splitlines()[-1]

    name, _, digest = made.partition("@")
    assert name == f"{testbed_registry}/{unique}"
    manifest = assert_whole(RegistryClient([testbed_registry]), testbed_registry, unique, digest)
    assert manifest.digest == digest


def _run_restricted(image: str, command: list[str]) -> str:
    """Runs a command under the Pod Security Standards' restricted profile, on a read-only root file system."""
    name = f"own-image-{uuid.uuid4().hex[:10]}"
    container = {
        "name": "main",
        "image": image,
        "command": command,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        "containers": [container],
    }
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    try:
        run("kubectl", "create", "-f", "-", input=json.dumps(document))
        code = "{.status.containerStatuses[0].state.terminated.exitCode}"
        run("kubectl", "wait", f"pod/{name}", f"--for=jsonpath={code}", "--timeout=60s")
        log = run("kubectl", "logs", name)
        assert run("kubectl", "get", "pod", name, "-o", f"jsonpath={code}") == "0", log
        return log
    finally:
        subprocess.run(["kubectl", "delete", "pod", name, "--now", "--wait=false"], capture_output=True, check=False)


def test_a_base_with_another_python_is_refused_before_pushing(
    own_cache: Cache, private_registry: PrivateRegistry, tmp_path: Path
) -> None:
    client = RegistryClient([private_registry.host])
    push_small_base(client, private_registry.host, "base", python="3.9")
    private_registry.requests()

    with pytest.raises(PythonVersionError, match=r"has Python 3\.9"):
        publish_own_image(
            tmp_path / "out",
            cache=own_cache,
            registry=f"{private_registry.host}/me",
            insecure=[private_registry.host],
            base_image=f"{private_registry.host}/base:1",
        )
    assert {request.partition(" ")[0] for request in private_registry.requests()} <= {"GET", "HEAD"}
    assert not (tmp_path / "out" / "image.txt").exists()
