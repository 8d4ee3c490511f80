"""Predictors in restricted containers, and on this machine by the command."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairing_kfp import Endpoint, Predictor
from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import DependencyError
from fairing_kfp.recipe.component import component_recipe
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.settings import Settings
from tests.support import predictors
from tests.support.services import free_port, missing, require_base_python, run
from tests.support.waiting import eventually

_PREDICTORS = Path(predictors.__file__)


@pytest.fixture(scope="module")
def publish(shared_cache: Cache, base_image: str, testbed_registry: str) -> Callable[[Predictor[Any, Any]], str]:
    """Publishes a predictor's image, and returns it by digest."""
    require_base_python()
    target = f"{testbed_registry}/tests/serving"

    def push(predictor: Predictor[Any, Any]) -> str:
        try:
            prepared = component_recipe(predictor.source, Settings(base_image=base_image), shared_cache)
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
    """Runs an image unprivileged and with a read-only file system; returns the container's ID and the server's URL."""
    started: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(image: str, **variables: str) -> tuple[str, str]:
        port = free_port()
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
        until_it_ends = subprocess.Popen(["docker", "wait", one], stdout=subprocess.DEVNULL)
        started.append((one, until_it_ends))
        url = f"http://127.0.0.1:{port}"

        def is_ready() -> bool:
            assert until_it_ends.poll() is None, log_of(one)
            return Endpoint(url, retries=0).ready()

        eventually(is_ready, why=lambda: log_of(one))
        return one, url

    yield start
    for one, until_it_ends in started:
        subprocess.run(["docker", "rm", "-f", one], capture_output=True, check=False)
        until_it_ends.wait(60)


def log_of(container: str) -> str:
    done = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.docker
@pytest.mark.registry
def test_an_image_serves_by_default(publish: Any, container: Any) -> None:
    one, url = container(publish(predictors.Products))
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
def test_no_request_is_lost_on_sigterm(publish: Any, container: Any, model: Path) -> None:
    """Clients that leave once the server is not ready, as those behind a Service do, lose no request.

    Nor does one whose request takes longer than the server accepts others.
    """
    one, url = container(publish(predictors.Waits), FAIRING_LINGER_SECONDS="4", FAIRING_CONCURRENCY="2")
    left = threading.Event()

    def ask(instance: bool) -> Any:
        body = json.dumps({"instances": [instance]}).encode()
        request = urllib.request.Request(f"{url}/v1/models/waits:predict", body)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def ask_until_left() -> int:
        answered = 0
        while not left.wait(0.01):
            assert ask(False) == {"predictions": [False]}
            answered += 1
        return answered

    with ThreadPoolExecutor(10) as pool:
        under_way = pool.submit(ask, True)
        clients = [pool.submit(ask_until_left) for _ in range(4)]
        stopping = pool.submit(run, "docker", "stop", "-t", "30", one)
        while Endpoint(url, retries=0).ready():
            time.sleep(0.01)
        still_answered = ask(False)
        left.set()
        assert all(client.result() for client in clients)
        while _accepts(url):
            time.sleep(0.05)
        assert not under_way.done()
        model.write_text("answer")
        assert under_way.result() == {"predictions": [True]}
        stopping.result()

    assert still_answered == {"predictions": [False]}
    assert run("docker", "inspect", "-f", "{{.State.ExitCode}}", one).strip() == "0"
    assert json.loads(log_of(one).splitlines()[-1])["message"] == "stopped"


def _accepts(url: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), timeout=10).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:
        pass
    return True


@pytest.mark.docker
@pytest.mark.registry
def test_a_model_that_cannot_be_loaded_stops_the_container(publish: Any, container: Any) -> None:
    with pytest.raises(AssertionError, match="the model cannot be loaded: FileNotFoundError"):
        container(publish(predictors.Words), FAIRING_MODEL_PATH="/nowhere")


class TestLocal:
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
            timeout=300,
        )
        if "package index" in done.stderr:
            missing(f"packages cannot be resolved: {done.stderr}")

        assert done.returncode == 0, done.stderr
        assert '{"predictions": ["2 1"]}' in done.stdout.splitlines()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_until_it_is_interrupted(self, model: Path, number: signal.Signals) -> None:
        port = free_port()
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
            done = subprocess.run(curl, shell=True, capture_output=True, text=True, check=True, timeout=60)
            assert json.loads(done.stdout) == {"predictions": [3]}
            process.send_signal(number)
            assert process.wait(60) == 0
            assert not _accepts(f"http://127.0.0.1:{port}")

    def test_in_python(self, model: Path) -> None:
        try:
            with predictors.Scales.here(model) as endpoint:
                assert endpoint.predict(np.array([1.5])).tolist() == [3.0]
                url = endpoint.url
        except DependencyError as error:
            missing(f"packages cannot be resolved: {error}")
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(url, timeout=5)
