"""The builder `cluster` on a real Kubernetes: images are pushed by a Job, while this machine reaches no registry."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

import fairing_kfp
from fairing_kfp.builders import job_pod
from fairing_kfp.builders.cluster.builder import ClusterBuilder
from fairing_kfp.builders.cluster.client import ServerSettings
from fairing_kfp.builders.cluster.options import ClusterOptions
from fairing_kfp.builders.cluster.upload import LayerStore
from fairing_kfp.builders.progress import Transfer
from fairing_kfp.cache.store import Cache
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import ClusterConfig, from_kubeconfig
from fairing_kfp.cluster.kinds import JOB, POD
from fairing_kfp.errors import (
    FairingError,
    ForbiddenError,
    JobFailedError,
    NotFoundError,
    PythonVersionError,
    StoppedError,
    UnauthorizedError,
)
from fairing_kfp.image import Image
from fairing_kfp.pipeline import roles
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.credentials import StaticCredentials
from fairing_kfp.registry.stop import stop_all
from tests.integration.test_registry_access import HTPASSWD, ME
from tests.support.accounts import RecordedCluster, Used, account_with, granted
from tests.support.administrator import create, current, delete, listed, until
from tests.support.kfp_driver import Store
from tests.support.paths import TESTS
from tests.support.pods import enforce_pod_security
from tests.support.private_registry import PrivateRegistry, serve_registry
from tests.support.s3_server import s3_server
from tests.support.services import TESTBED
from tests.support.small_images import assert_whole, image, layer, push_small_base
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kubernetes, pytest.mark.registry]


@dataclass
class Seen:
    """A progress callback that records what it is called with."""

    transfers: list[Transfer] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def __call__(self, transfer: Transfer) -> None:
        self.transfers.append(transfer)

    def log(self, text: str) -> None:
        self.lines.append(text)

    def sent(self) -> set[str]:
        return {one.name for one in self.transfers if one.state == "sent"}


@pytest.fixture(scope="module")
def place(namespace: str) -> str:
    """A namespace that admits restricted pods only."""
    enforce_pod_security(namespace, "restricted")
    return namespace


@pytest.fixture(scope="module")
def builder_account(place: str) -> ClusterConfig:
    """A service account with the role of the builder alone."""
    return account_with(place, roles.manifest("build", place))


@pytest.fixture(scope="module")
def closed_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRegistry]:
    """A registry that requires a login."""
    folder = tmp_path_factory.mktemp("closed")
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}
    with serve_registry(folder / "registry", auth, name=TESTBED.partition(":")[0]) as registry:
        yield registry


def no_registry_here(patch: pytest.MonkeyPatch) -> None:
    """Makes every request of this process to a registry fail."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError(f"this machine asked a registry: {arguments}")

    patch.setattr(RegistryClient, "request", refuse)


def make(
    place: str,
    repository: str,
    tmp_path: Path,
    *,
    source: Cluster | None = None,
    seen: Seen | None = None,
    store: LayerStore | None = None,
    **more: str,
) -> ClusterBuilder:
    """The builder, with the testbed's base image for its Job."""
    hosts = (TESTBED, repository.partition("/")[0])
    return ClusterBuilder(
        ClusterOptions(**{"image": f"{TESTBED}/base/python:3.11", "namespace": place, **more}),
        ServerSettings(repository, hosts),
        source or Cluster(from_kubeconfig),
        Cache(tmp_path / "cache"),
        seen or Seen(),
        store,
    )


def failure(builder: ClusterBuilder, one: Image) -> FairingError:
    """The error of publishing an image."""
    with contextlib.closing(builder), pytest.raises(FairingError) as caught:
        builder.publish(one)
    return caught.value


def test_a_pipeline_is_compiled_without_a_registry_here(
    place: str,
    builder_account: ClusterConfig,
    base_image: str,
    unique: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: Used = set()
    monkeypatch.setattr(
        "fairing_kfp.builders.cluster.builder.Cluster", lambda *_: RecordedCluster(lambda: builder_account, used=used)
    )
    pipeline = fairing_kfp.load_pipeline(f"{TESTS}/support/small_pipelines.py:names_an_image")
    options = {"registry": f"{TESTBED}/{unique}", "project": "small", "insecure": [TESTBED], "base_image": base_image}
    seen = Seen()
    with monkeypatch.context() as patch:
        no_registry_here(patch)
        built, again = (
            fairing_kfp.compile(pipeline, builder="cluster", cache=Cache(tmp_path / "a"), progress=one, **options)
            for one in (seen, Seen())
        )
    appended = fairing_kfp.compile(pipeline, cache=Cache(tmp_path / "b"), **options)

    assert built.images == again.images == appended.images
    assert len(built.images) == 2
    assert {"runtime", "code", "config"} <= seen.sent()
    assert [line.partition(" ")[0] for line in seen.lines] == ["created", "building"]
    # The other permissions are for attaching, and for reading what went wrong.
    assert used == {("batch", "jobs", "create"), ("batch", "jobs", "delete"), ("", "pods", "list")}
    assert used < granted("build")
    assert listed(place, JOB) == []


def test_the_login_of_a_secret_is_used_in_the_cluster(
    place: str, closed_registry: PrivateRegistry, tmp_path: Path
) -> None:
    host = closed_registry.host
    client = RegistryClient([host], StaticCredentials({host: ME}))
    push_small_base(client, host, "base", layer("lower"))
    login = {"auth": base64.b64encode(f"{ME.username}:{ME.password}".encode()).decode()}
    text = json.dumps({"auths": {host: login}})
    for name, kind, key in (
        ("login", "kubernetes.io/dockerconfigjson", ".dockerconfigjson"),
        ("other", "Opaque", "token"),
    ):
        secret = {"metadata": {"name": name}, "type": kind, "stringData": {key: text}}
        create(place, {"apiVersion": "v1", "kind": "Secret", **secret})
    one, seen = image(f"{host}/base:1", layer("code")), Seen()
    with contextlib.closing(make(place, f"{host}/me/train", tmp_path, seen=seen, secret="login")) as builder:
        builder.check(one)
        planned = builder.plan(one)
        reference = builder.publish(one)
        with pytest.raises(PythonVersionError, match=r"has Python 3\.11"):
            builder.check(replace(one, python_version=(3, 12)))
        with pytest.raises(NotFoundError, match=f"in the cluster, .*{host} does not have the image"):
            builder.check(image(f"{host}/base:absent", layer("code")))
    refused = failure(make(place, f"{host}/me/train", tmp_path), one)
    empty = failure(make(place, f"{host}/me/train", tmp_path, secret="other"), one)

    assert reference == planned.reference
    assert assert_whole(client, host, "me/train", planned.tag).digest == reference.partition("@")[2]
    assert isinstance(refused, UnauthorizedError)
    assert "cluster_secret" in refused.remedy
    assert empty.message == f"Secret other in the namespace {place} has no registry login"
    assert not any(secret in str(refused) for secret in (ME.password, login["auth"]))
    assert seen.sent() == {"code", "config"}


def test_layers_go_through_a_store_that_pods_reach_by_another_name(
    place: str,
    base_image: str,
    unique: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up-secret")
    name = TESTBED.partition(":")[0]
    one = image(base_image, layer("code", os.urandom(9 << 20)))  # two parts

    def through(uri: str, seen: Seen | None = None) -> ClusterBuilder:
        return make(place, f"{TESTBED}/{unique}", tmp_path, seen=seen, store=LayerStore(uri))

    seen, quiet = Seen(), Seen()
    with s3_server() as url:
        Store(url).put("bucket")
        here = f"region=us-east-1&endpoint={url.replace(name, '127.0.0.1')}"
        with contextlib.closing(through(f"s3://bucket/a/b?{here}&pod_endpoint={url}", seen)) as builder:
            reference = builder.publish(one)
        left = Store(url).get("s3://bucket?list-type=2").decode()
        failed = failure(through(f"s3://bucket?{here}&pod_endpoint=http://{name}:9"), image(base_image, layer(unique)))
    gone = failure(through(f"s3://bucket?{here}", quiet), one)

    assert_whole(RegistryClient([TESTBED]), TESTBED, unique, reference.partition("@")[2])
    assert "code" in seen.sent()
    assert "<Key>" not in left, "the store is emptied"
    assert f"in the cluster, the store {name}:9 cannot be reached: " in failed.message
    assert "X-Amz" not in str(failed)
    assert gone.message.startswith("cannot write to s3://bucket/fairing-kfp-")
    assert quiet.lines == [], "no Job is created"
    assert listed(place, JOB) == []


def test_a_job_is_replaced_if_its_pod_vanishes_and_fails_if_its_program_does(
    place: str, base_image: str, unique: str, tmp_path: Path, kubectl: Callable[..., str]
) -> None:
    def delete_pod() -> None:
        (pod,) = listed(place, POD)
        delete(pod, grace=1)
        eventually(lambda: current(pod) is None, pause=0.05)

    def end_program() -> None:
        (pod,) = listed(place, POD)
        program = "import os, signal; os.kill(1, signal.SIGALRM)"
        kubectl("-n", place, "exec", pod["metadata"]["name"], "--", "python3", "-c", program)

    def build(name: str, meanwhile: Callable[[], None]) -> tuple[Seen, str]:
        happens = [meanwhile]
        whole = layer(f"{unique}-{name}")

        def opened() -> BinaryIO:
            if happens:
                happens.pop()()
            return whole.open()

        seen = Seen()
        with contextlib.closing(make(place, f"{TESTBED}/{unique}", tmp_path, seen=seen)) as builder:
            return seen, builder.publish(image(base_image, replace(whole, open=opened)))

    seen, reference = build("vanishes", delete_pod)
    with pytest.raises(JobFailedError, match=r"(?s)ended with exit code 1.*has sent nothing for 120 seconds"):
        build("fails", end_program)
    with pytest.raises(StoppedError):
        build("is cancelled", stop_all)

    assert re.fullmatch(rf"{TESTBED}/{unique}@sha256:[0-9a-f]{{64}}", reference)
    assert [line for line in seen.lines if "starting another" in line]
    assert len([line for line in seen.lines if line.startswith("created")]) == 2
    assert listed(place, JOB) == []


def test_a_build_that_is_stopped_leaves_no_job(place: str, base_image: str) -> None:
    """Its pod waits for an image that does not exist, so that the Job would stay."""
    settings = ["--registry", f"{TESTBED}/tests", "--insecure", TESTBED, "--base-image", base_image]
    cluster = ["--builder", "cluster", "--cluster-namespace", place, "--cluster-image", f"{TESTBED}/absent:1"]
    command = [sys.executable, "-m", "fairing_kfp", "explain", f"{TESTS}/support/small_pipelines.py:names_an_image"]
    process = subprocess.Popen([*command, *settings, *cluster], stderr=subprocess.PIPE, text=True)
    eventually(lambda: listed(place, JOB) or process.poll() is not None, pause=0.05)
    process.terminate()
    _, output = process.communicate(timeout=60)

    assert process.returncode == 130, output
    assert listed(place, JOB) == []


def test_what_is_wrong_is_reported_before_anything_is_sent(
    place: str,
    base_image: str,
    unique: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job_pod, "_DEFAULT_PATIENCE", 0)
    monkeypatch.setattr(job_pod, "_EVENTS", 0.5)
    one = image(base_image, layer("code"))
    stranger = account_with(place)

    def fails(**options: Any) -> FairingError:
        return failure(make(place, f"{TESTBED}/{unique}", tmp_path, **options), one)

    forbidden = fails(source=Cluster(lambda: stranger))
    assert isinstance(forbidden, ForbiddenError)
    assert "may not create, delete, get jobs.batch" in forbidden.message
    assert "fairing-kfp-build" in forbidden.remedy
    assert fails(namespace=f"{place}-x").message.startswith(f"POST /apis/batch/v1/namespaces/{place}-x/jobs")
    assert fails(secret="absent").message == f"there is no Secret absent in the namespace {place}"
    assert fails(service_account="absent").message == f"there is no ServiceAccount absent in the namespace {place}"
    assert f"the image {TESTBED}/absent" in fails(image=f"{TESTBED}/absent:1").message
    with monkeypatch.context() as patch:
        patch.setattr("fairing_kfp.builders.cluster.job.PROGRAM", "import sys; sys.exit('the Python is too old')")
        old = fails()
    assert isinstance(old, JobFailedError)
    assert "ended with exit code 1" in old.message
    assert "the Python is too old" in old.message
    limits = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    quota = create(place, {"apiVersion": "v1", "kind": "ResourceQuota", **limits})
    try:
        until(quota, lambda state: state.get("status", {}).get("hard"))
        assert "exceeded quota" in fails().message
    finally:
        delete(quota)
    assert listed(place, JOB) == []
