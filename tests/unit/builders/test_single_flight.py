from __future__ import annotations

import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from fairing_kfp.builders.single_flight import SingleFlight


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


def test_a_pool_computes_each_result_once() -> None:
    flight: SingleFlight[str] = SingleFlight()
    with ThreadPoolExecutor(2) as pool:
        first = flight.submit(pool, "key", lambda: "first")
        assert flight.submit(pool, "key", lambda: "second") is first
        assert flight.submit(pool, "other", lambda: "other").result() == "other"
        assert first.result() == "first"


def test_a_failure_can_be_retried() -> None:
    flight: SingleFlight[int] = SingleFlight()
    with ThreadPoolExecutor(1) as pool:
        failed = flight.submit(pool, "key", lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            failed.result()
        assert flight.get("key", lambda: 1) == 1


def test_a_forgotten_result_is_computed_again() -> None:
    flight: SingleFlight[int] = SingleFlight()
    assert flight.get("key", lambda: 1) == 1
    assert flight.get("key", lambda: 2) == 1
    flight.forget("key")
    flight.forget("never known")
    assert flight.get("key", lambda: 2) == 2


def test_waiting_ends_when_a_pool_is_shut_down() -> None:
    flight: SingleFlight[int] = SingleFlight()
    started, over = threading.Event(), threading.Event()
    pool = ThreadPoolExecutor(1)
    running = flight.submit(pool, "running", lambda: started.set() or over.wait(10) or 1)
    cancelled = flight.submit(pool, "cancelled", lambda: 2)
    started.wait(10)
    pool.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(CancelledError):
        cancelled.result(10)
    with pytest.raises(RuntimeError):
        flight.submit(pool, "late", lambda: 3).result(10)
    over.set()
    running.result(10)
    assert flight.get("cancelled", lambda: 4) == 4
