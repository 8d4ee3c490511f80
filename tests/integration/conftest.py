"""Services for tests: those of the testbed, and registries that a test has for itself.

A missing service skips its tests, with the reason; in CI (`CI=true`) it fails them.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.build.cache import Cache
from fairing_kfp.cluster import rbac
from fairing_kfp.cluster.connect import Access
from tests.accounts import access_of, service_account
from tests.authority import Authority, make_authority
from tests.integration.trains import RESOURCES, Bench
from tests.train_steps import Step, steps_of

GO_REGISTRY = "github.com/google/go-containerregistry/cmd/registry@v0.20.6"
TESTBED = "registry.testbed:5000"
_ACCESS = re.compile(r'^\S+ - \S+ \[[^]]*\] "(\S+) (\S+) HTTP/[\d.]+" (\d+)', re.MULTILINE)


def missing(reason: str) -> None:
    """Skips a test; fails it where all services have to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI lacks a service: {reason}")
    pytest.skip(reason)


def run(*command: str, **options: Any) -> str:
    """What a program prints; its errors fail the test."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180, **options)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def _need(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        missing(f"{program} is not on PATH")
    return path or ""


@pytest.fixture(scope="session")
def testbed_registry() -> str:
    """The testbed's registry, which the kubelet pulls from."""
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
def sample_cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """One cache for the samples, so that scikit-learn is unpacked once."""
    return Cache(tmp_path_factory.mktemp("sample-cache"))


@pytest.fixture(scope="session")
def skopeo() -> Callable[..., str]:
    """Runs skopeo, which judges and copies images."""
    path = _need("skopeo")
    return lambda *arguments: run(path, *arguments)


@pytest.fixture(scope="session")
def crane_validates() -> Callable[[str], None]:
    """Lets crane judge an image, where there is crane."""
    path = shutil.which("crane")

    def validate(image: str) -> None:
        if path:
            assert "PASS" in run(path, "validate", "--insecure", "--remote", image)

    return validate


@pytest.fixture(scope="session")
def docker_engine() -> Callable[..., str]:
    """Runs a command in a container of a Docker Engine, and gives its output."""
    path = _need("docker")
    if subprocess.run([path, "info"], capture_output=True, check=False).returncode:
        missing("no Docker Engine answers")
    return lambda image, *command: run(path, "run", "--rm", "--network", "host", "--pull", "always", image, *command)


@pytest.fixture(scope="session")
def pod() -> Callable[..., str]:
    """Runs a command in a pod, and gives its log."""
    kubectl = _need("kubectl")
    probe = subprocess.run([kubectl, "get", "nodes", "-o", "name"], capture_output=True, text=True, check=False)
    if probe.returncode or not probe.stdout.strip():
        missing("no Kubernetes cluster answers")

    def run_pod(image: str, *command: str) -> str:
        name = f"fairing-{uuid.uuid4().hex[:10]}"
        try:
            run(kubectl, "run", name, f"--image={image}", "--restart=Never", "--command", "--", *command)
            waiting = "--for=jsonpath={.status.phase}=Succeeded"
            run(kubectl, "wait", f"pod/{name}", waiting, "--timeout=120s")
            return run(kubectl, "logs", name)
        finally:
            subprocess.run([kubectl, "delete", "pod", name, "--now", "--wait=false"], capture_output=True, check=False)

    return run_pod


@dataclass
class PrivateRegistry:
    """A docker-registry of one test, and its access log.

    Attributes:
        host: `127.0.0.1:port`, spoken to over plain HTTP.
    """

    host: str
    process: subprocess.Popen[bytes]
    log: Path
    seen: int = 0

    def requests(self) -> list[str]:
        """`METHOD path status` of each request since the last call, as the registry logged it."""
        sentinel = f"/v2/?{uuid.uuid4().hex}"
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(f"http://{self.host}{sentinel}", timeout=5).close()
        lines: list[tuple[str, str, str]] = []
        for _ in range(200):
            lines = _ACCESS.findall(self.log.read_text())
            if any(path == sentinel for _, path, _ in lines):
                break
            time.sleep(0.02)
        fresh, self.seen = lines[self.seen :], len(lines)
        return [f"{method} {path} {status}" for method, path, status in fresh if not path.startswith("/v2/?")]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serve_registry(
    folder: Path, auth: dict[str, Any] | None = None, tls: Authority | None = None, clients: bool = False
) -> Iterator[PrivateRegistry]:
    """Starts a docker-registry on a port of its own, and ends it.

    Args:
        folder: for its data.
        auth: its settings of that name.
        tls: who signed its certificate.
        clients: whether it wants a certificate of the same authority.
    """
    program = _need("docker-registry")
    folder.mkdir(parents=True, exist_ok=True)
    host, log = f"127.0.0.1:{_free_port()}", folder / "log"
    http: dict[str, Any] = {"addr": host}
    if tls:
        http["tls"] = {"certificate": str(tls.server), "key": str(tls.server)}
        http["tls"] |= {"clientcas": [str(tls.ca)]} if clients else {}
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": False}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": http,
        "validation": {"manifests": {"urls": {"allow": ["^https://"]}}},  # foreign layers
        **({"auth": auth} if auth else {}),
    }
    (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
    with log.open("wb") as out:
        process = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=out, stderr=out)
    try:
        _answers(host, process, log)
        yield PrivateRegistry(host, process, log)
    finally:
        process.terminate()
        process.wait(10)


def _answers(host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until a process listens."""
    for _ in range(500):
        with contextlib.suppress(ConnectionError), socket.create_connection(host.split(":"), timeout=1):
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.02)


@pytest.fixture(scope="session")
def serve() -> Callable[..., contextlib.AbstractContextManager[PrivateRegistry]]:
    """Starts docker-registries of a test's own kind."""
    return serve_registry


@pytest.fixture(scope="session")
def go_registry(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], contextlib.AbstractContextManager[str]]:
    """Starts a registry of another implementation, built from its Go module once a checkout."""
    place = Path(__file__).parents[2] / ".cache" / GO_REGISTRY.replace("/", "_")
    if not (place / "registry").exists():
        go, building = _need("go"), place.with_name(f"{place.name}.{os.getpid()}")
        built = subprocess.run(
            [go, "install", GO_REGISTRY],
            env={**os.environ, "GOBIN": str(building), "GOFLAGS": "-buildvcs=false"},
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode:
            missing(f"{GO_REGISTRY} cannot be built: {built.stderr[-500:]}")
        with contextlib.suppress(OSError):  # another process was faster
            building.rename(place)

    @contextlib.contextmanager
    def start() -> Iterator[str]:
        port, log = _free_port(), tmp_path_factory.mktemp("go-registry") / "log"
        with log.open("wb") as out:
            process = subprocess.Popen([place / "registry", "-port", str(port)], stdout=out, stderr=out)
        try:
            _answers(f"127.0.0.1:{port}", process, log)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)

    return start


@pytest.fixture
def private_registry(tmp_path: Path) -> Iterator[PrivateRegistry]:
    """An anonymous docker-registry, empty."""
    with serve_registry(tmp_path / "registry") as registry:
        yield registry


@pytest.fixture
def other_registry(tmp_path: Path) -> Iterator[PrivateRegistry]:
    """Another one."""
    with serve_registry(tmp_path / "other-registry") as registry:
        yield registry


@dataclass
class TokenServer:
    """Gives a docker-registry's tokens to anybody, as Docker Hub's gives them for public images.

    Attributes:
        expires_in: how many seconds its tokens live.
        asked: the scopes of each request for a token.
    """

    folder: Path
    expires_in: int = 300
    asked: list[list[str]] = field(default_factory=list)
    realm: str = ""

    def auth(self) -> dict[str, Any]:
        """The registry's settings that make it send its clients here."""
        bundle = str(self.folder / "cert.pem")
        return {"token": {"realm": self.realm, "service": "test", "issuer": "tests", "rootcertbundle": bundle}}

    def token(self, scopes: list[str]) -> str:
        """A signed JSON web token (https://distribution.github.io/distribution/spec/auth/jwt/)."""
        certificate = "".join((self.folder / "cert.pem").read_text().split("\n")[1:-2])
        access = [
            {"type": kind, "name": name, "actions": actions.split(",")}
            for kind, name, actions in (scope.split(":") for scope in scopes)
        ]
        now = int(time.time())
        claims = {
            "iss": "tests",
            "sub": "",
            "aud": "test",
            "iat": now,
            "nbf": now - 1,
            "exp": now + self.expires_in,
            "jti": uuid.uuid4().hex,
            "access": access,
        }
        header = {"typ": "JWT", "alg": "RS256", "x5c": [certificate]}
        payload = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        command = ["openssl", "dgst", "-sha256", "-sign", str(self.folder / "key.pem")]
        signature = subprocess.run(command, input=payload.encode(), capture_output=True, check=True).stdout
        return f"{payload}.{_base64url(signature)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextlib.contextmanager
def serve_tokens(folder: Path) -> Iterator[TokenServer]:
    """Starts a token server, and ends it."""
    _need("openssl")
    folder.mkdir(exist_ok=True)
    run(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=tests",
        "-keyout",
        str(folder / "key.pem"),
        "-out",
        str(folder / "cert.pem"),
    )
    state = TokenServer(folder)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            scopes = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("scope", [])
            state.asked.append(scopes)
            body = json.dumps({"token": state.token(scopes), "expires_in": state.expires_in}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.realm = f"http://127.0.0.1:{server.server_port}/token"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def token_server(tmp_path: Path) -> Iterator[TokenServer]:
    """A token server of the test's own."""
    with serve_tokens(tmp_path / "token-server") as tokens:
        yield tokens


@pytest.fixture
def bearer_registry(tmp_path: Path, token_server: TokenServer) -> Iterator[PrivateRegistry]:
    """A docker-registry that sends everybody to the token server."""
    with serve_registry(tmp_path / "bearer-registry", token_server.auth()) as registry:
        yield registry


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority of the tests' own, and what it signed."""
    _need("openssl")
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def shared_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRegistry]:
    """An anonymous docker-registry for the tests of a module, which keep to repositories of their own."""
    with serve_registry(tmp_path_factory.mktemp("shared-registry")) as registry:
        yield registry


@pytest.fixture(scope="module")
def other_shared_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRegistry]:
    """Another one."""
    with serve_registry(tmp_path_factory.mktemp("other-shared-registry")) as registry:
        yield registry


@pytest.fixture(scope="module")
def shared_bearer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PrivateRegistry, TokenServer]]:
    """A docker-registry for the tests of a module that sends everybody to a token server, and that server."""
    folder = tmp_path_factory.mktemp("shared-bearer")
    with serve_tokens(folder / "tokens") as tokens, serve_registry(folder / "registry", tokens.auth()) as registry:
        yield registry, tokens


@pytest.fixture
def unique() -> str:
    """A repository name that no other test uses."""
    return f"tests/{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def kubectl() -> Callable[..., str]:
    """Runs kubectl with admin rights, where a cluster answers."""
    path = _need("kubectl")
    probe = subprocess.run([path, "get", "nodes", "-o", "name"], capture_output=True, text=True, check=False)
    if probe.returncode or not probe.stdout.strip():
        missing("no Kubernetes cluster answers")
    return lambda *arguments, **options: run(path, *arguments, **options)


@pytest.fixture(scope="module")
def namespace(kubectl: Callable[..., str]) -> Iterator[str]:
    """A namespace for the tests of a module, deleted with all that is in it."""
    with new_namespace(kubectl) as name:
        yield name


@contextlib.contextmanager
def new_namespace(kubectl: Callable[..., str]) -> Iterator[str]:
    """A namespace for the block, deleted with all that is in it."""
    name = f"fairing-{uuid.uuid4().hex[:10]}"
    kubectl("create", "namespace", name)
    try:
        kubectl("-n", name, "wait", "--for=create", "serviceaccount/default", "--timeout=30s")
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def train_steps(base_image: str, testbed_registry: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Step]:
    """The train steps of a pipeline, published with our own image."""
    if sys.version_info[:2] != (3, 11):
        missing("the testbed's base image has Python 3.11, which is not this one")
    folder = tmp_path_factory.mktemp("train-steps")
    compiled = fairing_kfp.compile(
        fairing_kfp.load_pipeline(f"{Path(__file__).parents[1]}/pipelines/elsewhere.py"),
        registry=f"{testbed_registry}/tests",
        project=f"train-{uuid.uuid4().hex[:8]}",
        insecure=[testbed_registry],
        base_image=base_image,
        cache=Cache(folder / "cache"),
        lock=str(folder / "fairing.lock"),
    )
    return steps_of(compiled.text)


@pytest.fixture(scope="session")
def train_kinds(kubectl: Callable[..., str]) -> tuple[str, ...]:
    """The kinds of jobs that the cluster has."""
    installed = {line.split("/")[-1] for line in kubectl("get", "crd", "-o", "name").split()}
    return tuple(kind for kind, resource in RESOURCES.items() if kind == "job" or resource in installed)


@pytest.fixture(scope="module")
def train_account(namespace: str, kubectl: Callable[..., str], train_kinds: tuple[str, ...]) -> tuple[str, Access]:
    """A service account that may do what jobs need, and its access."""
    name = service_account(kubectl, namespace, "---\n".join(rbac.manifest(kind, namespace) for kind in train_kinds))
    return name, access_of(kubectl, namespace, name)


@pytest.fixture(scope="module")
def shared_bench(
    train_steps: Mapping[str, Step],
    namespace: str,
    train_account: tuple[str, Access],
    kubectl: Callable[..., str],
    train_kinds: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> Bench:
    """Where the tests of a module try train steps."""
    name, access = train_account
    return Bench(train_steps, namespace, name, access, kubectl, train_kinds, tmp_path_factory.mktemp("bench"))


@pytest.fixture
def bench(shared_bench: Bench, tmp_path: Path) -> Bench:
    """Where a test tries train steps."""
    return replace(shared_bench, folder=tmp_path)


@pytest.fixture(params=["job", "trainjob", "pytorchjob", "tfjob"])
def kind(request: pytest.FixtureRequest, train_kinds: tuple[str, ...]) -> str:
    """A kind of jobs, where the cluster has it."""
    if request.param not in train_kinds:
        missing(f"the cluster has no {RESOURCES[request.param]}")
    return str(request.param)
