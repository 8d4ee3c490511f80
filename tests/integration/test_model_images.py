"""A model appended to a predictor's image, or to one without a server, in the tests' own registries."""

from __future__ import annotations

import base64
import json
import os
import resource
import subprocess
import sys
import tarfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import fairing_kfp
from fairing_kfp.cli import main
from fairing_kfp.errors import NotFoundError, UnauthorizedError
from fairing_kfp.image.descriptor import OCI_INDEX, digest_of
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.serving.image import model_image
from fairing_kfp.serving.model import Model
from fairing_kfp.serving.spec import ServingSpec
from tests.integration.test_registry_access import HTPASSWD, ME
from tests.support.administrator import new_namespace
from tests.support.authority import Authority
from tests.support.component_steps import run_component
from tests.support.layered_bases import get, push_base
from tests.support.private_registry import PrivateRegistry, serve_registry
from tests.support.small_images import assert_whole, layer, push_small_base, repository

pytestmark = pytest.mark.registry


def spec_of(host: str, image: str, **options: Any) -> ServingSpec:
    return ServingSpec("sums", image=image, **{"insecure": (host,), **options})


def model_of(folder: Path, **files: bytes) -> Model:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return Model.of_artifact(folder, "minio://models/sums")


def test_equal_models_have_equal_images_and_are_pushed_once(
    shared_registry: PrivateRegistry, unique: str, tmp_path: Path
) -> None:
    host, client = shared_registry.host, RegistryClient([shared_registry.host])
    base = push_small_base(client, host, unique, layer("predictor"))
    spec = spec_of(host, f"{host}/{unique}@{base.digest}")
    with model_image(spec) as target:
        first = target.publish(model_of(tmp_path / "one", a=b"1", b=b"2"))
        shared_registry.requests()
        again = target.publish(model_of(tmp_path / "two", b=b"2", a=b"1"))
        requests = shared_registry.requests()
        other = target.publish(model_of(tmp_path / "three", a=b"1", b=b"3"))

    assert first == again != other
    assert not [one for one in requests if one.startswith((f"PUT /v2/{unique}/blobs", "PATCH"))], requests
    manifest = assert_whole(client, host, unique, first.partition("@")[2])
    config = json.loads(get(host, f"{unique}/blobs/{manifest.config.digest}")[0])
    assert "FAIRING_MODEL_PATH=/mnt/models" in config["config"]["Env"]
    assert len(manifest.entries) == 3, "the predictor, the link to the model, and the model"


def test_another_repository_and_a_server_with_another_python(
    shared_registry: PrivateRegistry, unique: str, tmp_path: Path
) -> None:
    host, client = shared_registry.host, RegistryClient([shared_registry.host])
    base = push_small_base(client, host, unique, layer("server"), python="3.9")
    with model_image(spec_of(host, f"{host}/{unique}@{base.digest}", repository=f"{host}/models")) as target:
        target.check()
        image = target.publish(model_of(tmp_path / "m", a=b"1"))

    assert image.startswith(f"{host}/models@")
    assert_whole(client, host, "models", image.partition("@")[2])


def test_a_predictor_keeps_its_platforms(shared_registry: PrivateRegistry, unique: str, tmp_path: Path) -> None:
    host = shared_registry.host
    push_base(host, others=("arm64",))
    data, _ = get(host, "base/python/manifests/index")
    with model_image(spec_of(host, f"{host}/base/python@{digest_of(data)}", repository=f"{host}/{unique}")) as target:
        image = target.publish(model_of(tmp_path / "m", a=b"1"))

    index = json.loads(get(host, f"{unique}/manifests/{image.partition('@')[2]}")[0])
    assert index["mediaType"] == OCI_INDEX
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    layers = [json.loads(get(host, f"{unique}/manifests/{one['digest']}")[0])["layers"] for one in index["manifests"]]
    assert layers[0][-1] == layers[1][-1]


def test_a_tag_is_resolved_and_a_missing_one_is_an_error(shared_registry: PrivateRegistry, unique: str) -> None:
    host = shared_registry.host
    base = push_small_base(RegistryClient([host]), host, unique, layer("predictor"))
    with model_image(spec_of(host, f"{host}/{unique}:1")) as target:
        assert target.resolve() == f"{host}/{unique}@{base.digest}"
    with model_image(spec_of(host, f"{host}/{unique}:2")) as target, pytest.raises(NotFoundError):
        target.check()


def test_a_mounted_secret_and_a_private_ca(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "tests", "path": str(tmp_path / "htpasswd")}}
    secret = tmp_path / "secret"
    secret.mkdir()
    with serve_registry(tmp_path / "registry", auth, authority) as registry:
        host = registry.host
        # An empty certs.d folder makes the client use TLS for a loopback registry.
        Path(os.environ["XDG_CONFIG_HOME"], "containers/certs.d", host).mkdir(parents=True)
        login = base64.b64encode(f"{ME.username}:{ME.password}".encode()).decode()
        (secret / ".dockerconfigjson").write_text(json.dumps({"auths": {host: {"auth": login}}}))
        options: dict[str, Any] = {"insecure": (), "ca": authority.ca.read_text()}
        monkeypatch.setenv("DOCKER_CONFIG", str(secret))
        with model_image(spec_of(host, f"{host}/p:1", **options)) as target:
            base = push_small_base(target.client, host, "p", layer("predictor"))
            spec = spec_of(host, f"{host}/p@{base.digest}", **options)
        with model_image(spec) as target:
            target.check()
            assert target.publish(model_of(tmp_path / "m", a=b"1")).startswith(f"{host}/p@")
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "nothing"))
        with model_image(spec) as target, pytest.raises(UnauthorizedError):
            target.check()


_LARGE = """
import json, resource, sys
from pathlib import Path
from fairing_kfp.serving.image import model_image
from fairing_kfp.serving.model import Model
from fairing_kfp.serving.spec import ServingSpec
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with model_image(ServingSpec.parse(sys.argv[1])) as target:
    target.publish(Model.of_artifact(Path(sys.argv[2]), "u"))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_large_model_needs_little_memory_and_no_disk(
    shared_registry: PrivateRegistry, unique: str, tmp_path: Path
) -> None:
    host, client = shared_registry.host, RegistryClient([shared_registry.host])
    base = push_small_base(client, host, unique, layer("predictor"))
    folder = tmp_path / "model"
    folder.mkdir()
    for part in range(2):
        with (folder / f"weights-{part}").open("wb") as file:
            file.truncate(64 << 20)  # reads as zeros
    spec = spec_of(host, f"{host}/{unique}@{base.digest}").text()

    # With files limited to a megabyte, nothing can be copied to disk.
    def little() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_LARGE), spec, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=little,
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 60, "megabytes more than before"


def _files(client: RegistryClient, image: str) -> dict[str, tarfile.TarInfo]:
    """The entries of an image for one platform; upper layers override lower ones."""
    host, _, name = image.partition("@")[0].partition("/")
    stored = repository(client, host, name)
    found = {}
    for entry in stored.manifest(image.partition("@")[2]).entries:
        with stored.open_blob(entry.digest, entry.size) as blob, tarfile.open(fileobj=blob, mode="r|gz") as tar:
            found.update({member.name: member for member in tar})
    return found


def test_a_model_has_one_image_wherever_it_is_made(shared_registry: PrivateRegistry, tmp_path: Path) -> None:
    host, client = shared_registry.host, RegistryClient([shared_registry.host])
    base = f"{host}/shell@{push_small_base(client, host, 'shell', layer('shell')).digest}"
    model_of(tmp_path / "one", a=b"1", b=b"2")
    model_of(tmp_path / "two", b=b"2", a=b"1")
    single = tmp_path / "one" / "a"

    options: dict[str, Any] = {"registry": host, "project": "models", "insecure": [host], "base_image": base}
    by_python = fairing_kfp.model_image(tmp_path / "one", **options)
    arguments = ["--registry", host, "--project", "models", "--insecure", host, "--base-image", base, "-q"]
    by_command = CliRunner().invoke(main, ["model-image", str(tmp_path / "two"), *arguments])
    given = {"repository": f"{host}/models", "insecure": [host], "base_image": base}
    step = run_component("building/model_image", tmp_path / "out", given, {"model": str(tmp_path / "two")})
    named = run_component(
        "building/model_image", tmp_path / "named", {**given, "file_name": "forest.joblib"}, {"model": str(single)}
    )

    assert by_command.output == f"{by_python}\n"
    assert step.code == 0, step.log
    assert step.listed["parameterValues"] == {"image": by_python, "uri": f"oci://{by_python}"}
    assert "<h1>the model is an image in" in step.artifact("report").read_text()
    assert named.parameter("image") == fairing_kfp.model_image(single, file_name="forest.joblib", **options)
    files = _files(client, by_python)
    assert {"models", "models/a", "models/b", "mnt/models"} < set(files)
    assert files["mnt/models"].linkname == "../models"
    assert {files[name].mode for name in ("models/a", "models/b")} == {0o644}
    assert "models/forest.joblib" in _files(client, named.parameter("image"))
    config = json.loads(
        get(host, f"models/blobs/{assert_whole(client, host, 'models', by_python.partition('@')[2]).config.digest}")[0]
    )
    assert config["config"]["User"] == "65532:65532"
    assert not config["config"].get("Entrypoint"), "KServe passes `sh -c …` as arguments"


def test_a_component_refuses_bad_input_before_it_sends_anything(
    shared_registry: PrivateRegistry, tmp_path: Path
) -> None:
    host, client = shared_registry.host, RegistryClient([shared_registry.host])
    push_small_base(client, host, "shell", layer("shell"))
    model_of(tmp_path / "model", a=b"1")
    (tmp_path / "empty").mkdir()
    given = {"repository": f"{host}/refused", "insecure": [host], "base_image": f"{host}/shell:1"}

    def log_of(model: str, **changes: Any) -> str:
        step = run_component(
            "building/model_image", tmp_path / "out", {**given, **changes}, {"model": str(tmp_path / model)}
        )
        assert step.code == 1, step.log
        return step.log

    assert "has no files" in log_of("empty")
    assert "is a folder, to which file_name='a.onnx'" in log_of("model", file_name="a.onnx")
    assert "with a tag or digest" in log_of("model", repository=f"{host}/refused:1")
    assert "does not have the image shell:2" in log_of("model", base_image=f"{host}/shell:2")
    assert "does not support linux/s390x" in log_of("model", platforms=["linux/s390x"])
    assert not [one for one in shared_registry.requests() if "refused" in one]


@pytest.mark.kubernetes
def test_kubernetes_mounts_the_image_as_a_volume(
    kubectl: Callable[..., str], base_image: str, testbed_registry: str, tmp_path: Path
) -> None:
    model_of(tmp_path / "model", a=b"one model")
    image = fairing_kfp.model_image(
        tmp_path / "model",
        registry=f"{testbed_registry}/tests",
        project="volumes",
        insecure=[testbed_registry],
        base_image=base_image,
    )
    container = {
        "name": "main",
        "image": base_image,
        "command": ["cat", "/mnt/models/a"],
        "volumeMounts": [{"name": "model", "mountPath": "/mnt/models", "subPath": "models", "readOnly": True}],
    }
    volume = {"name": "model", "image": {"reference": image, "pullPolicy": "IfNotPresent"}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "reader"},
        "spec": {"restartPolicy": "Never", "containers": [container], "volumes": [volume]},
    }
    with new_namespace() as namespace:
        accepted = kubectl(
            "-n", namespace, "create", "--dry-run=server", "-o", "json", "-f", "-", input=json.dumps(pod)
        )
        if "image" not in json.loads(accepted)["spec"]["volumes"][0]:
            pytest.skip("Kubernetes drops image volumes: its feature ImageVolume is off (on by default from 1.35)")
        kubectl("-n", namespace, "create", "-f", "-", input=json.dumps(pod))
        kubectl("-n", namespace, "wait", "pod/reader", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s")
        assert kubectl("-n", namespace, "logs", "reader") == "one model"
