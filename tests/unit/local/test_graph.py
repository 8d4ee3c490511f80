"""The walk through a graph; a function stands for each step."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp.errors import PipelineError
from fairing_kfp.local.graph import run_graph
from fairing_kfp.local.task import Task, Values
from fairing_kfp.pipeline.trace import trace

Act = Callable[[Task], Any]


@fairing_kfp.fairing_component
def give(value: list = [1, 2]) -> list:  # noqa: B006 - a default of the component
    return value


@fairing_kfp.fairing_component
def say(text: str) -> str:
    return text


@fairing_kfp.fairing_component
def add(a: int, b: int = 1) -> int:
    return a + b


@fairing_kfp.fairing_component
def scale(rate: float, config: dict) -> float:
    return rate


@fairing_kfp.fairing_component
def last(status: dsl.PipelineTaskFinalStatus) -> str:
    return status.state


def act(task: Task) -> Any:
    """What the steps of these pipelines give out."""
    given = task.inputs.parameters
    if "status" in given:
        return given["status"]["state"]
    if "a" in given:
        return given["a"] + given["b"]
    return given.get("text", given.get("value", given.get("rate")))


def walk(
    pipeline: Any, arguments: Mapping[str, Any] | None = None, does: Act = act
) -> tuple[Values | None, dict[str, dict[str, Any]]]:
    """Runs a pipeline; gives its outputs, and the inputs of its steps in their order."""
    steps: dict[str, dict[str, Any]] = {}

    def run_task(task: Task) -> Values | None:
        assert task.step not in steps
        steps[task.step] = {k: v for k, v in task.inputs.parameters.items() if not k.startswith("pipelinechannel")}
        value = does(task)
        return None if value is None else Values({"Output": value})

    return run_graph(trace(pipeline).specification, arguments or {}, "run", run_task), steps


def test_numbers_are_those_of_kfp() -> None:
    @dsl.pipeline
    def numbers(rate: float = 3, items: list = [1, {"k": 2}]) -> list:  # type: ignore[assignment]  # noqa: B006
        scale(rate=rate, config={"n": 5, "text": f"rate {rate}"})
        scale(rate=7.0, config={})
        given = give(value=items)
        give()
        return given.output

    outputs, steps = walk(numbers)

    assert repr(steps["scale"]) == repr({"config": {"n": 5, "text": "rate 3"}, "rate": 3})
    assert repr(steps["scale-2"]["rate"]) == "7"
    assert repr(steps["give"]) == repr({"value": [1, {"k": 2}]})
    assert repr(steps["give-2"]) == repr({"value": [1, 2]})
    assert outputs
    assert repr(outputs.parameters) == repr({"Output": [1, {"k": 2}]})


def test_steps_are_named_as_in_the_yaml() -> None:
    @dsl.pipeline
    def four():
        first = say(text="1")
        say(text="2").after(first)
        say(text="3")
        first.after(say(text="4"))

    _, steps = walk(four)

    assert {name: one["text"] for name, one in steps.items()} == {"say": "1", "say-2": "2", "say-3": "3", "say-4": "4"}
    assert list(steps) == ["say-3", "say-4", "say", "say-2"]


def test_loops_in_loops_and_nested_pipelines_have_names_of_their_own() -> None:
    @dsl.pipeline
    def inner(n: int) -> int:
        return add(a=n).output

    @dsl.pipeline
    def outer() -> list:
        add(a=100)
        with dsl.ParallelFor([1, 2]) as a:
            with dsl.ParallelFor([10, 20]) as b:
                add(a=a, b=b)
            nested = inner(n=a)
        return dsl.Collected(nested.output)

    outputs, steps = walk(outer)

    sums = {name: one["a"] + one["b"] for name, one in steps.items()}
    assert sums == {"add": 101, "add-2": 11, "add-2-2": 21, "add-3": 2, "add-2-3": 12, "add-2-4": 22, "add-3-2": 3}
    assert outputs == Values({"Output": [2, 3]})


def test_items_of_a_list_and_their_fields() -> None:
    @dsl.pipeline
    def loops(pairs: list = [{"a": 1}, {"a": 2}]):  # noqa: B006
        with dsl.ParallelFor(pairs) as pair:
            add(a=pair.a)
        with dsl.ParallelFor(give().output) as item:
            say(text=f"item {item}")

    _, steps = walk(loops)

    assert repr(list(steps.values())) == repr(
        [{"a": 1, "b": 1}, {"a": 2, "b": 1}, {"value": [1, 2]}, {"text": "item 1"}, {"text": "item 2"}]
    )


@pytest.mark.parametrize(("flag", "word"), [("y", "yes"), ("n", "no")])
def test_branches(flag: str, word: str) -> None:
    @dsl.pipeline
    def branches(flag: str) -> str:
        with dsl.If(flag == "y"):
            one = say(text="yes")
        with dsl.Else():
            two = say(text="no")
        chosen = say(text=dsl.OneOf(one.output, two.output))
        say(text="never").after(one)
        return chosen.output

    outputs, steps = walk(branches, {"flag": flag})

    assert outputs == Values({"Output": word})
    assert {one["text"] for one in steps.values()} - {"never"} == {word}


def test_exit_handlers_run_after_failures_in_loops_and_nothing_else_does() -> None:
    @dsl.pipeline
    def guarded():
        farewell = last()
        with dsl.ExitHandler(farewell):
            with dsl.ParallelFor([1, 2, 3]) as item:
                add(a=item)
            say(text="after")

    def fails(task: Task) -> Any:
        return None if task.inputs.parameters.get("a") == 2 else act(task)

    outputs, steps = walk(guarded, does=fails)
    good, all_steps = walk(guarded)

    assert outputs is None
    assert steps["last"]["status"]["state"] == "FAILED"
    assert "add-3" not in steps
    assert good is not None
    assert all_steps["last"]["status"] == {
        "state": "COMPLETE",
        "pipelineTaskName": "exit-handler-1",
        "pipelineJobResourceName": "run",
        "error": {},
    }


def test_attempts_and_caching_of_tasks() -> None:
    @dsl.pipeline
    def settings():
        say(text="a").set_retry(2)
        say(text="b").set_caching_options(False)

    seen = {}

    def look(task: Task) -> Any:
        seen[task.step] = (task.attempts, task.cached)
        return "x"

    walk(settings, does=look)

    assert seen == {"say": (3, True), "say-2": (1, False)}


def test_what_fails_on_kfp_fails_here() -> None:
    @dsl.pipeline
    def mismatch(items: list):
        with dsl.ParallelFor(items) as item:
            add(a=item)

    with pytest.raises(PipelineError, match="NUMBER_INTEGER, and gets 'x'"):
        walk(mismatch, {"items": ["x"]})

    @dsl.pipeline
    def quotes(config: dict):
        say(text=f"with {config}")

    with pytest.raises(PipelineError, match="the inputs of say are not JSON"):
        walk(quotes, {"config": {"a": 1}})


def test_what_the_run_tells_of_itself() -> None:
    @dsl.pipeline(name="told")
    def told():
        say(text=dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER)
        say(text=dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER)
        say(text=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
        say(text=dsl.PIPELINE_TASK_NAME_PLACEHOLDER)
        say(text=f"in {dsl.PIPELINE_JOB_NAME_PLACEHOLDER}")  # which KFP does not fill

    _, steps = walk(told)

    created, scheduled, *others = [one["text"] for one in steps.values()]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
    assert scheduled == created
    assert others == ["run", "say-4", "in {{$.pipeline_job_name}}"]
