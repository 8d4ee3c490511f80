"""An event loop that the predictor's thread and the main thread run in turn."""

from __future__ import annotations

import asyncio
import queue
import random
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from fairing_kfp.serving.server.metrics import Metrics
from fairing_kfp.serving.server.relay import Relay
from fairing_kfp.serving.server.workers import Workers

Run = Callable[[Callable[[Workers], Coroutine[Any, Any, Any]]], Any]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine function, called with workers, in a relay."""

    def run_main(main: Callable[[Workers], Coroutine[Any, Any, Any]]) -> Any:
        relay = Relay(request.param())
        workers = Workers(1, 100, Metrics(), relay)
        try:
            return relay.run(main(workers))
        finally:
            workers.close()

    return run_main


async def quick(workers: Workers, number: int = 300) -> None:
    for one in range(number):
        assert await workers.run(lambda one=one: one) == one  # type: ignore[misc]


def test_tasks_and_then_the_event_loop_run_in_one_thread(run: Run) -> None:
    async def main(workers: Workers) -> set[int]:
        await quick(workers)
        found = {await workers.run(threading.get_ident) for _ in range(10)}
        await quick(workers)
        return found | {threading.get_ident()}

    (thread,) = run(main)
    assert thread != threading.get_ident()


def test_task_may_run_an_event_loop(run: Run) -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    async def main(workers: Workers) -> list[int]:
        await quick(workers)
        return [await workers.run(lambda: asyncio.run(answer())) for _ in range(3)]

    assert run(main) == [42, 42, 42]


@pytest.mark.parametrize("pause", [0, 0.4])
def test_event_loop_runs_during_a_long_task_after_quick_ones(run: Run, pause: float) -> None:
    async def main(workers: Workers) -> bool:
        end = threading.Event()
        await quick(workers)
        await asyncio.sleep(pause)  # the main thread no longer looks for long tasks
        waiting = workers.submit(lambda: end.wait(30))
        await asyncio.sleep(0.01)  # without an event loop, this would not end before the task
        end.set()
        return await waiting

    assert [run(main) for _ in range(3)] == [True, True, True]


def test_event_loop_returns_to_the_predictors_thread(run: Run) -> None:
    async def main(workers: Workers) -> int:
        thread = await workers.run(threading.get_ident)
        await workers.run(lambda: time.sleep(0.1))
        while threading.get_ident() != thread:
            await quick(workers, 1)
        return 1

    assert run(main)


def test_event_loop_runs_beside_long_tasks_until_the_next_quick_one(run: Run) -> None:
    async def main(workers: Workers) -> list[bool]:
        thread = await workers.run(threading.get_ident)
        await quick(workers)
        beside = []
        for _ in range(2):
            for _ in range(5):
                await workers.run(lambda: time.sleep(0.003))
            beside.append(threading.get_ident() != thread)
            while threading.get_ident() != thread:
                await quick(workers, 1)
        return beside

    assert run(main) == [True, True]


def test_result_does_not_wait_for_a_long_task_after_it(run: Run) -> None:
    async def main(workers: Workers) -> tuple[str, bool]:
        end = threading.Event()
        await quick(workers)
        first, second = workers.submit(lambda: "first"), workers.submit(lambda: end.wait(30))
        result = await first
        end.set()
        return result, await second

    assert run(main) == ("first", True)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, ValueError])
def test_errors_of_a_task_reach_its_caller(run: Run, error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    async def main(workers: Workers) -> str:
        for _ in range(3):
            with pytest.raises(error):
                await workers.run(fail)
        return await workers.run(lambda: "goes on")

    assert run(main) == "goes on"


def test_cancelled_caller_gets_no_result(run: Run) -> None:
    async def main(workers: Workers) -> str:
        end = threading.Event()
        waiting = workers.submit(lambda: end.wait(30))
        waiting.cancel()
        end.set()
        return await workers.run(lambda: "next")

    assert run(main) == "next"


def test_end_does_not_wait_for_a_task(run: Run) -> None:
    end = threading.Event()

    async def main(workers: Workers) -> str:
        await quick(workers)
        workers.submit(lambda: end.wait(30))
        return "ended"

    try:
        assert run(main) == "ended"
        assert not end.is_set()
    finally:
        end.set()


def test_end_cancels_other_coroutines(run: Run) -> None:
    seen: list[str] = []

    async def other() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            seen.append("cancelled")

    async def main(workers: Workers) -> None:
        task = asyncio.ensure_future(other())
        await quick(workers)
        assert not task.done()

    run(main)
    assert seen == ["cancelled"]


@pytest.mark.parametrize("number", [0, 300])
def test_exit_in_the_event_loop_ends_it(run: Run, number: int) -> None:
    async def main(workers: Workers) -> None:
        await quick(workers, number)
        asyncio.get_running_loop().call_soon(exit_now)
        await asyncio.sleep(60)

    def exit_now() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit, match="3"):
        run(main)


def test_many_callers_with_quick_and_long_tasks_get_their_results(run: Run) -> None:
    chance = random.Random(0)

    def work(one: int, seconds: float) -> int:
        time.sleep(seconds)
        return one

    async def caller(workers: Workers, start: int) -> None:
        for one in range(start, start + 200):
            seconds = chance.choice([0, 0, 0, 0, 0.0001, 0.0015]) if chance.random() > 0.005 else 0.04
            assert await workers.run(lambda: work(one, seconds)) == one  # noqa: B023
            if chance.random() < 0.05:
                await asyncio.sleep(chance.choice([0, 0.001, 0.015]))

    async def main(workers: Workers) -> str:
        await asyncio.gather(*(caller(workers, 1000 * one) for one in range(8)))
        return "all"

    assert run(main) == "all"


def test_finished_tasks_are_not_kept(run: Run) -> None:
    class Value:
        pass

    gone: queue.SimpleQueue[int] = queue.SimpleQueue()

    async def main(workers: Workers) -> int:
        import weakref

        value = await workers.run(Value)
        weakref.finalize(value, gone.put, 1)
        del value
        await asyncio.sleep(0.05)
        return gone.get(timeout=10)

    assert run(main) == 1
