from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fairing_kfp.builders.single_flight import SingleFlight
from fairing_kfp.builders.threads import Threads


def test_one_of_many_threads_computes() -> None:
    flight: SingleFlight[int] = SingleFlight()
    counted: list[int] = []
    barrier = threading.Barrier(8)

    def work() -> int:
        counted.append(1)
        return 42

    def ask(_: int) -> int:
        barrier.wait()
        return flight.get("key", work)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == [42] * 8
    assert counted == [1]


def test_threads_compute_each_result_once() -> None:
    flight: SingleFlight[str] = SingleFlight()
    threads = Threads(2, "test")
    first = flight.submit(threads, "key", lambda: "first")
    assert flight.submit(threads, "key", lambda: "second") is first
    assert flight.submit(threads, "other", lambda: "other").result() == "other"
    assert first.result() == "first"
    threads.close()


def test_a_failure_can_be_retried() -> None:
    flight: SingleFlight[int] = SingleFlight()
    threads = Threads(1, "test")
    failed = flight.submit(threads, "key", lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        failed.result()
    assert flight.get("key", lambda: 1) == 1
    threads.close()


def test_a_forgotten_result_is_computed_again() -> None:
    flight: SingleFlight[int] = SingleFlight()
    assert flight.get("key", lambda: 1) == 1
    assert flight.get("key", lambda: 2) == 1
    flight.forget("key")
    flight.forget("never known")
    assert flight.get("key", lambda: 2) == 2


def test_work_for_closed_threads_fails_and_can_be_retried() -> None:
    flight: SingleFlight[int] = SingleFlight()
    threads = Threads(1, "test")
    threads.close()
    with pytest.raises(RuntimeError, match="closed"):
        flight.submit(threads, "key", lambda: 3).result()
    assert flight.get("key", lambda: 4) == 4
