"""Threads that run tasks."""

from __future__ import annotations

import threading

import pytest

from fairing_kfp.builders.threads import Threads


def test_tasks_run_at_the_same_time() -> None:
    threads = Threads(4, "test")
    barrier = threading.Barrier(4)
    assert len(set(threads.map(lambda number: barrier.wait(30), range(4)))) == 4
    assert threads.map(lambda number: number * 2, range(100)) == [number * 2 for number in range(100)]
    threads.close()


def test_there_are_no_more_threads_than_allowed_or_needed() -> None:
    threads = Threads(2, "test")
    assert {threads.submit(lambda: threading.current_thread().name).result() for _ in range(9)} == {"test_0"}
    busy, most, lock = [0], [0], threading.Lock()

    def work(number: int) -> None:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        threading.Event().wait(0.002)
        with lock:
            busy[0] -= 1

    threads.map(work, range(20))
    assert most[0] <= 2
    threads.close()


def test_an_error_is_raised_by_its_task_alone() -> None:
    threads = Threads(1, "test")
    failed, done = threads.submit(lambda: 1 // 0), threads.submit(lambda: 1)
    assert not failed.wait()
    with pytest.raises(ZeroDivisionError):
        failed.result()
    assert done.result() == 1
    threads.close()


def test_closing_waits_for_tasks() -> None:
    threads = Threads(2, "test")
    done: list[int] = []
    for number in range(5):
        threads.submit(lambda number=number: (threading.Event().wait(0.01), done.append(number)))
    threads.close()
    assert sorted(done) == [0, 1, 2, 3, 4]
    with pytest.raises(RuntimeError, match="closed"):
        threads.submit(lambda: 1)


def test_what_no_thread_has_begun_can_be_dropped() -> None:
    threads = Threads(1, "test")
    begun, release = threading.Event(), threading.Event()
    done: list[int] = []
    first = threads.submit(lambda: (begun.set(), release.wait(10), done.append(1)))
    threads.submit(lambda: done.append(2))
    assert begun.wait(10)
    threads.drop()
    release.set()
    assert first.wait()
    threads.close()
    assert done == [1]
