"""Metrics of several processes."""

from __future__ import annotations

import os

from fairing_kfp.serving.server.metrics import Metrics
from fairing_kfp.serving.server.shared_metrics import SharedMetrics


def metrics(requests: int, seconds: float = 0.3, *, ready: bool = True) -> Metrics:
    made = Metrics()
    made.ready, made.load_seconds, made.in_flight = ready, seconds, 1
    for _ in range(requests):
        made.count("v1_predict", 200, seconds)
    return made


def test_they_are_the_sum_of_all_workers() -> None:
    shared, own = SharedMetrics(3), metrics(2)
    pid = os.fork()
    if not pid:
        shared.publish(1, metrics(3, 0.7))
        os._exit(0)
    os.waitpid(pid, 0)

    assert not shared.all_ready(0)
    shared.publish(2, metrics(4))
    shared.publish(0, metrics(1))  # older than its own
    total = shared.total(0, own)
    lines = total.text().splitlines()

    assert shared.all_ready(0)
    assert total.ready
    assert 'fairing_requests_total{endpoint="v1_predict",status="200"} 9' in lines
    assert 'fairing_request_seconds_bucket{endpoint="v1_predict",le="0.5"} 6' in lines
    assert 'fairing_request_seconds_count{endpoint="v1_predict"} 9' in lines
    assert "fairing_requests_in_flight 3" in lines
    assert "fairing_model_load_seconds 0.7" in lines


def test_a_worker_that_exited_is_not_ready_and_its_requests_still_count() -> None:
    shared = SharedMetrics(2)
    shared.publish(1, metrics(5))

    assert shared.end(1)
    assert not shared.end(1), "it had not loaded the model again"
    assert not shared.all_ready(0)
    assert shared.total(0, metrics(1)).state()["requests"] == [["v1_predict", 200, 6]]
    assert not shared.total(0, metrics(1)).ready


def test_metrics_that_are_being_published_are_not_read() -> None:
    shared = SharedMetrics(1)
    shared.publish(0, metrics(1))
    shared._memory[20:22] = b"xx"

    assert shared.read(0).state() == Metrics().state()
