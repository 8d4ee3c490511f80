"""Health, limits, metrics, logs and settings of the server."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fairing_kfp.serving.server import lifecycle, logs
from fairing_kfp.serving.server.listening import listen
from fairing_kfp.serving.server.processes import Process
from fairing_kfp.serving.server.settings import Settings
from fairing_kfp.serving.server.shared_metrics import SharedMetrics


class Waits:
    """Predicts once it is released."""

    entered = threading.Semaphore(0)
    go = threading.Event()

    def load(self, model_path):
        type(self).go.clear()

    def predict(self, instances):
        Waits.entered.release()
        assert Waits.go.wait(10)
        return instances


@pytest.fixture
def logging_again():
    """Restores this process's logging."""
    names = ("fairing", "uvicorn", "root")
    kept = {name: (list(logging.getLogger(name).handlers), logging.getLogger(name).level) for name in names}
    last = logging.lastResort
    yield
    logging.lastResort = last
    for name, (handlers, level) in kept.items():
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = handlers, True
        logger.setLevel(level)


def predict(client, **options):
    return client.post("/v1/models/digits:predict", json={"instances": [1]}, **options)


def test_it_is_live_before_the_model_is_loaded(serve):
    client = serve(Waits, load=False)

    assert client.get("/").json() == {"status": "alive"}
    assert client.get("/healthz").status_code == 200
    assert client.get("/v2/health/live").status_code == 200
    for path in ("/v2/health/ready", "/v2/models/digits/ready", "/v1/models/digits"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["ready"]) == (503, False)
    answer = predict(client)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "still loading" in answer.json()["error"]


@pytest.mark.parametrize("word", [False, ValueError("no database")])
def test_the_predictor_may_report_its_readiness(serve, word):
    class Judges(Waits):
        def ready(self):
            if isinstance(word, Exception):
                raise word
            return word

    assert serve(Judges).get("/v2/health/ready").status_code == 503


def test_probes_are_answered_during_predictions_and_the_queue_is_limited(serve):
    client = serve(Waits, queue=1)
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(predict, client) for _ in range(2)]
        assert Waits.entered.acquire(timeout=10)
        while "fairing_requests_in_flight 2" not in client.get("/metrics").text:
            pass
        assert client.get("/v2/health/ready").status_code == 200
        refused = predict(client)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "2 requests are already in progress" in refused.json()["error"]
        Waits.go.set()
        assert [one.result(10).status_code for one in asked] == [200, 200]
    assert predict(client).status_code == 200


def test_the_size_of_bodies_is_limited(serve):
    client = serve(lambda instances: len(instances), max_bytes=50)

    assert predict(client).status_code == 200
    large = json.dumps({"instances": ["x" * 50]}).encode()
    for content in (large, (large[n : n + 10] for n in range(0, len(large), 10))):
        answer = client.post("/v1/models/digits:predict", content=content)
        assert answer.status_code == 413
        assert "larger than 50 bytes, the limit of FAIRING_MAX_BYTES" in answer.json()["error"]


def test_compressed_bodies_are_rejected(serve):
    answer = predict(serve(lambda instances: 1), headers={"content-encoding": "gzip"})

    assert (answer.status_code, answer.json()) == (415, {"error": "compressed bodies are not supported"})


def test_receiving_a_body_times_out(serve):
    client = serve(lambda instances: 1, body_seconds=0.05)
    sent = []

    async def ask():
        async def receive():
            await asyncio.sleep(60)

        async def send(message):
            sent.append(message)

        path = "/v1/models/digits:predict"
        scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b"", "root_path": ""}
        await client.application(scope, receive, send)

    asyncio.run(ask())

    assert sent[0]["status"] == 408


def test_metrics_can_be_read_by_prometheus(serve):
    client = serve(lambda instances: 1 / len(instances))
    predict(client)
    client.post("/v1/models/digits:predict", json={"instances": []})
    client.get("/made/up/by/clients")
    found = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value

    assert found["fairing_requests_total", (("endpoint", "v1_predict"), ("status", "200"))] == 1
    assert found["fairing_requests_total", (("endpoint", "v1_predict"), ("status", "500"))] == 1
    assert found["fairing_requests_total", (("endpoint", "none"), ("status", "404"))] == 1
    assert found["fairing_request_seconds_count", (("endpoint", "v1_predict"),)] == 2
    assert found["fairing_request_seconds_bucket", (("endpoint", "v1_predict"), ("le", "+Inf"))] == 2
    assert found["fairing_requests_in_flight", ()] == 0
    assert found["fairing_model_ready", ()] == 1
    assert found["fairing_model_load_seconds", ()] >= 0


def test_while_it_stops_it_is_not_ready_and_closes_connections(serve):
    client = serve(lambda instances: 1)
    client.model.drain()
    client.application.closing = True

    assert client.get("/v2/health/ready").status_code == 503
    answer = predict(client)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


def test_openapi_describes_the_routes(serve):
    class Explains(Waits):
        def explain(self, instances):
            return 1

    client = serve(Explains)
    document = client.get("/openapi.json").json()

    assert document["openapi"] == "3.0.3"
    assert "/v1/models/digits:explain" in document["paths"]
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            answer = client.request(method, path, json={})
            assert answer.status_code in (200, 400), path
            assert str(answer.status_code) in described["responses"]


def flush() -> None:
    """Writes requests whose event loop has ended."""
    for handler in logging.getLogger(logs.LOGGER).handlers:
        handler.flush()


def test_logs_are_lines_of_json_with_the_traceback_of_failures(serve, capsys, logging_again):
    logs.set_up("json", "debug")
    client = serve(lambda instances: 1 / 0)
    predict(client, headers={"x-request-id": "abc"})
    client.get("/healthz")
    logging.getLogger("user").warning("said")
    flush()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    failure, request, probe = (line for line in lines if line["logger"] == "fairing")
    assert failure["message"] == "predict failed: ZeroDivisionError: division by zero"
    assert "1 / 0" in failure["traceback"]
    assert (request["message"], request["status"], request["request_id"]) == ("request", 500, "abc")
    assert (request["level"], probe["level"]) == ("info", "debug")


def test_logs_for_people(serve, capsys, logging_again):
    logs.set_up("text", "info")
    client = serve(lambda instances: 1 / 0)
    predict(client)
    client.get("/healthz")
    flush()
    out = capsys.readouterr().out

    assert "error   predict failed: ZeroDivisionError: division by zero" in out
    assert "Traceback" in out
    assert "status=500" in out
    assert "/healthz" not in out


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FAIRING_PORT", "http"),
        ("FAIRING_PORT", "-1"),
        ("FAIRING_CONCURRENCY", "0"),
        ("FAIRING_DRAIN_SECONDS", "nan"),
        ("FAIRING_LINGER_SECONDS", "inf"),
        ("FAIRING_LOG", "xml"),
        ("FAIRING_LOG_LEVEL", "loud"),
    ],
)
def test_invalid_settings_are_named(variable, value):
    with pytest.raises(ValueError, match=variable):
        Settings.of({variable: value})


def test_settings_come_from_environment_variables():
    settings = Settings.of({"FAIRING_PORT": "1", "FAIRING_MODEL_PATH": "/m", "FAIRING_LINGER_SECONDS": "0.5", "X": "y"})

    assert (settings.port, settings.model_path, settings.linger_seconds) == (1, "/m", 0.5)
    assert Settings.of({"FAIRING_PORT": ""}) == Settings()


def test_a_model_that_cannot_be_loaded_is_named_with_its_path(serve):
    class Broken(Waits):
        def load(self, model_path):
            raise OSError("gone")

    with pytest.raises(Exception, match="OSError: gone; model does not exist: set FAIRING_MODEL_PATH"):
        serve(Broken)


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("", None), ("::1", socket.AF_INET6)])
def test_the_socket_sends_without_delay(host, family):
    """asyncio sets TCP_NODELAY only for sockets with a protocol; without it, the kernel waits 40 ms."""
    try:
        listening = listen(Settings(host=host, port=0))
    except OSError as error:
        pytest.skip(f"this machine has no {host}: {error}")
    with listening:
        assert listening.proto == socket.IPPROTO_TCP
        assert family in (None, listening.family)
        with socket.create_connection((host or "127.0.0.1", listening.getsockname()[1]), timeout=5):
            pass


def test_a_port_in_use_is_named(capsys, serve, logging_again):
    logs.set_up("text", "info")
    client = serve(Waits)
    with listen(Settings(host="127.0.0.1", port=0)) as taken:
        settings = Settings(host="127.0.0.1", port=taken.getsockname()[1])
        assert asyncio.run(lifecycle.serve(client.application, client.model, client.workers, settings)) == 1

    assert f"cannot listen on port {settings.port} of 127.0.0.1: Address already in use" in capsys.readouterr().out


def test_a_worker_is_known_to_be_ready_once_it_has_loaded(serve):
    """A supervisor restarts a worker that dies right after that."""
    client, shared = serve(Waits, load=False), SharedMetrics(1)
    with listen(Settings(host="127.0.0.1", port=0)) as listening:
        process = Process(0, listening, shared, client.model._metrics, os.getpid())
        assert asyncio.run(lifecycle._load(client.model, client.workers, Settings(), None, process))

    assert shared.end(0)
