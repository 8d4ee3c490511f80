"""A model put into a predictor's image, in registries of a test's own."""

from __future__ import annotations

import base64
import json
import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.errors import NotFoundError, UnauthorizedError
from fairing_kfp.image.descriptor import OCI_INDEX, digest_of
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.serving.append import registries
from fairing_kfp.serving.model import Model
from fairing_kfp.serving.order import Order
from tests.authority import Authority
from tests.integration.conftest import PrivateRegistry, serve_registry
from tests.integration.test_registry import get, push_base
from tests.integration.test_registry_access import HTPASSWD, ME
from tests.small_images import assert_whole, layer, push_small_base

pytestmark = pytest.mark.registry


def order_of(host: str, image: str, **options: Any) -> Order:
    return Order("sums", image=image, python="3.11", **{"insecure": (host,), **options})


def model_of(folder: Path, **files: bytes) -> Model:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return Model.of_artifact(folder, "minio://models/sums")


def test_the_same_model_is_the_same_image_and_is_sent_once(private_registry: PrivateRegistry, tmp_path: Path) -> None:
    host, client = private_registry.host, RegistryClient([private_registry.host])
    base = push_small_base(client, host, "me/p", layer("predictor"))
    order = order_of(host, f"{host}/me/p@{base.digest}")
    with registries(order) as reached:
        first = reached.with_model(model_of(tmp_path / "one", a=b"1", b=b"2"))
        private_registry.requests()
        again = reached.with_model(model_of(tmp_path / "two", b=b"2", a=b"1"))
        requests = private_registry.requests()
        other = reached.with_model(model_of(tmp_path / "three", a=b"1", b=b"3"))

    assert first == again != other
    assert not [one for one in requests if one.startswith(("PUT /v2/me/p/blobs", "PATCH"))], requests
    manifest = assert_whole(client, host, "me/p", first.partition("@")[2])
    config = json.loads(get(host, f"me/p/blobs/{manifest.config.digest}")[0])
    assert "FAIRING_MODEL_PATH=/mnt/models" in config["config"]["Env"]
    assert len(manifest.entries) == 2


def test_it_goes_elsewhere_where_that_is_said(private_registry: PrivateRegistry, tmp_path: Path) -> None:
    host, client = private_registry.host, RegistryClient([private_registry.host])
    base = push_small_base(client, host, "me/p", layer("predictor"))
    with registries(order_of(host, f"{host}/me/p@{base.digest}", repository=f"{host}/models")) as reached:
        reached.check()
        image = reached.with_model(model_of(tmp_path / "m", a=b"1"))

    assert image.startswith(f"{host}/models@")
    assert_whole(client, host, "models", image.partition("@")[2])


def test_a_predictor_of_several_platforms_stays_one(private_registry: PrivateRegistry, tmp_path: Path) -> None:
    host = private_registry.host
    push_base(host, others=("arm64",))
    data, _ = get(host, "base/python/manifests/index")
    with registries(order_of(host, f"{host}/base/python@{digest_of(data)}", repository=f"{host}/me/p")) as reached:
        image = reached.with_model(model_of(tmp_path / "m", a=b"1"))

    index = json.loads(get(host, f"me/p/manifests/{image.partition('@')[2]}")[0])
    assert index["mediaType"] == OCI_INDEX
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    layers = [json.loads(get(host, f"me/p/manifests/{one['digest']}")[0])["layers"] for one in index["manifests"]]
    assert layers[0][-1] == layers[1][-1]


def test_a_tag_is_resolved_and_one_that_is_not_there_is_an_error(private_registry: PrivateRegistry) -> None:
    host = private_registry.host
    base = push_small_base(RegistryClient([host]), host, "me/p", layer("predictor"))
    with registries(order_of(host, f"{host}/me/p:1")) as reached:
        assert reached.resolved() == f"{host}/me/p@{base.digest}"
    with registries(order_of(host, f"{host}/me/p:2")) as reached, pytest.raises(NotFoundError):
        reached.check()


def test_a_mounted_secret_and_an_authority_of_ones_own_are_enough(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "tests", "path": str(tmp_path / "htpasswd")}}
    secret = tmp_path / "secret"
    secret.mkdir()
    with serve_registry(tmp_path / "registry", auth, authority) as registry:
        host = registry.host
        # A folder of its own, though empty, says that a registry of this machine speaks TLS.
        Path(os.environ["XDG_CONFIG_HOME"], "containers/certs.d", host).mkdir(parents=True)
        login = base64.b64encode(f"{ME.username}:{ME.password}".encode()).decode()
        (secret / ".dockerconfigjson").write_text(json.dumps({"auths": {host: {"auth": login}}}))
        options: dict[str, Any] = {"insecure": (), "ca": authority.ca.read_text()}
        monkeypatch.setenv("DOCKER_CONFIG", str(secret))
        with registries(order_of(host, f"{host}/p:1", **options)) as reached:
            base = push_small_base(reached.client, host, "p", layer("predictor"))
            order = order_of(host, f"{host}/p@{base.digest}", **options)
        with registries(order) as reached:
            reached.check()
            assert reached.with_model(model_of(tmp_path / "m", a=b"1")).startswith(f"{host}/p@")
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "nothing"))
        with registries(order) as reached, pytest.raises(UnauthorizedError):
            reached.check()


_LARGE = """
import json, resource, sys
from pathlib import Path
from fairing_kfp.serving.append import registries
from fairing_kfp.serving.model import Model
from fairing_kfp.serving.order import Order
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with registries(Order.parse(sys.argv[1])) as reached:
    reached.with_model(Model.of_artifact(Path(sys.argv[2]), "u"))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_large_model_needs_little_memory_and_no_room(private_registry: PrivateRegistry, tmp_path: Path) -> None:
    host, client = private_registry.host, RegistryClient([private_registry.host])
    base = push_small_base(client, host, "me/p", layer("predictor"))
    folder = tmp_path / "model"
    folder.mkdir()
    for part in range(3):
        with (folder / f"weights-{part}").open("wb") as file:
            file.truncate(100 << 20)  # read as zeros, and sent as they are
    order = order_of(host, f"{host}/me/p@{base.digest}").text()

    # No file may be larger than a megabyte: nothing is copied to a disk.
    def little() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_LARGE), order, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=little,
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 60, "megabytes more than before"
