"""Steps of a run, from the nodes that the API lists."""

from __future__ import annotations

import random
from typing import Any

import kfp_server_api
import pytest

from fairing_kfp.pipeline.trace import trace
from fairing_kfp.remote.step import Step, is_settled, steps_of, task_names
from tests.support.remote_pipelines import digits, searched
from tests.support.workflow_nodes import START, detail, step

DIGITS = trace(digits).specification.document
SEARCHED = trace(searched).specification.document
ROOT = [detail("digits-x7k2p", "RUNNING", 0, None), detail("root-driver", "SUCCEEDED", 0, 3)]


def run(state: str, *tasks: Any) -> Any:
    details = [*ROOT, *tasks]
    random.Random(1).shuffle(details)  # the API lists them by random ids
    return kfp_server_api.V2beta1Run(
        run_id="1", state=state, run_details=kfp_server_api.V2beta1RunDetails(task_details=details)
    )


def states(steps: tuple[Step, ...]) -> list[tuple[str, str]]:
    return [(one.name, one.state) for one in steps]


def test_tasks_of_nested_pipelines_are_steps_and_the_nested_pipelines_are_not() -> None:
    assert task_names(DIGITS) == ["prepare", "train", "report"]
    assert task_names(SEARCHED) == ["train"]


def test_steps_are_listed_in_the_order_in_which_they_start() -> None:
    nodes = [*step("train", "DRIVER", 30), *step("prepare", "SUCCEEDED", 10, 25)]
    steps = steps_of(run("RUNNING", *nodes), DIGITS)

    assert states(steps) == [("prepare", "succeeded"), ("train", "pending"), ("report", "pending")]
    assert (steps[0].started, steps[0].seconds) == (START.replace(second=10), 15)
    assert (steps[1].ended, steps[2].started) == (None, None)


def test_a_run_without_nodes_has_pending_steps() -> None:
    one = kfp_server_api.V2beta1Run(run_id="1", state="PENDING")

    assert {step.state for step in steps_of(one, DIGITS)} == {"pending"}


def test_a_step_is_cached_if_its_executor_was_skipped() -> None:
    nodes = [*step("prepare", "CACHED", 10), *step("train", "SUCCEEDED", 15, 40)]
    steps = steps_of(run("RUNNING", *nodes), DIGITS)

    assert [(one.name, one.cached) for one in steps] == [("prepare", True), ("train", False), ("report", False)]


def test_a_cached_step_is_told_from_one_that_starts_with_it() -> None:
    nodes = [*step("prepare", "CACHED", 10), *step("train", "SUCCEEDED", 10, 40), *step("report", "CACHED", 10)]
    steps = steps_of(run("RUNNING", *nodes), DIGITS)

    assert {one.name: one.cached for one in steps} == {"prepare": True, "train": False, "report": True}


def test_a_step_that_may_have_run_does_not_count_as_cached() -> None:
    nodes = [*step("prepare", "CACHED", 10), *step("train", "SUCCEEDED", 10, 11)]
    steps = steps_of(run("RUNNING", *nodes), DIGITS)

    assert not any(one.cached for one in steps if one.name == "train")


def test_iterations_of_a_loop_are_numbered() -> None:
    loops = [f"root.for-loop-1.iteration-iterations({n}:{n}).iteration-item" for n in range(3)]
    nodes = [
        *step("train", "SUCCEEDED", 12, 20, parent=loops[0]),
        *step("train", "FAILED", 11, 19, parent=loops[1]),
        *step("train", "DRIVER", 13, parent=loops[2]),
    ]
    steps = steps_of(run("RUNNING", *nodes), SEARCHED)

    assert states(steps) == [("train", "failed"), ("train-2", "succeeded"), ("train-3", "pending")]
    assert {one.task for one in steps} == {"train"}


def test_a_repetition_does_not_take_the_name_of_another_task() -> None:
    loops = [f"root.for-loop-1.iteration-iterations({n}:{n}).iteration-item" for n in range(2)]
    root = {"dag": {"tasks": {**SEARCHED["root"]["dag"]["tasks"], "train-2": {}}}}
    nodes = [
        *step("train", "SUCCEEDED", 11, 19, parent=loops[0]),
        *step("train", "SUCCEEDED", 12, 20, parent=loops[1]),
        *step("train-2", "FAILED", 21, 23),
    ]
    steps = steps_of(run("FAILED", *nodes), {**SEARCHED, "root": root})

    assert states(steps) == [("train", "succeeded"), ("train-3", "succeeded"), ("train-2", "failed")]


def test_a_step_whose_driver_fails_has_failed() -> None:
    (failed, *others) = steps_of(run("FAILED", *step("prepare", "DRIVER_FAILED", 4, 6)), DIGITS)

    assert (failed.name, failed.state, failed.in_driver, failed.seconds) == ("prepare", "failed", True, 2)
    assert {one.state for one in others} == {"skipped"}


def test_steps_that_a_condition_excludes_are_skipped() -> None:
    nodes = [*step("prepare", "SUCCEEDED", 10, 20), *step("train", "SUCCEEDED", 25, 40)]
    nodes += [detail("condition-1-driver", "SUCCEEDED", 41, 43), detail("condition-1", "SKIPPED", 43, 43)]

    assert states(steps_of(run("SUCCEEDED", *nodes), DIGITS))[2] == ("report", "skipped")


def test_running_steps_of_a_canceled_run_are_canceled() -> None:
    assert states(steps_of(run("CANCELED", *step("prepare", "RUNNING", 10)), DIGITS))[0] == ("prepare", "canceled")


@pytest.mark.parametrize(("state", "settled"), [("RUNNING", False), ("SUCCEEDED", True)])
def test_a_run_is_settled_once_its_nodes_are_over(state: str, settled: bool) -> None:
    one = run("SUCCEEDED", *step("prepare", state, 10, 12))
    one.run_details.task_details = [
        node for node in one.run_details.task_details if node.display_name != "digits-x7k2p"
    ]

    assert is_settled(one) is settled
