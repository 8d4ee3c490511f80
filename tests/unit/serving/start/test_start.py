"""The server as in an image: a bare interpreter, unpacked layers, and the user's packages."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import signal
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError, EndpointError
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.local.launch import Launch
from fairing_kfp.local.root import bare_python, root_digest, unpack_root
from fairing_kfp.local.server import Server, start_server
from fairing_kfp.preprocess.image_paths import DEPENDENCIES
from fairing_kfp.recipe.runtime_layer import runtime_files
from fairing_kfp.recipe.server_layer import PACKAGES, server_files
from tests.support.waiting import eventually

_PACKAGES = ("uvicorn", "h11", "httptools", "msgspec", "simdjson", "csimdjson", "uvloop", "click", "typing_extensions")

HELPER = "def double(x):\n    return 2 * x\n"

PLAIN = """
    import fairing_kfp, os, time
    from fairing_kfp import fairing_component

    @fairing_component
    class Plain:
        def load(self, model_path: str) -> None:
            time.sleep(float(os.environ.get("LOADS_FOR", "0")))
            with open(model_path) as file:
                self.word = file.read()
            self.asked = model_path + ".asked"

        def predict(self, instances):
            open(self.asked, "w").close()
            time.sleep(sum(instances))
            return [self.word, Plain.__name__, os.getpid()]
    """


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("servers"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's packages, from this environment."""
    folder = tmp_path_factory.mktemp("packages")
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder


@pytest.fixture
def launch(author: Any, shared: Cache, packages: Path) -> Callable[..., Launch]:
    """Starts the predictor of a module from its layers."""

    def start(name: str, text: str, dependencies: Path | None = None, **more: str) -> Launch:
        module = author(**{name: text}, **more)
        (predictor,) = (one for one in vars(module).values() if type(one).__name__ == "Predictor")
        bundle = predictor.source.bundle()
        layers = [layer_of_files("runtime", runtime_files()), layer_of_files("server", server_files()), *bundle.layers]
        trees = {PACKAGES: packages, **({DEPENDENCIES: dependencies} if dependencies else {})}
        root = unpack_root(layers, trees, root_digest(layers, str(dependencies), {}), shared)
        return Launch(predictor.name, "subprocess", [str(bare_python(shared)), str(root / "server" / "serve.py")], {})

    return start


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.write_text("word")
    return path


@pytest.fixture
def plain(launch: Callable[..., Launch], model: Path) -> Iterator[Server]:
    with start_server(launch("plain_predictor", PLAIN), model) as server:
        yield server


def post(server: Server, seconds: float) -> tuple[int, Any, str]:
    """Sends a slow prediction; returns the status, the response and the Connection header."""
    port = int(server.endpoint.url.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/v1/models/plain:predict", json.dumps({"instances": [seconds]}))
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read()), answer.getheader("connection", "")


def test_it_loads_and_predicts(plain: Server) -> None:
    answer = plain.endpoint.predict([0])

    assert answer == ["word", "Plain", plain.process.pid]
    assert plain.endpoint.ready()
    assert plain.endpoint.model == "plain"


def test_the_user_may_have_other_versions_of_our_packages(
    launch: Callable[..., Launch], model: Path, tmp_path: Path
) -> None:
    """The predictor imports the user's packages, newer, older and broken; the server imports ours."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for name in ("msgspec", "httptools", "h11", "uvloop"):
        (theirs / name).mkdir()
        (theirs / name / "__init__.py").write_text(f"name = 'their {name}'\n")
    (theirs / "msgspec" / "_utils.py").write_text("raise RuntimeError('not ours')")
    (theirs / "uvicorn.py").write_text("raise RuntimeError('broken')")
    (theirs / "click.py").write_text("name = 'their click'")
    (theirs / "typing_extensions.py").write_text("raise RuntimeError('broken')")
    text = """
        import sys
        from fairing_kfp import fairing_component

        @fairing_component
        class Plain:
            def load(self, model_path: str) -> None:
                import click, h11, httptools, msgspec
                self.seen = [module.name for module in (click, h11, httptools, msgspec)]

            def predict(self, instances):
                import uvloop
                try:
                    import uvicorn
                except RuntimeError as error:
                    return [*self.seen, uvloop.name, str(error), "fairing_server" in sys.modules]

            def ready(self):
                return True
        """
    with start_server(launch("colliding_predictor", text, theirs), model) as server:
        seen = [*(f"their {name}" for name in ("click", "h11", "httptools", "msgspec", "uvloop")), "broken", False]
        assert server.endpoint.predict([0]) == seen
        with pytest.raises(EndpointError) as caught:
            server.endpoint.raw("/v1/models/plain:predict", b"{")
        assert caught.value.status == 400
        for path, status in (("/openapi.json", 200), ("/metrics", 200), ("/nowhere", 404), ("/v2/models/plain", 200)):
            assert server.endpoint._request("GET", path).status == status
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.process.wait(60) == 0


def test_own_modules_and_captured_names_are_packed(launch: Callable[..., Launch], model: Path) -> None:
    text = """
        from multiprocessing import get_context

        from fairing_kfp import fairing_component
        from lab_helper import double

        FACTOR = 3

        def triple(number):
            return FACTOR * number

        @fairing_component
        class Plain:
            def load(self, model_path: str) -> None:
                self.pool = get_context("spawn").Pool(1)

            def predict(self, instances):
                return [double(one) for one in instances] + self.pool.map(triple, instances)
        """
    with start_server(
        launch("using_predictor", text, lab_helper="def double(x):\n    return 2 * x\n"), model
    ) as server:
        assert server.endpoint.predict([1, 2]) == [2, 4, 3, 6]
    assert server.process.returncode == 0  # its pool ends with it


def test_a_function_is_served(launch: Callable[..., Launch]) -> None:
    text = """
        from fairing_kfp import fairing_component

        @fairing_component(serve=True)
        def lengths(instances: list[bytes]):
            return [len(one) for one in instances]
        """
    with start_server(launch("function_predictor", text)) as server:
        assert server.endpoint.predict([b"\xff", b""]).tolist() == [1, 0]


def test_a_model_that_cannot_be_loaded_stops_the_server_with_the_reason(
    launch: Callable[..., Launch], tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(EndpointError) as caught, start_server(launch("plain_predictor", PLAIN), folder):
        pass

    assert "exited with code 1" in caught.value.message
    assert "the model cannot be loaded: IsADirectoryError" in caught.value.message
    assert "Traceback" in caught.value.message


def test_invalid_arguments_are_rejected_before_the_start(launch: Callable[..., Launch], model: Path) -> None:
    one = launch("plain_predictor", PLAIN)
    with (
        pytest.raises(ConfigError, match=r"the model .*/missing does not exist"),
        start_server(one, model.with_name("missing")),
    ):
        pass
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on port {port}"), start_server(one, model, port=port):
            pass


def test_an_undeclared_package_is_named(launch: Callable[..., Launch], model: Path) -> None:
    text = PLAIN.replace("import fairing_kfp, os", "import fairing_kfp, numpy, os").replace(
        "time.sleep(sum(instances))", "numpy.sum(instances)"
    )
    with (
        pytest.raises(EndpointError, match="name the package of numpy"),
        start_server(launch("needy_predictor", text), model),
    ):
        pass


def test_an_invalid_setting_is_named(
    launch: Callable[..., Launch], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRING_CONCURRENCY", "many")
    with (
        pytest.raises(EndpointError, match="FAIRING_CONCURRENCY='many' is not an integer"),
        start_server(launch("plain_predictor", PLAIN), model),
    ):
        pass


def test_pending_requests_are_finished_and_new_ones_refused(plain: Server, model: Path) -> None:
    answers: list[tuple[int, Any, str]] = []
    thread = threading.Thread(target=lambda: answers.append(post(plain, 1)))
    thread.start()
    eventually(model.with_name("model.asked").exists)
    os.kill(plain.process.pid, signal.SIGTERM)
    thread.join(60)

    assert plain.process.wait(60) == 0
    assert [status for status, _, _ in answers] == [200]
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(plain.endpoint.url.rpartition(":")[2])), timeout=5)


def test_new_requests_are_answered_while_it_lingers(launch: Callable[..., Launch], model: Path) -> None:
    lingering = replace(launch("plain_predictor", PLAIN), env={"FAIRING_LINGER_SECONDS": "4"})
    with start_server(lingering, model) as server:
        assert post(server, 0)[2] == ""
        os.kill(server.process.pid, signal.SIGTERM)
        eventually(lambda: not server.endpoint.ready())
        status, _, connection = post(server, 0)
        assert (status, connection) == (200, "close")
        assert server.process.wait(60) == 0


def test_requests_that_do_not_finish_in_time_are_cancelled(
    launch: Callable[..., Launch], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRING_DRAIN_SECONDS", "1")
    with start_server(launch("plain_predictor", PLAIN), model) as server:
        thread = threading.Thread(target=_cut_off, args=(server,))
        thread.start()
        eventually(model.with_name("model.asked").exists)
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.process.wait(60) == 0
        thread.join(60)


def test_it_can_be_stopped_while_the_model_loads(
    launch: Callable[..., Launch], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADS_FOR", "60")
    told: list[str] = []

    def log_line(line: str) -> None:
        told.append(line)
        if "loading the model" in line:
            os.kill(_child(), signal.SIGTERM)

    with (
        pytest.raises(EndpointError, match="exited with code 0"),
        start_server(launch("plain_predictor", PLAIN), model, log_line=log_line),
    ):
        pass
    assert any("the predictor is still running" in line for line in told)


def _cut_off(server: Server) -> None:
    with pytest.raises((OSError, http.client.HTTPException, ValueError)):  # any error, but no response
        post(server, 60)


def _child() -> int:
    """The process ID of the server."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return next(int(one) for one in children if b"serve.py" in Path(f"/proc/{one}/cmdline").read_bytes())


def test_workers_share_a_port_and_are_restarted(launch: Callable[..., Launch], model: Path) -> None:
    started = launch("plain_predictor", PLAIN)
    lines: list[str] = []
    env = {**started.env, "FAIRING_WORKERS": "2", "FAIRING_LINGER_SECONDS": "0"}
    with start_server(replace(started, env=env), model, log_line=lines.append) as server:
        seen = {post(server, 0)[1]["predictions"][2] for _ in range(40)}
        assert len(seen) == 2
        assert server.process.pid not in seen
        victim = min(seen)
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: "exited with SIGKILL: restarting it" in "\n".join(lines))
        assert post(server, 0)[0] in (200, 503), "of the other one, or still loading"
        eventually(lambda: sum("ready  worker=" in line for line in lines) == 3)
        eventually(server.endpoint.ready)
        assert victim not in {post(server, 0)[1]["predictions"][2] for _ in range(5)}
        with ThreadPoolExecutor() as pool:
            pending = [pool.submit(post, server, 0.5) for _ in range(4)]
            eventually(lambda: "in_flight 4" in _metrics(server))
            os.kill(server.process.pid, signal.SIGTERM)
            assert [one.result()[0] for one in pending] == [200] * 4
        assert server.process.wait(30) == 0
    text = "\n".join(lines)
    assert all(f"stopped  worker={number}" in text for number in (0, 1))


def _metrics(server: Server) -> str:
    with urllib.request.urlopen(f"{server.endpoint.url}/metrics") as answer:
        return str(answer.read(), "ascii")


def test_a_worker_that_cannot_load_the_model_ends_the_server(launch: Callable[..., Launch], model: Path) -> None:
    started = launch("plain_predictor", PLAIN)
    env = {**started.env, "FAIRING_WORKERS": "2", "LOADS_FOR": "never"}
    with pytest.raises(EndpointError) as caught, start_server(replace(started, env=env), model):
        pass

    assert "exited with code 1; its log" in str(caught.value)
    assert "exited with code 1 before it had loaded the model: stopping the server" in str(caught.value)
    assert "could not convert string to float" in str(caught.value)
