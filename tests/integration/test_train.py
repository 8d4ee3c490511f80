"""Training steps on a real Kubernetes: inputs, outputs, logs, restarts and roles."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from pathlib import Path

import pytest

from fairing_kfp.cluster.kinds import JOB
from fairing_kfp.cluster.mutators import environment, mount_config_map, node_selector, resources
from fairing_kfp.pipeline import roles
from tests.support.accounts import RecordedCluster, account_with, granted
from tests.support.administrator import create, listed, log_of
from tests.support.train_pods import launched, outputs_in, step_pod
from tests.support.train_runs import ThreadRun
from tests.support.train_steps import made_by
from tests.support.trains import HELD, Bench, kinds, pod_with, release

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.registry,
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]

MEET = """# meet
import os, socket, time
rank, peers = int(os.environ["FAIRING_RANK"]), os.environ["FAIRING_PEERS"].split(",")
if rank == 0:
    with socket.create_server(("", 9000)) as server:
        other, (address, _) = server.accept()
        answer = f"{other.recv(100).decode()} {address == peers[1]} {os.environ['FAIRING_NODES']}"
for _ in range(200 * rank):
    try:
        with socket.create_connection((peers[0], 9000)) as first:
            first.sendall(b"here is 1")
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
print("line of", rank)
"""

BEGIN_ANEW = """# begin anew
import os, socket, sys, time, pathlib
rank, peers = int(os.environ["FAIRING_RANK"]), os.environ["FAIRING_PEERS"].split(",")
rounds = pathlib.Path("/tmp/rounds")
if rank == 0:
    rounds.write_text(rounds.read_text() + "." if rounds.exists() else ".")
    with socket.create_server(("", 9000)) as server:
        other, _ = server.accept()
        other.sendall(rounds.read_bytes())
    if rounds.read_text() == ".":
        time.sleep(600)
    answer = rounds.read_text()
else:
    for _ in range(200):
        try:
            with socket.create_connection((peers[0], 9000)) as first:
                sys.exit(1) if first.recv(9) == b"." else None
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
"""


@pytest.mark.parametrize("kind", kinds("job"), indirect=True)
def test_files_and_folders_come_and_go(bench: Bench, kind: str, tmp_path: Path) -> None:
    inputs = tmp_path / "in"
    (inputs / "folder" / "deep").mkdir(parents=True)
    (inputs / "data").write_text("all of it")
    for name in ("a b", "deep/ü.txt", "empty"):
        (inputs / "folder" / name).write_text(name if name != "empty" else "")
    (inputs / "folder" / os.fsdecode(b"latin-\xfc")).write_text("bytes")
    (inputs / "folder" / "deep" / "circle").symlink_to(inputs / "folder")
    step = bench.steps["learn"].with_spec(kind=kind)
    given = bench.input(step, {"depth": 8}, {name: f"{inputs}/{name}" for name in ("data", "folder")})

    done = bench.start(step, given)

    assert done.end() == 0, done.log
    made = made_by(given)
    assert made["parameters"] == {"score": 4.0, "words": ["all of it"], "count": 4}
    assert made["metadata"]["model"] == {"depth": 8}
    assert made["metadata"]["metrics"] == {"accuracy": 0.5}
    assert made["paths"]["model"].read_text() == "8 all of it"
    deep = made["paths"]["made"] / "deep" / "ly"
    expected = {"a b": "a b", "ü.txt": "deep/ü.txt", "empty": "", os.fsdecode(b"latin-\xfc"): "bytes"}
    assert {path.name: path.read_text() for path in deep.iterdir()} == expected
    bench.nothing_left(done)


def test_in_a_pod_under_the_role_of_jobs_alone(bench: Bench) -> None:
    step = bench.steps["learn"]
    store = "minio://mlpipeline/v2/artifacts/elsewhere/run"
    files = {"data": b"all", "folder/a": b"1", "folder/deep/b": b"2"}
    given = step.executor_input(store, {"depth": 2}, {name: f"{store}/in/{name}" for name in ("data", "folder")})
    place = "/minio/mlpipeline/v2/artifacts/elsewhere/run"
    pod = launched(step, given, bench.account, {f"{place}/in/{name}": data for name, data in files.items()})

    log = log_of(bench.create(pod))

    outputs = outputs_in(log)
    assert outputs[f"{place}/model"] == b"2 all"
    assert {outputs[f"{place}/made/deep/ly/{name}"] for name in "ab"} == {b"1", b"2"}
    output = json.loads(outputs["/tmp/kfp_outputs/output_metadata.json"])
    assert output["parameterValues"] == {"score": 1.0, "words": ["all"], "count": 2}
    assert "learning from ['a', 'deep/b']" in log
    assert listed(bench.namespace, JOB, f"fairing-kfp/run={pod['metadata']['labels']['pipeline/runid']}") == []


def test_big_files_are_held_in_no_memory(bench: Bench, tmp_path: Path) -> None:
    big = tmp_path / "big"
    with big.open("wb") as file:
        for number in range(100):
            file.write(bytes([number]) * 1_000_000)
    step = bench.steps["copy"].with_spec(pod=pod_with(resources(memory="96Mi")))
    given = bench.input(step, {}, {"big": str(big)})

    done = bench.start_process(step, given)
    peak = 0

    def look() -> None:
        nonlocal peak
        while done.process.poll() is None:
            status = Path(f"/proc/{done.process.pid}/status").read_text()
            found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
            peak = max(peak, *map(int, found), 0)
            time.sleep(0.05)

    watching = threading.Thread(target=look)
    watching.start()
    assert done.end() == 0, done.log
    watching.join()
    assert made_by(given)["paths"]["copied"].read_bytes() == big.read_bytes()
    assert peak < 120_000, f"{peak} kB"  # mostly Python and its modules
    done.until("sending 100.0 MB of inputs to node 0")


@pytest.mark.parametrize("kind", kinds("job"), indirect=True)
def test_nodes_meet_and_all_are_shown(bench: Bench, kind: str) -> None:
    step = bench.steps["behave"].with_spec(kind=kind, nodes=2, logs="all")
    given = bench.input(step, {"how": MEET})

    done = bench.start(step, given)

    assert done.end() == 0, done.log
    assert made_by(given)["parameters"]["Output"] == "here is 1 True 2"
    assert {"[0] line of 0", "[1] line of 1"} <= set(done.lines)
    bench.nothing_left(done)


def test_nodes_of_a_framework_begin_anew_together(bench: Bench) -> None:
    step = bench.steps["behave"].with_spec(nodes=2, framework="jax", retries=1)
    given = bench.input(step, {"how": BEGIN_ANEW})

    done = bench.start(step, given)

    assert done.end() == 0, done.log
    assert made_by(given)["parameters"]["Output"] == ".."
    assert "restarted node 0" in done.log
    bench.nothing_left(done)


def test_settings_of_the_task_and_of_mutators_reach_the_pods(bench: Bench) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}}
    create(bench.namespace, settings)
    how = (
        f"# settings\nimport os\n{HELD}\n"
        "answer = os.environ['COLOUR'] + os.environ['SHAPE'] + open('/task/a').read() + open('/mine/a').read()"
    )
    mutators = (
        resources(cpu="20m", memory="64Mi"),
        environment({"SHAPE": "round", "COLOUR": "blue"}),
        mount_config_map("settings", "/mine"),
        node_selector(**{"kubernetes.io/os": "linux"}),
    )
    task = {
        "env": [{"name": "COLOUR", "value": "red"}],
        "resources": {"limits": {"memory": "512Mi"}},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "volumes": [{"name": "of-task", "configMap": {"name": "settings"}}],
        "volumeMounts": [{"name": "of-task", "mountPath": "/task"}],
    }
    step = bench.steps["behave"].with_spec(
        pod=pod_with(*mutators), labels={"team": "digits"}, annotations={"example.com/why": "test"}
    )
    given = bench.input(step, {"how": how}, task=task)

    done = bench.start(step, given)
    done.until("told to")
    (pod,) = bench.pods(done)
    release(pod)

    assert done.end() == 0, done.log
    assert made_by(given)["parameters"]["Output"] == "blueround11"
    spec, metadata = pod["spec"], pod["metadata"]
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    assert {"key": "a", "operator": "Exists"} in spec["tolerations"]
    assert spec["containers"][0]["resources"]["limits"]["memory"] == "64Mi"
    assert spec["containers"][0]["resources"]["requests"] == {"cpu": "20m", "memory": "64Mi"}
    assert metadata["labels"].items() >= {"team": "digits", "sidecar.istio.io/inject": "false"}.items()
    assert metadata["annotations"].items() >= {"example.com/why": "test", "sidecar.istio.io/inject": "false"}.items()
    mounted = [mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]]
    assert "/var/run/secrets/kubernetes.io/serviceaccount" not in mounted


def test_role_is_enough_and_has_no_verb_to_spare(bench: Bench, kind: str) -> None:
    access = account_with(bench.namespace, roles.manifest(kind, bench.namespace))
    limited = RecordedCluster(lambda: access)
    step = bench.steps["behave"].with_spec(kind=kind)
    given, run = bench.input(step, {"how": f"# wait\n{HELD}"}), str(uuid.uuid4())

    # An attempt, one that takes over its job, and a step whose job cannot be scheduled.
    first = ThreadRun(step, given, limited, bench.create(step_pod(0, run)))
    first.until("told to # wait")
    second = ThreadRun(step, given, limited, bench.create(step_pod(1, run)))
    assert first.end() == 1
    release(bench.pods(first)[0])
    assert second.end() == 0, second.log
    nowhere = step.with_spec(pod=pod_with(node_selector(nowhere="true")), start_within=1)
    third = ThreadRun(nowhere, given, limited, bench.create(step_pod()))
    assert third.end() == 1

    assert "another attempt of this task took over" in first.log
    assert "adopted" in second.lines[0]
    assert "told to # wait" in second.log
    assert "cannot be scheduled" in third.log
    assert limited.used == granted(kind)
    bench.nothing_left(second)
