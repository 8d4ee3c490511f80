"""Reusable components, run as KFP runs them: a script becomes an image in a registry, and the image runs."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fairing_kfp.components.code_bundle import CodeBundle
from fairing_kfp.image.descriptor import OCI_INDEX, dump
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository
from tests.integration.test_registry_access import HTPASSWD, ME
from tests.support.authority import Authority
from tests.support.component_steps import Ended, run_component
from tests.support.private_registry import PrivateRegistry, serve_registry
from tests.support.services import free_port
from tests.support.small_images import assert_whole, layer, push_small_base, repository

pytestmark = [pytest.mark.registry]

_TRAIN = """
import argparse
from helper import double
parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int, required=True)
print(open("unit.txt").read(), double(parser.parse_args().depth))
"""
_COMMAND = ("python3", "-u", "/opt/fairing/code/files/train.py")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    (folder / "train.py").write_text(_TRAIN)
    (folder / "helper.py").write_text("def double(n):\n    return 2 * n\n")
    (folder / "unit.txt").write_text("doubled:")
    return folder


@pytest.fixture(scope="module")
def bundle(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the script."""
    root = tmp_path_factory.mktemp("packed")
    ended = run_component("preprocessing/preprocess_script", root, {"script": "train.py"}, {"source": str(source)})
    assert ended.code == 0, ended.log
    return ended.artifact("bundle")


def _append(root: Path, bundle: Path, base: str, repository: str, *insecure: str, **env: str) -> Ended:
    parameters = {"base_image": base, "repository": repository, "insecure": [*insecure]}
    return run_component("building/append_image", root, parameters, {"bundle": str(bundle)}, **env)


def _base(registry: PrivateRegistry) -> str:
    push_small_base(RegistryClient([registry.host]), registry.host, "base", layer("lower"))
    return f"{registry.host}/base:1"


def _push_index(target: Repository) -> Manifest:
    """A base image for two platforms."""
    entries = []
    for architecture in ("amd64", "arm64"):
        one = push_small_base(
            target.client, target.registry, "base", layer(f"for-{architecture}"), architecture=architecture
        )
        platform = {"os": "linux", "architecture": architecture}
        entries.append({**one.descriptor.document(), "platform": platform})
    index = Manifest(dump({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}))
    target.put_manifest(index, "all")
    return index


@pytest.mark.kubernetes
def test_a_script_becomes_an_image_that_runs(
    bundle: Path, base_image: str, testbed_registry: str, unique: str, pod: Callable[..., str], tmp_path: Path
) -> None:
    repository = f"{testbed_registry}/{unique}"
    first = _append(tmp_path / "first", bundle, base_image, repository, testbed_registry)
    again = _append(tmp_path / "again", bundle, base_image, repository, testbed_registry)

    assert first.code == 0, first.log
    image = first.parameter("image")
    assert again.parameter("image") == image
    assert first.listed["parameterValues"] == {"image": image}
    report = first.artifact("report").read_text()
    assert f"<h1>train is an image in {repository}</h1>" in report
    assert image in report
    assert "nothing; the image exists" in again.artifact("report").read_text()
    assert pod(image, *_COMMAND, "--depth", "21").strip() == "doubled: 42"


@pytest.mark.docker
def test_the_image_runs_in_docker_by_its_default_command(
    source: Path,
    base_image: str,
    testbed_registry: str,
    unique: str,
    docker_engine: Callable[..., str],
    tmp_path: Path,
) -> None:
    text = "print('run by itself')\n"
    packed = run_component("preprocessing/preprocess_script", tmp_path / "packed", {"script": "hello.py", "text": text})
    assert packed.code == 0, packed.log
    made = _append(
        tmp_path / "made", packed.artifact("bundle"), base_image, f"{testbed_registry}/{unique}", testbed_registry
    )

    assert made.code == 0, made.log
    assert docker_engine(made.parameter("image")).strip() == "run by itself"


def test_every_place_gives_the_same_image(
    bundle: Path, private_registry: PrivateRegistry, other_registry: PrivateRegistry, tmp_path: Path
) -> None:
    base = _base(private_registry)
    hosts = (private_registry.host, other_registry.host)
    made = [_append(tmp_path / host, bundle, base, f"{host}/me/train", *hosts) for host in hosts]

    assert [one.code for one in made] == [0, 0], made[0].log + made[1].log
    digests = {one.parameter("image").partition("@")[2] for one in made}
    assert len(digests) == 1
    assert_whole(RegistryClient([other_registry.host]), other_registry.host, "me/train", digests.pop())


@pytest.mark.parametrize("platforms", [["linux/amd64", "linux/arm64"], []], ids=["two", "default"])
def test_a_base_for_several_platforms_gives_an_image_for_the_chosen_ones(
    private_registry: PrivateRegistry, tmp_path: Path, platforms: list[str]
) -> None:
    client = RegistryClient([private_registry.host])
    base = _push_index(repository(client, private_registry.host, "base"))
    script = {"script": "Größe 2.py", "text": "print(1)\n"}  # no name of a tag
    packed = run_component("preprocessing/preprocess_script", tmp_path / "packed", script)
    assert packed.code == 0, packed.log
    parameters = {
        "base_image": f"{private_registry.host}/base@{base.digest}",
        "repository": f"{private_registry.host}/me/train",
        "platforms": platforms,
        "insecure": [private_registry.host],
    }
    inputs = {"bundle": str(packed.artifact("bundle"))}
    made = run_component("building/append_image", tmp_path / "made", parameters, inputs)
    other = run_component(
        "building/append_image", tmp_path / "other", {**parameters, "platforms": ["linux/s390x"]}, inputs
    )

    assert made.code == 0, made.log
    image = repository(client, private_registry.host, "me/train").manifest(made.parameter("image").partition("@")[2])
    assert [str(one) for one in image.platforms] == platforms
    assert other.code == 1
    assert "linux/s390x" in other.log
    assert "Traceback" not in other.log


def test_an_imported_image_keeps_its_digest(
    private_registry: PrivateRegistry, other_registry: PrivateRegistry, tmp_path: Path
) -> None:
    base = _base(private_registry)
    hosts = [private_registry.host, other_registry.host]
    parameters = {"image": base, "repository": f"{other_registry.host}/mirror/base", "insecure": hosts}
    first = run_component("building/import_image", tmp_path / "first", parameters)
    other_registry.requests()
    again = run_component("building/import_image", tmp_path / "again", parameters)
    requests = other_registry.requests()

    assert first.code == again.code == 0, first.log + again.log
    imported = first.parameter("imported")
    assert imported == again.parameter("imported")
    manifest = assert_whole(RegistryClient(hosts), other_registry.host, "mirror/base", "1")
    assert imported == f"{other_registry.host}/mirror/base@{manifest.digest}"
    assert [one.split()[0] for one in requests] == ["HEAD"]
    assert f"<h1>{base} was imported already</h1>" in again.artifact("report").read_text()


@pytest.mark.parametrize(
    ("base", "repository", "message"),
    [
        ("Registry/Base:1", "{host}/me/train", "the input base_image: the image name 'Registry/Base:1' is malformed"),
        ("{host}/base:1", "{host}/me/train:1", "the input repository is '{host}/me/train:1', with a tag or digest"),
        ("{host}/base:absent", "{host}/me/train", "{host} does not have the image base:absent"),
        ("{host}/base@sha256:{zeros}", "{host}/me/train", "does not have the image base@sha256:{zeros}"),
        ("{host}/base:1", "127.0.0.1:{port}/me/train", "127.0.0.1:{port}"),
    ],
    ids=["malformed base", "tagged repository", "absent base", "vanished digest", "registry down"],
)
def test_wrong_inputs_fail_before_anything_is_sent(
    bundle: Path, private_registry: PrivateRegistry, tmp_path: Path, base: str, repository: str, message: str
) -> None:
    _base(private_registry)
    private_registry.requests()
    names = {"host": private_registry.host, "zeros": "0" * 64, "port": str(free_port())}
    target = repository.format(**names)
    insecure = (private_registry.host, target.partition("/")[0])

    ended = _append(tmp_path / "made", bundle, base.format(**names), target, *insecure)

    assert ended.code == 1
    assert ended.log.count("fairing-kfp: ") >= 1
    assert message.format(**names) in ended.log
    assert "→" in ended.log
    assert "Traceback" not in ended.log
    assert not (tmp_path / "made").exists()
    assert {one.split()[0] for one in private_registry.requests()} <= {"GET", "HEAD"}


def test_an_index_is_imported_with_all_its_manifests(
    private_registry: PrivateRegistry, other_registry: PrivateRegistry, tmp_path: Path
) -> None:
    hosts = [private_registry.host, other_registry.host]
    source = repository(RegistryClient(hosts), private_registry.host, "base")
    index = _push_index(source)
    parameters = {
        "image": f"{private_registry.host}/base@{index.digest}",
        "repository": f"{other_registry.host}/mirror/base",
        "insecure": hosts,
    }
    ended = run_component("building/import_image", tmp_path / "made", parameters)

    assert ended.code == 0, ended.log
    assert ended.parameter("imported") == f"{other_registry.host}/mirror/base@{index.digest}"
    copied = repository(source.client, other_registry.host, "mirror/base")
    assert copied.manifest(index.digest.replace(":", "-")) == index
    for entry in index.entries:
        assert_whole(source.client, other_registry.host, "mirror/base", entry.digest)


def test_a_private_authority_is_trusted_by_its_certificates(
    bundle: Path, authority: Authority, private_registry: PrivateRegistry, tmp_path: Path
) -> None:
    base = _base(private_registry)
    with serve_registry(tmp_path / "registry", tls=authority) as registry:
        # An empty certs.d folder makes the client use TLS for a loopback registry.
        Path(os.environ["XDG_CONFIG_HOME"], "containers/certs.d", registry.host).mkdir(parents=True)
        parameters = {
            "base_image": base,
            "repository": f"{registry.host}/me/train",
            "insecure": [private_registry.host],
        }
        made = {
            ca: run_component(
                "building/append_image", tmp_path / name, {**parameters, "ca": ca}, {"bundle": str(bundle)}
            )
            for name, ca in (("without", ""), ("path", "/etc/ca.pem"), ("with", authority.ca.read_text()))
        }

    assert [ended.code for ended in made.values()] == [1, 1, 0], [ended.log for ended in made.values()]
    assert "certificate" in made[""].log
    assert "the input ca contains no certificate" in made["/etc/ca.pem"].log


def test_a_mounted_secret_has_the_credentials(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "empty").mkdir()
    users = tmp_path / "htpasswd"
    users.write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "tests", "path": str(users)}}
    with serve_registry(tmp_path / "registry", auth) as registry, serve_registry(tmp_path / "open") as opened:
        entry = {"auth": base64.b64encode(f"{ME.username}:{ME.password}".encode()).decode()}
        (folder / ".dockerconfigjson").write_text(json.dumps({"auths": {registry.host: entry}}))
        base, hosts = _base(opened), (registry.host, opened.host)
        target = f"{registry.host}/me/train"

        refused = _append(tmp_path / "1", bundle, base, target, *hosts, DOCKER_CONFIG=str(folder / "empty"))
        made = _append(tmp_path / "2", bundle, base, target, *hosts, DOCKER_CONFIG=str(folder))

    assert refused.code == 1
    assert registry.host in refused.log
    assert made.code == 0, made.log
    written = [made.log, *(path.read_text() for path in made.root.rglob("*") if path.is_file())]
    assert not any(ME.password in text or entry["auth"] in text for text in written)


def test_the_bundle_is_the_one_that_the_image_contains(bundle: Path, source: Path) -> None:
    read = CodeBundle.read(bundle)

    assert {file.path: file.data for file in read.image_files()} == {
        f"opt/fairing/code/files/{path.name}": path.read_bytes() for path in source.iterdir()
    }
