"""Predictors as images: what runs in them, as the strictest clusters run it; and on this machine, by the command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairing_kfp import Endpoint, Predictor
from fairing_kfp.build.append import AppendBuilder
from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import DependencyError
from fairing_kfp.prepare import prepare
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.settings import Settings
from tests import predictors
from tests.integration.conftest import _free_port, missing, run

_PREDICTORS = Path(predictors.__file__)


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("serving-cache"))


@pytest.fixture(scope="module")
def publish(shared_cache: Cache, base_image: str, testbed_registry: str) -> Callable[[Predictor[Any, Any]], str]:
    """Pushes a predictor's image, and gives its name by digest."""
    if sys.version_info[:2] != (3, 11):
        missing("the testbed's base image has Python 3.11, which is not this one")
    target = f"{testbed_registry}/tests/serving-{uuid.uuid4().hex[:8]}"

    def push(predictor: Predictor[Any, Any]) -> str:
        try:
            prepared = prepare(predictor.source, Settings(base_image=base_image), shared_cache)
        except DependencyError as error:
            missing(f"packages cannot be resolved: {error}")
        return AppendBuilder(target, cache=shared_cache, client=RegistryClient([testbed_registry])).publish(
            prepared.image
        )

    return push


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.write_text("2")
    path.chmod(0o644)
    tmp_path.chmod(0o755)
    return path


@pytest.fixture
def container(docker_engine: Any, model: Path) -> Iterator[Callable[..., tuple[str, str]]]:
    """Runs an image as nobody, without rights and with nothing to write to; gives its id and its server's address."""
    started = []

    def start(image: str, **variables: str) -> tuple[str, str]:
        port = _free_port()
        env = {
            "FAIRING_PORT": str(port),
            "FAIRING_MODEL_PATH": "/mnt/models",
            "FAIRING_LINGER_SECONDS": "0",
            **variables,
        }
        options = [word for name, value in env.items() for word in ("-e", f"{name}={value}")]
        strict = ("--user", "54321:54321", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
        mount = ("-v", f"{model}:/mnt/models:ro", "--network", "host")
        one = run("docker", "run", "-d", "--pull", "always", *strict, *mount, *options, image).strip()
        started.append(one)
        url = f"http://127.0.0.1:{port}"
        for _ in range(400):
            if Endpoint(url, retries=0).ready():
                return one, url
            state = run("docker", "inspect", "-f", "{{.State.Status}}", one).strip()
            assert state == "running", log_of(one)
            time.sleep(0.05)
        raise AssertionError(log_of(one))

    yield start
    for one in started:
        subprocess.run(["docker", "rm", "-f", one], capture_output=True, check=False)


def log_of(container: str) -> str:
    done = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.docker
@pytest.mark.registry
def test_an_image_serves_as_it_is(publish: Any, container: Any) -> None:
    one, url = container(publish(predictors.Scales))
    config = json.loads(run("docker", "inspect", "-f", "{{json .Config}}", one))
    log = [json.loads(line) for line in log_of(one).splitlines()]

    assert config["Cmd"] == ["python3", "/opt/fairing/server/serve.py"]
    assert not config["Entrypoint"]
    assert [line["message"] for line in log[:3]] == ["listening", "loading the model", "ready"]
    array = np.arange(6.0).reshape(2, 3)
    for protocol in ("v1", "v2"):
        assert Endpoint(url, protocol=protocol).predict(array).tolist() == (array * 2).tolist()  # type: ignore[arg-type]
    assert Endpoint(url).explain([[1]]) == {"factor": 2.0}
    assert b"fairing_model_ready 1" in urllib.request.urlopen(f"{url}/metrics", timeout=10).read()


@pytest.mark.docker
@pytest.mark.registry
def test_no_request_is_lost_when_it_is_told_to_end(publish: Any, container: Any) -> None:
    """Under load: what was begun is answered, and what comes later is refused by nobody listening, not half-way."""
    one, url = container(publish(predictors.Words), FAIRING_LINGER_SECONDS="1")
    told, refused = [], []
    ending = threading.Event()

    def ask() -> None:
        while True:
            request = urllib.request.Request(f"{url}/v1/models/words:predict", b'{"instances": ["x"]}')
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    told.append(json.load(answer))
            except urllib.error.URLError as error:
                if not isinstance(error.reason, ConnectionRefusedError):
                    refused.append(error)
                return
            except OSError as error:
                refused.append(error)
                return
            if ending.is_set() and len(told) > 2000:
                return

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    before = len(told)
    ending.set()
    run("docker", "stop", "-t", "20", one)
    for thread in threads:
        thread.join(20)

    assert not refused
    assert len(told) > before
    assert all(answer == {"predictions": ["2 x"]} for answer in told)
    assert run("docker", "inspect", "-f", "{{.State.ExitCode}}", one).strip() == "0"
    last = json.loads(log_of(one).splitlines()[-1])
    assert last["message"] == "ended"


@pytest.mark.docker
@pytest.mark.registry
def test_a_model_that_does_not_load_ends_the_container(publish: Any, container: Any) -> None:
    with pytest.raises(AssertionError, match="the model cannot be loaded: FileNotFoundError"):
        container(publish(predictors.Words), FAIRING_MODEL_PATH="/nowhere")


class TestHere:
    @pytest.fixture(autouse=True)
    def _cached(self, shared_cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FAIRING_KFP_CACHE", str(shared_cache.root))

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "fairing_kfp", "serve", *arguments]

    def test_a_sample_request(self, model: Path) -> None:
        done = subprocess.run(
            self.command(
                f"{_PREDICTORS}:Words", "--model", str(model), "--port", "0", "--request", '{"instances": [1]}'
            ),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if "package index" in done.stderr:
            missing(f"packages cannot be resolved: {done.stderr}")

        assert done.returncode == 0, done.stderr
        assert '{"predictions": ["2 1"]}' in done.stdout.splitlines()

    def test_until_it_is_interrupted(self, model: Path) -> None:
        port = _free_port()
        command = self.command(f"{_PREDICTORS}:lengths", "--port", str(port))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if "curl" in line:
                    break
            assert Endpoint(f"http://127.0.0.1:{port}").predict([b"abc"]).tolist() == [3]
            curl = lines[-1].strip()
            done = subprocess.run(curl, shell=True, capture_output=True, text=True, check=True, timeout=20)
            assert json.loads(done.stdout) == {"predictions": [3]}
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(20) == 0

    def test_in_python(self, model: Path) -> None:
        try:
            with predictors.Scales.here(model) as endpoint:
                assert endpoint.predict(np.array([1.5])).tolist() == [3.0]
                url = endpoint.url
        except DependencyError as error:
            missing(f"packages cannot be resolved: {error}")
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(url, timeout=5)
