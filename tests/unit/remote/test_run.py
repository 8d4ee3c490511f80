"""Runs on Kubeflow Pipelines: following them, their ends, their logs."""

from __future__ import annotations

from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.display import Event
from fairing_kfp.errors import KfpError, RunFailedError
from fairing_kfp.remote import run as module
from fairing_kfp.remote.pod_names import driver_pod_name
from tests.support.kfp_stand_in import KfpStandIn
from tests.support.remote_pipelines import digits, searched
from tests.support.stand_in_builder import StandInBuilder
from tests.support.workflow_nodes import pod_name, step

PREPARED = step("prepare", "CACHED", 5)


def submit(kfp: KfpStandIn, *progress: tuple[str, list[Any]], pipeline: Any = digits) -> fairing_kfp.Run:
    kfp.progress = list(progress)
    return fairing_kfp.submit(pipeline, host=kfp.url, name="tonight", builder=StandInBuilder())


def test_a_run_is_followed_to_its_end(kfp: KfpStandIn) -> None:
    run = submit(
        kfp,
        ("PENDING", []),
        ("RUNNING", PREPARED),
        ("RUNNING", [*PREPARED, *step("train", "RUNNING", 10)]),
        ("SUCCEEDED", [*PREPARED, *step("train", "SUCCEEDED", 10, 40), *step("report", "SUCCEEDED", 45, 50)]),
    )
    events: list[Event] = []

    assert run.wait(on_event=events.append) is run
    assert [(one.kind, one.step, one.seconds) for one in events] == [
        ("start", "prepare", 0),
        ("reuse", "prepare", 0),
        ("start", "train", 0),
        ("succeed", "train", 30),
        ("start", "report", 0),
        ("succeed", "report", 5),
    ]
    assert run.state == "succeeded"
    assert [one.state for one in run.steps] == ["succeeded"] * 3


def test_the_logs_of_running_steps_are_followed(kfp: KfpStandIn) -> None:
    running = [*PREPARED, *step("train", "RUNNING", 10)]
    run = submit(
        kfp, ("RUNNING", running), ("RUNNING", running), ("SUCCEEDED", [*PREPARED, *step("train", "SUCCEEDED", 10, 40)])
    )
    pod = pod_name("train")
    kfp.logs[pod] = "epoch 1\nepo"
    events: list[Event] = []

    def keep(event: Event) -> None:
        events.append(event)
        kfp.logs[pod] = {1: "epoch 1\nepoch 2\n", 2: "epoch 1\nepoch 2\nlast"}.get(len(logs(events)), kfp.logs[pod])

    run.wait(on_event=keep)
    assert [(one.kind, one.text) for one in events if one.step == "train"] == [
        ("start", ""),
        ("log", "epoch 1"),
        ("log", "epoch 2"),
        ("log", "last"),
        ("succeed", ""),
    ]


def test_logs_are_not_read_on_request(kfp: KfpStandIn) -> None:
    run = submit(kfp, ("RUNNING", step("train", "RUNNING", 10)), ("SUCCEEDED", step("train", "SUCCEEDED", 10, 40)))
    kfp.logs[pod_name("train")] = "epoch 1\n"
    events: list[Event] = []
    run.wait(on_event=events.append, logs=False)

    assert [one.kind for one in events] == ["start", "succeed"]
    assert not any("/log" in path for path in kfp.sent("GET"))


def logs(events: list[Event]) -> list[Event]:
    return [one for one in events if one.kind == "log"]


def test_a_failed_step_is_reported_with_the_end_of_its_log(kfp: KfpStandIn) -> None:
    kfp.logs[pod_name("train")] = "\n".join([f"line {number}" for number in range(50)] + ["ValueError: no data"])
    run = submit(kfp, ("FAILED", [*PREPARED, *step("train", "FAILED", 10, 22)]))

    with pytest.raises(RunFailedError, match=r"the run tonight failed: the step train failed after 12 s") as raised:
        run.wait()
    assert (raised.value.step, raised.value.state) == ("train", "failed")
    assert raised.value.log.splitlines()[-1] == "ValueError: no data"
    assert "line 30" in raised.value.message
    assert "line 20\n" not in raised.value.message
    assert run.url in raised.value.remedy


@pytest.mark.parametrize("path", ["api", "page"])
def test_logs_are_read_where_the_installation_serves_them(kfp: KfpStandIn, path: str) -> None:
    kfp.log_paths = {path}
    kfp.logs[pod_name("train")] = "epoch 1\nepoch 2\n"
    run = submit(kfp, ("RUNNING", [*PREPARED, *step("train", "RUNNING", 10)]))

    assert run.log("train") == "epoch 1\nepoch 2"
    assert run.log("train", 1) == "epoch 2"


def test_the_place_of_an_unreadable_log_is_named(kfp: KfpStandIn) -> None:
    run = submit(kfp, ("FAILED", [*PREPARED, *step("train", "FAILED", 10, 22)]))

    with pytest.raises(RunFailedError, match="the log of the step train cannot be read from here") as raised:
        run.wait()
    assert f"kubectl logs -n kubeflow {pod_name('train')} -c main" in raised.value.remedy
    assert raised.value.log == ""


def test_the_log_of_a_failed_driver_is_read(kfp: KfpStandIn) -> None:
    run = submit(kfp, ("FAILED", [*PREPARED, *step("train", "DRIVER_FAILED", 10, 12)]))
    kfp.logs[driver_pod_name("digits-x7k2p", "train")] = "the Secret login does not exist"

    with pytest.raises(RunFailedError, match=r"the driver of the step train failed after 2 s.*\n.*Secret login"):
        run.wait()


def test_iterations_have_logs_of_their_own(kfp: KfpStandIn) -> None:
    loops = [f"root.for-loop-1.iteration-iterations({n}:{n}).iteration-item" for n in range(2)]
    nodes = [one for n, loop in enumerate(loops) for one in step("train", "SUCCEEDED", 10 + n, 20, parent=loop)]
    kfp.logs = {pod_name("train", parent=loop): f"depth {n}" for n, loop in enumerate(loops)}
    run = submit(kfp, ("SUCCEEDED", nodes), pipeline=searched)

    assert (run.log("train"), run.log("train-2")) == ("depth 0", "depth 1")


@pytest.mark.parametrize(
    ("name", "message"), [("tain", "no step 'tain'"), ("prepare", "reused the outputs"), ("report", "it is pending")]
)
def test_a_log_that_does_not_exist_is_reported(kfp: KfpStandIn, name: str, message: str) -> None:
    run = submit(kfp, ("RUNNING", PREPARED))

    with pytest.raises(KfpError, match=message):
        run.log(name)


def test_a_canceled_run_ends_with_an_error(kfp: KfpStandIn) -> None:
    run = submit(kfp, ("RUNNING", PREPARED))
    run.cancel()
    kfp.runs[run.id].progress = [("CANCELED", step("train", "FAILED", 5, 6))]  # its pod was stopped

    with pytest.raises(RunFailedError, match="the run tonight was canceled") as raised:
        run.wait()
    assert raised.value.state == "canceled"
    with pytest.raises(KfpError, match="the run tonight is over: it was canceled"):
        run.cancel()


def test_a_failed_run_is_retried(kfp: KfpStandIn) -> None:
    run = submit(kfp, ("FAILED", []))
    with pytest.raises(RunFailedError, match="the run tonight failed"):
        run.wait()
    kfp.progress = [("RUNNING", []), ("SUCCEEDED", [])]
    run.retry()

    assert run.wait().state == "succeeded"
    with pytest.raises(KfpError, match="cannot be retried: it is succeeded"):
        run.retry()


def test_only_steps_that_run_again_are_shown_after_a_retry(kfp: KfpStandIn) -> None:
    failed = [*PREPARED, *step("train", "FAILED", 10, 20)]
    run = submit(kfp, ("FAILED", failed))
    with pytest.raises(RunFailedError):
        run.wait()
    again = [*PREPARED, *step("train", "RUNNING", 30)]
    kfp.progress = [
        ("RUNNING", failed),
        ("RUNNING", again),
        ("SUCCEEDED", [*PREPARED, *step("train", "SUCCEEDED", 30, 40)]),
    ]
    run.retry()
    events: list[Event] = []
    run.wait(on_event=events.append)

    assert [(one.kind, one.step) for one in events] == [("start", "train"), ("succeed", "train")]


def test_outages_are_bridged_while_a_run_is_followed(kfp: KfpStandIn) -> None:
    run = submit(kfp, ("RUNNING", []), ("SUCCEEDED", []))
    kfp.failures = [503, 502, 429]

    assert run.wait().state == "succeeded"


def test_an_outage_that_lasts_is_reported(kfp: KfpStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    run = submit(kfp, ("RUNNING", []))
    monkeypatch.setattr(module, "_OUTAGE", -1)
    kfp.failures = [503]

    with pytest.raises(KfpError, match="answered 503"):
        run.wait()


def test_an_expired_token_is_reported_at_once(kfp: KfpStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    run = submit(kfp, ("RUNNING", []))
    monkeypatch.setattr(module, "_OUTAGE", 0.5)
    kfp.token, kfp.requests = "new", []

    with pytest.raises(KfpError, match="requires credentials"):
        run.wait()
    assert len(kfp.requests) == 1


def test_the_wait_is_limited(kfp: KfpStandIn) -> None:
    run = submit(kfp, ("RUNNING", []))

    with pytest.raises(KfpError, match=r"the run tonight is running after 0 s; it goes on"):
        run.wait(timeout=0)


def test_late_nodes_of_a_run_that_is_over_are_awaited(kfp: KfpStandIn) -> None:
    late = step("train", "RUNNING", 10)
    run = submit(kfp, ("SUCCEEDED", late), ("SUCCEEDED", late), ("SUCCEEDED", step("train", "SUCCEEDED", 10, 20)))
    events: list[Event] = []
    run.wait(on_event=events.append)

    assert [one.kind for one in events] == ["start", "succeed"]


def test_a_run_is_found_by_its_id(kfp: KfpStandIn) -> None:
    run = submit(kfp, ("RUNNING", PREPARED))
    found = fairing_kfp.Run.get(run.id, host=kfp.url)

    assert (found.name, found.state, found.compiled) == ("tonight", "running", None)
    assert [one.name for one in found.steps] == ["prepare", "train", "report"]
    with pytest.raises(KfpError, match="cannot read the run none: it does not exist") as raised:
        fairing_kfp.Run.get("none", host=kfp.url)
    assert raised.value.status == 404
