"""Fixtures with the services of integration tests: the testbed, and registries of a test or module."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.cli import main
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import ClusterConfig, from_kubeconfig
from fairing_kfp.errors import ClusterError, NotInstalledError
from fairing_kfp.pipeline import roles
from fairing_kfp.train.kinds.kind import training_kind
from fairing_kfp.train.kinds.select import KINDS
from tests.support.accounts import config_of, service_account
from tests.support.administrator import administrator, create, delete, kind_named, log_of, new_namespace
from tests.support.authority import Authority, make_authority
from tests.support.component_pods import ComponentPods
from tests.support.cutting_proxy import CuttingProxy, cutting_proxy
from tests.support.notebook_files import write
from tests.support.paths import TESTS, TOP
from tests.support.pods import enforce_pod_security
from tests.support.private_registry import PrivateRegistry, serve_registry
from tests.support.services import (
    TESTBED,
    free_port,
    missing,
    require_base_python,
    require_program,
    run,
    wait_until_listening,
)
from tests.support.token_server import TokenServer, serve_tokens
from tests.support.train_steps import Step, steps_of
from tests.support.trains import Bench

GO_REGISTRY = "github.com/google/go-containerregistry/cmd/registry@v0.20.6"


@pytest.fixture(scope="session")
def testbed_registry() -> str:
    """The testbed's registry, from which the kubelet pulls."""
    try:
        with urllib.request.urlopen(f"http://{TESTBED}/v2/", timeout=5):
            return TESTBED
    except OSError as error:
        missing(f"{TESTBED} does not answer: {error}")
        raise


@pytest.fixture(scope="session")
def base_image(testbed_registry: str) -> str:
    """A base image with Python 3.11, for linux/amd64."""
    return f"{testbed_registry}/base/python:3.11"


@pytest.fixture(scope="session")
def publishing(base_image: str, testbed_registry: str) -> dict[str, Any]:
    """Settings with which images are based on the testbed's and pushed to its registry."""
    require_base_python()
    return {"registry": f"{testbed_registry}/tests", "insecure": [testbed_registry], "base_image": base_image}


@pytest.fixture(scope="session")
def docker_options(publishing: dict[str, Any], docker_engine: Callable[..., str]) -> dict[str, Any]:
    """Options of `run` for the testbed's Docker Engine, whose containers need the host's network."""
    return {"runner": "docker", "docker": {"network_mode": "host"}, **publishing}


@pytest.fixture(scope="session")
def notebook_image(publishing: dict[str, Any], shared_cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image that runs notebooks, by digest."""
    notebook = write(tmp_path_factory.mktemp("notebook-image") / "image.ipynb", "1")
    compiled = fairing_kfp.compile(
        fairing_kfp.fairing_component.from_notebook(notebook), cache=shared_cache, **publishing
    )
    return next(iter(compiled.images.values()))


@pytest.fixture(scope="session")
def skopeo() -> Callable[..., str]:
    """Runs skopeo, which validates and copies images."""
    path = require_program("skopeo")
    return lambda *arguments: run(path, *arguments)


@pytest.fixture(scope="session")
def crane_validates() -> Callable[[str], None]:
    """Validates an image with crane, if it is installed."""
    path = shutil.which("crane")

    def validate(image: str) -> None:
        if path:
            assert "PASS" in run(path, "validate", "--insecure", "--remote", image)

    return validate


@pytest.fixture(scope="session")
def docker_engine() -> Callable[..., str]:
    """Runs a command in a Docker container and returns its output."""
    path = require_program("docker")
    if subprocess.run([path, "info"], capture_output=True, check=False).returncode:
        missing("Docker Engine does not answer")
    return lambda image, *command: run(path, "run", "--rm", "--network", "host", "--pull", "always", image, *command)


@pytest.fixture(scope="session")
def pod(admin: Cluster) -> Callable[..., str]:
    """Runs a command in a pod and returns its log."""

    def run_pod(image: str, *command: str) -> str:
        container = {"name": "main", "image": image, "command": command}
        made = create(
            "default",
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"fairing-{uuid.uuid4().hex[:10]}"},
                "spec": {"restartPolicy": "Never", "containers": [container]},
            },
        )
        try:
            return log_of(made, code=0)
        finally:
            delete(made, grace=1)

    return run_pod


@pytest.fixture(scope="session")
def serve() -> Callable[..., contextlib.AbstractContextManager[PrivateRegistry]]:
    """Runs docker-registries with the settings of a test."""
    return serve_registry


@pytest.fixture(scope="session")
def go_registry(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], contextlib.AbstractContextManager[str]]:
    """Runs a registry of another implementation, built from its Go module once per checkout."""
    place = TOP / ".cache" / GO_REGISTRY.replace("/", "_")
    if not (place / "registry").exists():
        go, building = require_program("go"), place.with_name(f"{place.name}.{os.getpid()}")
        built = subprocess.run(
            [go, "install", "-gcflags=all=-N -l", "-ldflags=-s -w", GO_REGISTRY],  # quickly rather than well
            env={**os.environ, "GOBIN": str(building), "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode:
            missing(f"{GO_REGISTRY} cannot be built: {built.stderr[-500:]}")
        with contextlib.suppress(OSError):  # another process built it first
            building.rename(place)

    @contextlib.contextmanager
    def start() -> Iterator[str]:
        port, log = free_port(), tmp_path_factory.mktemp("go-registry") / "log"
        with log.open("wb") as out:
            process = subprocess.Popen([place / "registry", "-port", str(port)], stdout=out, stderr=out)
        try:
            wait_until_listening(f"127.0.0.1:{port}", process, log)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)

    return start


@pytest.fixture(scope="session")
def own_components(base_image: str, testbed_registry: str, shared_cache: Cache) -> Path:
    """The folder of reusable components whose steps run in our own image, published once for all workers."""
    require_base_python()
    folder = shared_cache.root.with_name("own-components")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first worker publishes
        if not folder.exists():
            made = folder.with_suffix(".made")
            options = ["--registry", f"{testbed_registry}/tests", "--project", f"components-{uuid.uuid4().hex[:8]}"]
            options += ["--insecure", testbed_registry, "--base-image", base_image, "-o", str(made)]
            env = {"FAIRING_KFP_CACHE": str(shared_cache.root)}
            done = CliRunner().invoke(main, ["components", "publish", *options], env=env)
            assert done.exit_code == 0, done.output
            assert (made / "image.txt").read_text().strip() in done.output
            made.rename(folder)
    return folder


@pytest.fixture(scope="session")
def own_image(own_components: Path) -> str:
    """The reference of our own image, by digest."""
    return (own_components / "image.txt").read_text().strip()


@pytest.fixture(scope="module")
def restricted(namespace: str) -> str:
    """The namespace, with the service account of pipelines, admits pods of the restricted standard alone."""
    enforce_pod_security(namespace, "restricted")
    create(namespace, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "pipeline-runner"}})
    return namespace


@pytest.fixture(scope="module")
def component_pods(own_components: Path, kubectl: Callable[..., str], restricted: str) -> ComponentPods:
    """Runs steps of reusable components as pods, under the restricted standard of pod security."""
    return ComponentPods(own_components, kubectl, restricted)


@pytest.fixture
def private_registry(tmp_path: Path) -> Iterator[PrivateRegistry]:
    """An empty docker-registry without authentication."""
    with serve_registry(tmp_path / "registry") as registry:
        yield registry


@pytest.fixture
def other_registry(tmp_path: Path) -> Iterator[PrivateRegistry]:
    """Another registry."""
    with serve_registry(tmp_path / "other-registry") as registry:
        yield registry


@pytest.fixture
def token_server(tmp_path: Path) -> Iterator[TokenServer]:
    """A token server."""
    with serve_tokens(tmp_path / "token-server") as tokens:
        yield tokens


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority, and certificates that it signed."""
    require_program("openssl")
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def shared_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRegistry]:
    """A docker-registry without authentication for a module, whose tests use separate repositories."""
    with serve_registry(tmp_path_factory.mktemp("shared-registry")) as registry:
        yield registry


@pytest.fixture(scope="module")
def other_shared_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRegistry]:
    """Another registry."""
    with serve_registry(tmp_path_factory.mktemp("other-shared-registry")) as registry:
        yield registry


@pytest.fixture(scope="module")
def shared_bearer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PrivateRegistry, TokenServer]]:
    """A docker-registry for a module that requires tokens, and its token server."""
    folder = tmp_path_factory.mktemp("shared-bearer")
    with serve_tokens(folder / "tokens") as tokens, serve_registry(folder / "registry", tokens.auth()) as registry:
        yield registry, tokens


@pytest.fixture
def unique() -> str:
    """A repository name that no other test uses."""
    return f"tests/{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def admin() -> Cluster:
    """A client with administrator permissions, for `tests.support.administrator`."""
    try:
        administrator().request("GET", "/version")
    except ClusterError as error:
        missing(f"no Kubernetes cluster answers: {error}")
    return administrator()


@pytest.fixture(scope="session")
def kubectl(admin: Cluster) -> Callable[..., str]:
    """Runs kubectl with administrator permissions."""
    path = require_program("kubectl")
    return lambda *arguments, **options: run(path, *arguments, **options)


@pytest.fixture(scope="module")
def namespace(admin: Cluster) -> Iterator[str]:
    """A namespace for a module, deleted with everything in it."""
    with new_namespace() as name:
        yield name


@pytest.fixture
def api_proxy(kubectl: Callable[..., str]) -> Iterator[CuttingProxy]:
    """A proxy to the API server that can cut connections."""
    server = urllib.parse.urlsplit(from_kubeconfig().server)
    with cutting_proxy(str(server.hostname), int(server.port or 443)) as started:
        yield started


@pytest.fixture
def cluster_through_proxy(api_proxy: CuttingProxy, namespace: str) -> Cluster:
    """A client that sends its requests through the proxy."""
    server = f"https://{api_proxy.address}"
    return Cluster(lambda: replace(from_kubeconfig(), namespace=namespace, server=server), retry_timeout=20)


@pytest.fixture(scope="session")
def train_steps(
    publishing: dict[str, Any], shared_cache: Cache, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Step]:
    """The train steps of a pipeline, with published images."""
    folder = tmp_path_factory.mktemp("train-steps")
    compiled = fairing_kfp.compile(
        fairing_kfp.load_pipeline(f"{TESTS}/pipelines/elsewhere.py"),
        project=f"train-{uuid.uuid4().hex[:8]}",
        cache=shared_cache,
        lock=str(folder / "fairing.lock"),
        **publishing,
    )
    return steps_of(compiled.text)


@pytest.fixture(scope="session")
def train_kinds(admin: Cluster) -> tuple[str, ...]:
    """The kinds of training jobs that are installed in the cluster."""

    def is_served(name: str) -> bool:
        kind = training_kind(name)
        with contextlib.suppress(NotInstalledError):
            return bool(kind_named(kind.api_version, kind.kind))
        return False

    return tuple(filter(is_served, KINDS))


@pytest.fixture(scope="module")
def train_account(namespace: str, train_kinds: tuple[str, ...]) -> tuple[str, ClusterConfig]:
    """A service account with the roles of all kinds of training jobs, and its configuration."""
    name = service_account(namespace, "---\n".join(roles.manifest(kind, namespace) for kind in train_kinds))
    return name, config_of(namespace, name)


@pytest.fixture(scope="module")
def shared_bench(
    train_steps: Mapping[str, Step],
    namespace: str,
    train_account: tuple[str, ClusterConfig],
    train_kinds: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> Bench:
    """The environment of train steps for a module."""
    name, access = train_account
    return Bench(train_steps, namespace, name, access, train_kinds, tmp_path_factory.mktemp("bench"))


@pytest.fixture
def bench(shared_bench: Bench, tmp_path: Path) -> Bench:
    """The environment of train steps for a test."""
    return replace(shared_bench, folder=tmp_path)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, train_kinds: tuple[str, ...]) -> str:
    """A kind of training jobs; skipped if it is not installed."""
    if request.param not in train_kinds:
        missing(f"the cluster has no kind {request.param}")
    return str(request.param)
