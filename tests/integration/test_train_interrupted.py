"""Interrupted training steps: killed at each stage, retried, or without a connection to Kubernetes for a while."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from fairing_kfp.cluster.connect import from_kubeconfig
from fairing_kfp.cluster.mutators import node_selector
from tests.support.cutting_proxy import CuttingProxy, cutting_proxy
from tests.support.services import missing
from tests.support.train_steps import Run, kubeconfig, made_by, start, step_pod
from tests.support.trains import RESOURCES, Bench, pod_with
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kubernetes, pytest.mark.registry]

BIG = 1_500_000_000  # bytes, of a sparse file
SLEEP = "# sleep\nimport time; time.sleep(600)"
COUNT = "import time\nfor i in range(80): print('line', i, flush=True); time.sleep(0.1)\nanswer = i"
FOR_A_WHILE = "# for a while\nimport time; time.sleep(6); answer = 'done'"


@dataclass(frozen=True)
class Stage:
    """The stage at which a step is killed.

    Attributes:
        marker: text in the log when the stage is reached; empty for the stage before the job is created.
        step: name of the component.
        spec: fields of the step's spec.
    """

    marker: str
    step: str = "behave"
    spec: Any = None


STAGES = {
    "before": Stage(""),
    "pending": Stage("node 0 is pending", spec={"pod": pod_with(node_selector(nowhere="true"))}),
    "sending": Stage("sending 1500.0 MB", "copy"),
    "running": Stage("told to # sleep"),
    "fetching": Stage("fetching 1500.0 MB", "copy"),
}
SIGNALS = {"SIGTERM": signal.SIGTERM, "SIGKILL": signal.SIGKILL}
LATE: list[str] = []
"""Cases whose step could not delete its job in time; one may be so on a busy machine."""
CASES = [
    *(f"{stage}-{number}-job" for stage in STAGES for number in SIGNALS),
    *(f"running-{number}-{kind}" for number in SIGNALS for kind in RESOURCES if kind != "job"),
]


@pytest.fixture(scope="module")
def proxy(namespace: str) -> Iterator[CuttingProxy]:
    server = urlsplit(from_kubeconfig().server)
    with cutting_proxy(str(server.hostname), int(server.port or 443)) as started:
        yield started


@pytest.fixture(scope="module")
def kills(shared_bench: Bench) -> Iterator[dict[str, Future[Run]]]:
    """Killed steps, run in parallel."""

    def kill(name: str) -> Run:
        stage, number, kind = name.split("-")
        (shared_bench.folder / name).mkdir()
        bench = replace(shared_bench, folder=shared_bench.folder / name)
        done = begun(bench, STAGES[stage], kind)
        done.process.send_signal(SIGNALS[number])
        assert done.end(20) == -SIGNALS[number], done.log
        return done

    with ThreadPoolExecutor(max_workers=4) as pool:
        yield {name: pool.submit(kill, name) for name in CASES if name.split("-")[2] in shared_bench.kinds}


def begun(bench: Bench, stage: Stage, kind: str = "job", pod: Any = None) -> Run:
    """A step that has reached a stage."""
    big = bench.folder / "big"
    with big.open("wb") as file:
        file.truncate(BIG)
    step = bench.steps[stage.step].with_spec(kind=kind, **(stage.spec or {}))
    given = bench.input(step, {"how": SLEEP}, {"big": str(big)} if stage.step == "copy" else {})
    if not stage.marker:
        # It retries, since there is no API server at this address.
        done = bench.start(step, given, server="https://127.0.0.1:9")
        time.sleep(2)
        return done
    done = bench.start(step, given, pod)
    done.until(stage.marker)
    return done


@pytest.mark.parametrize("name", CASES)
def test_killed_step_leaves_nothing(shared_bench: Bench, kills: dict[str, Future[Run]], name: str) -> None:
    if name not in kills:
        missing(f"the cluster has none of these jobs: {name}")
    stage, number, _ = name.split("-")
    done = kills[name].result()

    if number == "SIGTERM" and shared_bench.jobs(done):
        LATE.append(name)  # the API server did not answer in the moment that a step has
        assert len(LATE) == 1, LATE
    if (number == "SIGKILL" and stage != "before") or name in LATE:
        # The step could not delete it. Kubernetes deletes it with its owner, the pod of the step.
        assert len(shared_bench.jobs(done)) == 1
        shared_bench.delete_pod(done.pod)
        eventually(lambda: not shared_bench.jobs(done), 40)
    shared_bench.nothing_left(done)


@pytest.mark.parametrize("stage", ["pending", "running", "fetching"])
def test_retry_adopts_the_job(bench: Bench, stage: str, kubectl: Callable[..., str]) -> None:
    run, chosen = str(uuid.uuid4()), STAGES[stage]
    if stage == "running":
        chosen = replace(chosen, marker="told to # for a while")
    step = bench.steps[chosen.step].with_spec(**(chosen.spec or {}))
    with (bench.folder / "big").open("wb") as file:
        file.truncate(BIG if stage == "fetching" else 1000)
    inputs = {"big": str(bench.folder / "big")} if chosen.step == "copy" else {}
    given = bench.input(step, {"how": FOR_A_WHILE}, inputs)
    first = bench.start(step, given, bench.create(step_pod(0, run)))
    first.until(chosen.marker)
    first.process.kill()
    first.end()
    (job,) = bench.jobs(first)

    second = bench.start(step, given, bench.create(step_pod(1, run)))
    second.until("adopted")
    if stage == "pending":
        second.until("node 0 is pending")
    (adopted,) = bench.jobs(second)
    assert adopted["metadata"]["uid"] == job["metadata"]["uid"]
    bench.delete_pod(first.pod)  # which is not the owner anymore

    if stage == "pending":
        second.process.terminate()
        assert second.end() == -signal.SIGTERM
    else:
        assert second.end() == 0, second.log
        assert made_by(given)["parameters"]["Output"] == ("done" if stage == "running" else BIG)
        assert "is sent" not in second.log
        assert "node 0 starts" not in second.log
    assert second.pod
    bench.nothing_left(second)


def test_retry_makes_a_job_anew_that_is_over(bench: Bench) -> None:
    run = str(uuid.uuid4())
    step = bench.steps["behave"]
    given = bench.input(step, {"how": "# fails\nimport time; time.sleep(2); raise SystemExit(4)"})
    first = bench.start(step, given, bench.create(step_pod(0, run)))
    first.until("told to # fails")
    first.process.kill()
    first.end()
    eventually(lambda: bench.jobs(first)[0].get("status", {}).get("failed"), 30)
    eventually(lambda: "Failed" in str(bench.jobs(first)[0]["status"].get("conditions")), 30)

    second = bench.start(step, given, bench.create(step_pod(1, run)))

    assert second.end() == 1
    second.until("created ")
    second.until("exit code 4")
    bench.nothing_left(second)


@pytest.fixture(scope="module")
def restarts(shared_bench: Bench) -> Iterator[dict[str, Future[tuple[Run, int, Any]]]]:
    """Steps of all kinds, run in parallel, whose API server is unreachable for a while."""
    server = urlsplit(from_kubeconfig().server)

    def interrupt(kind: str) -> tuple[Run, int, Any]:
        (shared_bench.folder / kind).mkdir()
        bench = replace(shared_bench, folder=shared_bench.folder / kind)
        step = bench.steps["behave"].with_spec(kind=kind)
        given = bench.input(step, {"how": COUNT})
        with cutting_proxy(str(server.hostname), int(server.port or 443)) as proxy:
            done = bench.start(step, given, server=f"https://{proxy.address}")
            done.until("line 10")
            proxy.leave(2)
            done.until("line 50")
            proxy.cut()
            return done, done.end(), given

    with ThreadPoolExecutor(max_workers=4) as pool:
        yield {kind: pool.submit(interrupt, kind) for kind in shared_bench.kinds}


def test_restarted_api_server_is_waited_for(
    shared_bench: Bench, restarts: dict[str, Future[tuple[Run, int, Any]]], kind: str
) -> None:
    done, code, given = restarts[kind].result()

    assert code == 0, done.log
    assert made_by(given)["parameters"]["Output"] == "79"
    assert [line for line in done.lines if line.startswith("line")] == [f"line {i}" for i in range(80)]
    shared_bench.nothing_left(done)


def test_expired_token_is_read_anew(bench: Bench, proxy: CuttingProxy, kubectl: Callable[..., str]) -> None:
    # A token that is bound to a Secret is invalid 10 seconds after the Secret is deleted; until then it is cached.
    kubectl("-n", bench.namespace, "create", "secret", "generic", "life")
    bound = ["--bound-object-kind=Secret", "--bound-object-name=life"]
    token = kubectl("-n", bench.namespace, "create", "token", bench.account, *bound).strip()
    short = replace(bench.config, authorization=f"Bearer {token}", server=f"https://{proxy.address}")
    config = kubeconfig(short, bench.folder / "config")
    step = bench.steps["behave"]
    given = bench.input(
        step, {"how": "import time\nfor i in range(180): print('line', i, flush=True); time.sleep(0.1)"}
    )

    done = start(step, given, config, bench.create(step_pod()))
    done.until("line 0")
    kubectl("-n", bench.namespace, "delete", "secret", "life")
    kubeconfig(replace(short, authorization=bench.config.authorization), config)
    done.until("line 120")
    proxy.cut()

    assert done.end() == 0, done.log
    assert [line for line in done.lines if line.startswith("line")] == [f"line {i}" for i in range(180)]
    bench.nothing_left(done)
