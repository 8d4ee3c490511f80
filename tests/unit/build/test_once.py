from __future__ import annotations

import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from fairing_kfp.build.once import Once


def test_many_threads_one_does() -> None:
    once: Once[int] = Once()
    counted: list[int] = []
    gate = threading.Barrier(8)

    def work() -> int:
        counted.append(1)
        return 42

    def ask(_: int) -> int:
        gate.wait()
        return once.get("key", work)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == [42] * 8
    assert counted == [1]


def test_a_pool_is_given_each_piece_once() -> None:
    once: Once[str] = Once()
    with ThreadPoolExecutor(2) as pool:
        first = once.submit(pool, "key", lambda: "first")
        assert once.submit(pool, "key", lambda: "second") is first
        assert once.submit(pool, "other", lambda: "other").result() == "other"
        assert first.result() == "first"


def test_what_failed_may_be_tried_again() -> None:
    once: Once[int] = Once()
    with ThreadPoolExecutor(1) as pool:
        failed = once.submit(pool, "key", lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            failed.result()
        assert once.get("key", lambda: 1) == 1


def test_what_is_forgotten_is_done_again() -> None:
    once: Once[int] = Once()
    assert once.get("key", lambda: 1) == 1
    assert once.get("key", lambda: 2) == 1
    once.forget("key")
    once.forget("never known")
    assert once.get("key", lambda: 2) == 2


def test_what_a_pool_drops_does_not_keep_others_waiting() -> None:
    once: Once[int] = Once()
    begun, over = threading.Event(), threading.Event()
    pool = ThreadPoolExecutor(1)
    running = once.submit(pool, "running", lambda: begun.set() or over.wait(10) or 1)
    dropped = once.submit(pool, "dropped", lambda: 2)
    begun.wait(10)
    pool.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(CancelledError):
        dropped.result(10)
    with pytest.raises(RuntimeError):
        once.submit(pool, "late", lambda: 3).result(10)
    over.set()
    running.result(10)
    assert once.get("dropped", lambda: 4) == 4
