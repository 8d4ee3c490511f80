"""Steps that run side by side; each ends when the test lets it."""

import queue
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp.errors import ConfigError, PipelineError
from fairing_kfp.local.graph import run_graph
from fairing_kfp.local.process import run_process
from fairing_kfp.local.stop import Stop, StoppedError
from fairing_kfp.local.task import Task, Values
from fairing_kfp.pipeline.trace import trace
from tests.support.processes import assert_gone


@fairing_kfp.fairing_component
def say(text: str) -> str:
    return text


@fairing_kfp.fairing_component
def add(a: int, b: int = 1) -> int:
    return a + b


@fairing_kfp.fairing_component
def count(n: int) -> list[int]:
    return list(range(n))


@fairing_kfp.fairing_component
def last(status: dsl.PipelineTaskFinalStatus) -> str:
    return status.state


class Gates:
    """Steps of a run in threads: the test sees which started, and ends them in an order of its choice."""

    def __init__(self, pipeline: Any, parallel: int, arguments: Mapping[str, Any] | None = None) -> None:
        self.started: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.inputs: dict[str, Mapping[str, Any]] = {}
        self._ends: dict[str, queue.SimpleQueue[Any]] = {}
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        specification = trace(pipeline).specification

        def run() -> None:
            try:
                self._done.put(run_graph(specification, arguments or {}, "run", self, parallel))
            except Exception as error:
                self._done.put(error)

        threading.Thread(target=run, daemon=True).start()

    def __call__(self, task: Task) -> Values | None:
        self.inputs[task.step] = task.inputs.parameters
        end = self._ends.setdefault(task.step, queue.SimpleQueue())
        self.started.put(task.step)
        value = end.get(timeout=60)
        return None if value is None else Values({"Output": value})

    def next(self, number: int) -> set[str]:
        """The next steps that start."""
        return {self.started.get(timeout=60) for _ in range(number)}

    def end(self, step: str, value: Any = "x") -> None:
        """Ends a step; without a value it fails."""
        threads = [thread for thread in threading.enumerate() if thread.name == step]
        self._ends[step].put(value)
        for thread in threads:
            thread.join()

    def outputs(self) -> Any:
        """The outputs of the run, after it ended without starting another step."""
        done = self._done.get(timeout=60)
        assert self.started.empty()
        return done


def test_independent_steps_run_side_by_side_up_to_the_limit() -> None:
    @dsl.pipeline
    def four() -> str:
        first = say(text="1")
        for word in ("2", "3"):
            say(text=word)
        return say(text=f"{first.output}!").output

    run = Gates(four, 2)
    assert run.next(2) == {"say", "say-2"}
    run.end("say-2")
    assert run.next(1) == {"say-3"}
    run.end("say", "one")
    assert run.next(1) == {"say-4"}
    assert run.inputs["say-4"]["text"] == "one!"
    run.end("say-4", "all")
    run.end("say-3")
    assert run.outputs() == Values({"Output": "all"})


def test_iterations_have_the_names_of_their_order_whichever_is_first() -> None:
    @dsl.pipeline
    def loop() -> list:
        with dsl.ParallelFor([1, 2, 3]) as n:
            added = add(a=add(a=n).output)
        return dsl.Collected(added.output)

    run = Gates(loop, 9)
    assert run.next(3) == {"add", "add-3", "add-4"}  # add-2 is the second step of an iteration
    assert [run.inputs[name]["a"] for name in ("add", "add-3", "add-4")] == [1, 2, 3]
    run.end("add-4", 30)
    assert run.next(1) == {"add-2-3"}
    run.end("add-2-3", 31)
    run.end("add", 10)
    assert run.next(1) == {"add-2"}
    run.end("add-3", 20)
    assert run.next(1) == {"add-2-2"}
    run.end("add-2-2", 21)
    run.end("add-2", 11)
    assert run.outputs() == Values({"Output": [11, 21, 31]})


def test_names_of_conditional_steps_wait_for_earlier_iterations() -> None:
    @dsl.pipeline
    def loop():
        with dsl.ParallelFor([1, 2, 3]) as n, dsl.If(add(a=n).output > 10):
            say(text=f"{n}")

    run = Gates(loop, 9)
    assert run.next(3) == {"add", "add-2", "add-3"}
    run.end("add-3", 11)
    run.end("add-2", 11)
    run.end("add", 1)
    assert run.next(2) == {"say", "say-2"}
    assert (run.inputs["say"]["pipelinechannel--loop-item-param-1"], len(run.inputs)) == ("2", 5)
    run.end("say")
    run.end("say-2")
    assert run.outputs() == Values()


def test_loops_in_loops_of_unknown_length() -> None:
    @dsl.pipeline
    def loops() -> list:
        with dsl.ParallelFor([1, 2]) as n, dsl.ParallelFor(count(n=n).output) as inner:
            added = add(a=inner)
        return dsl.Collected(added.output)

    run = Gates(loops, 9)
    assert run.next(2) == {"count", "count-2"}
    run.end("count-2", [20])
    run.end("count", [10, 11])
    assert run.next(3) == {"add", "add-2", "add-3"}
    assert [run.inputs[name]["a"] for name in ("add", "add-2", "add-3")] == [10, 11, 20]
    for name in ("add-3", "add", "add-2"):
        run.end(name, run.inputs[name]["a"])
    assert run.outputs() == Values({"Output": [10, 11, 20]})


def test_a_loop_keeps_to_its_parallelism() -> None:
    @dsl.pipeline
    def loop():
        with dsl.ParallelFor([1, 2, 3], parallelism=2) as n:
            add(a=n)
        say(text="beside")

    run = Gates(loop, 9)
    assert run.next(3) == {"add", "add-2", "say"}
    run.end("add-2", 1)
    assert run.next(1) == {"add-3"}
    for name in ("add", "add-3", "say"):
        run.end(name, 1)
    assert run.outputs() == Values()


def test_a_failure_stops_what_has_not_started_and_exit_handlers_run() -> None:
    @dsl.pipeline
    def guarded():
        with dsl.ExitHandler(last()):
            first = say(text="1")
            say(text="2")
            say(text="3").after(first)
        say(text="4")

    run = Gates(guarded, 2)
    assert run.next(2) == {"say", "say-2"}
    run.end("say-2", None)
    run.end("say")
    assert run.next(1) == {"last"}
    assert run.inputs["last"]["status"]["state"] == "FAILED"
    run.end("last")
    assert run.outputs() is None


def test_a_value_that_does_not_fit_fails_the_run_after_its_exit_handler() -> None:
    @dsl.pipeline
    def guarded(items: list):
        with dsl.ExitHandler(last()), dsl.ParallelFor(items) as item:
            add(a=item)

    run = Gates(guarded, 2, {"items": [1, "x"]})
    assert run.next(1) == {"add"}
    run.end("add", 1)
    assert run.next(1) == {"last"}
    run.end("last")
    problem = run.outputs()
    assert isinstance(problem, PipelineError)
    assert "NUMBER_INTEGER, and gets 'x'" in str(problem)


def test_an_interruption_ends_the_processes_of_all_steps(tmp_path: Path) -> None:
    @dsl.pipeline
    def two():
        say(text="1")
        say(text="2")

    stop, started = Stop(), queue.SimpleQueue[int]()
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"

    def run_task(task: Task) -> Values | None:
        run_process([sys.executable, "-c", code], {}, lambda line: started.put(int(line)), stop)
        pytest.fail("a stopped step has no result")

    ids: list[int] = []

    def interrupted(step: Task) -> Values | None:
        if step.step == "say":
            return run_task(step)
        ids.append(started.get(timeout=60))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_graph(trace(two).specification, {}, "run", interrupted, 2, stop)
    assert_gone(ids[0])


def test_what_starts_after_an_interruption_ends_at_once() -> None:
    stop = Stop()
    stop()
    ended: list[str] = []
    with pytest.raises(StoppedError), stop.ends(lambda: ended.append("it")):
        pass
    assert ended == ["it"]


@pytest.mark.parametrize("parallel", [0, -1, 1.5, True, "2"])
def test_an_impossible_number_is_rejected(parallel: Any) -> None:
    with pytest.raises(ConfigError, match="parallel is"):
        fairing_kfp.run(None, parallel=parallel)
