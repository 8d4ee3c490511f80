"""Interrupted training steps: killed at each stage, retried, or without a connection to Kubernetes for a while."""

from __future__ import annotations

import signal
import socket
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import from_kubeconfig
from fairing_kfp.cluster.mutators import node_selector
from fairing_kfp.train.kinds.select import KINDS
from tests.support.accounts import config_of
from tests.support.administrator import create, delete, until
from tests.support.cutting_proxy import CuttingProxy, cutting_proxy
from tests.support.services import missing
from tests.support.train_pods import step_pod
from tests.support.train_runs import ProcessRun, ThreadRun
from tests.support.train_steps import made_by
from tests.support.trains import HELD, Bench, chosen, kinds, pod_with, release
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kubernetes, pytest.mark.registry, pytest.mark.filterwarnings("ignore:Unverified HTTPS")]

SLEEP = "# sleep\nimport time; time.sleep(600)"
COUNT = "import time\nfor i in range(80): print('line', i, flush=True); time.sleep(0.1)\nanswer = i"
WAIT = f"# wait\n{HELD}; answer = 'done'"
HUNG = "import time; from fairing_kfp.train.node_client import Node; Node.{} = lambda *_: time.sleep(600)"
"""Statements before a step that let a transfer take longer than its test."""


@dataclass(frozen=True)
class Stage:
    """The stage at which a step is killed.

    Attributes:
        marker: text in the log when the stage is reached; empty for the stage before the job is created.
        step: name of the component.
        spec: fields of the step's spec.
        before: statements before the step, which hold it there.
    """

    marker: str
    step: str = "behave"
    spec: Any = None
    before: str = ""


STAGES = {
    "before": Stage(""),
    "pending": Stage("node 0 is pending", spec={"pod": pod_with(node_selector(nowhere="true"))}),
    "sending": Stage("sending ", "copy", before=HUNG.format("send")),
    "running": Stage("told to # sleep"),
    "fetching": Stage("; fetching ", "copy", before=HUNG.format("fetch")),
}
SIGNALS = {"SIGTERM": signal.SIGTERM, "SIGKILL": signal.SIGKILL}
LATE: list[str] = []
"""Cases whose step could not delete its job in time; one may be so on a busy machine."""
BY_DEFAULT = [
    "before-SIGTERM-job",
    "pending-SIGKILL-pytorchjob",
    "sending-SIGTERM-job",
    "running-SIGTERM-tfjob",
    "running-SIGKILL-trainjob",
    "fetching-SIGTERM-job",
]
FURTHER = [
    *(f"{stage}-{number}-job" for stage in STAGES for number in SIGNALS),
    *(f"running-{number}-{kind}" for number in SIGNALS for kind in KINDS if kind != "job"),
]
CASES = [
    *BY_DEFAULT,
    *(pytest.param(name, marks=pytest.mark.exhaustive) for name in FURTHER if name not in BY_DEFAULT),
]


@pytest.fixture(scope="module")
def proxy(namespace: str) -> Iterator[CuttingProxy]:
    server = urlsplit(from_kubeconfig().server)
    with cutting_proxy(str(server.hostname), int(server.port or 443)) as started:
        yield started


@pytest.fixture(scope="module")
def kills(request: pytest.FixtureRequest, shared_bench: Bench) -> Iterator[dict[str, Future[ProcessRun]]]:
    """Killed steps, run in parallel."""

    def kill(name: str) -> ProcessRun:
        stage, number, kind = name.split("-")
        (shared_bench.folder / name).mkdir()
        bench = replace(shared_bench, folder=shared_bench.folder / name)
        done = begun(bench, STAGES[stage], kind)
        done.process.send_signal(SIGNALS[number])
        assert done.end(60) == -SIGNALS[number], done.log
        return done

    names = [name for name in chosen(request, "name") if name.split("-")[2] in shared_bench.kinds]
    with ThreadPoolExecutor(max_workers=4) as pool:
        yield {name: pool.submit(kill, name) for name in names}


def begun(bench: Bench, stage: Stage, kind: str) -> ProcessRun:
    """A step that has reached a stage."""
    (bench.folder / "big").write_bytes(bytes(1000))
    step = bench.steps[stage.step].with_spec(kind=kind, **(stage.spec or {}))
    given = bench.input(step, {"how": SLEEP}, {"big": str(bench.folder / "big")} if stage.step == "copy" else {})
    if stage.marker:
        done = bench.start_process(step, given, before=stage.before)
        done.until(stage.marker)
        return done
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        done = bench.start_process(step, given, server=f"https://127.0.0.1:{silent.getsockname()[1]}")
        silent.accept()[0].close()  # it asks an API server that does not answer, and tries again
        return done


@pytest.mark.parametrize("name", CASES)
def test_killed_step_leaves_nothing(shared_bench: Bench, kills: dict[str, Future[ProcessRun]], name: str) -> None:
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
        delete(done.pod, grace=0)
        eventually(lambda: not shared_bench.jobs(done), 40)
    shared_bench.nothing_left(done)


@pytest.mark.parametrize("stage", ["pending", "running", "fetching"])
def test_retry_adopts_the_job(bench: Bench, stage: str) -> None:
    run, reached = str(uuid.uuid4()), STAGES[stage]
    step = bench.steps[reached.step].with_spec(**(reached.spec or {}))
    (bench.folder / "big").write_bytes(bytes(1000))
    given = bench.input(step, {"how": WAIT}, {"big": str(bench.folder / "big")} if stage == "fetching" else {})
    first = bench.start_process(step, given, bench.create(step_pod(0, run)), before=reached.before)
    first.until("told to # wait" if stage == "running" else reached.marker)
    first.process.kill()
    first.end()
    (job,) = bench.jobs(first)

    second = bench.start_process(step, given, bench.create(step_pod(1, run)))
    second.until("adopted")
    if stage == "pending":
        second.until("node 0 is pending")
    if stage != "fetching":
        (adopted,) = bench.jobs(second)
        assert adopted["metadata"]["uid"] == job["metadata"]["uid"]
    delete(first.pod, grace=0)  # which is not the owner anymore

    if stage == "pending":
        second.process.terminate()
        assert second.end() == -signal.SIGTERM
    else:
        if stage == "running":
            release(bench.pods(second)[0])
        assert second.end() == 0, second.log
        assert made_by(given)["parameters"]["Output"] == ("done" if stage == "running" else 1000)
        assert "sending" not in second.log
        assert "started node 0" not in second.log
    bench.nothing_left(second)


def test_retry_makes_a_job_anew_that_is_over(bench: Bench) -> None:
    run = str(uuid.uuid4())
    step = bench.steps["behave"]
    given = bench.input(step, {"how": f"# fails\n{HELD}; raise SystemExit(4)"})
    first = bench.start_process(step, given, bench.create(step_pod(0, run)))
    first.until("told to # fails")
    (node,) = bench.pods(first)
    first.process.kill()
    first.end()
    release(node)
    until(bench.jobs(first)[0], lambda job: "Failed" in [one["type"] for one in job["status"].get("conditions", [])])

    second = bench.start(step, given, bench.create(step_pod(1, run)))
    second.until("told to # fails")
    release(bench.pods(second)[0])

    assert second.end() == 1
    second.until("created ")
    second.until("exit code 4")
    bench.nothing_left(second)


@pytest.fixture(scope="module")
def restarts(
    request: pytest.FixtureRequest, shared_bench: Bench
) -> Iterator[dict[str, Future[tuple[ThreadRun, int, Any]]]]:
    """Steps, run in parallel, whose API server is unreachable for a while."""
    server = urlsplit(from_kubeconfig().server)

    def interrupt(kind: str) -> tuple[ThreadRun, int, Any]:
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
        yield {kind: pool.submit(interrupt, kind) for kind in chosen(request, "kind") if kind in shared_bench.kinds}


@pytest.mark.parametrize("kind", kinds("job"), indirect=True)
def test_restarted_api_server_is_waited_for(
    shared_bench: Bench, restarts: dict[str, Future[tuple[ThreadRun, int, Any]]], kind: str
) -> None:
    done, code, given = restarts[kind].result()

    assert code == 0, done.log
    assert made_by(given)["parameters"]["Output"] == "79"
    assert [line for line in done.lines if line.startswith("line")] == [f"line {i}" for i in range(80)]
    shared_bench.nothing_left(done)


def test_expired_token_is_read_anew(bench: Bench, proxy: CuttingProxy) -> None:
    # A token that is bound to a Secret is invalid 10 seconds after the Secret is deleted; until then it is cached.
    life = create(bench.namespace, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "life"}})
    bound = {"apiVersion": "v1", "kind": "Secret", "name": "life"}
    limited = config_of(bench.namespace, bench.account, boundObjectRef=bound)
    configs = [replace(limited, server=f"https://{proxy.address}")]
    step = bench.steps["behave"]
    given = bench.input(
        step, {"how": "import time\nfor i in range(180): print('line', i, flush=True); time.sleep(0.1)"}
    )

    done = ThreadRun(step, given, Cluster(lambda: configs[-1]), bench.create(step_pod()))
    done.until("line 0")
    delete(life)
    configs.append(replace(configs[0], authorization=bench.config.authorization))
    done.until("line 120")
    proxy.cut()

    assert done.end() == 0, done.log
    assert [line for line in done.lines if line.startswith("line")] == [f"line {i}" for i in range(180)]
    bench.nothing_left(done)
