"""Train steps whose job fails, or cannot run: what they say, and that they leave nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fairing_kfp.build.append import AppendBuilder
from fairing_kfp.build.cache import Cache
from fairing_kfp.cluster.mutators import environment_from_secret, mount_secret, node_selector, resources
from fairing_kfp.image import File, Layer
from fairing_kfp.registry.client import RegistryClient
from tests.integration.conftest import PrivateRegistry
from tests.integration.trains import Bench, pod_with
from tests.small_images import image, push_small_base
from tests.train_steps import Run, Step

pytestmark = [pytest.mark.kubernetes, pytest.mark.registry]

STEP_FILE = "opt/fairing/code/step.json"


def failed(bench: Bench, step: Step, how: str = "", seconds: float = 90) -> Run:
    """A step that ran, failed, and left nothing."""
    done = bench.start(step, bench.input(step, {"how": how or "# nothing"}))
    assert done.end(seconds) == 1, done.log
    assert not (bench.outputs / "kfp_outputs").exists()
    assert "Traceback" not in done.log.replace('Traceback (most recent call last):\n  File "<string>"', "")
    bench.nothing_left(done)
    return done


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("raise ValueError('as it was told')", ["ended with exit code 1", "ValueError: as it was told"]),
        ("import sys; sys.exit(7)", ["ended with exit code 7"]),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", ["ended with exit code 137", "killed by signal 9"]),
    ],
)
def test_failed_code_fails_the_step(bench: Bench, how: str, expected: list[str]) -> None:
    step = bench.steps["behave"]
    done = bench.start(step, bench.input(step, {"how": how}))

    assert done.end() == 1, done.log
    for words in [f"told to {how}", "Job of behave failed", *expected]:
        assert words in done.log
    assert not (bench.outputs / "kfp_outputs").exists()
    bench.nothing_left(done)


def test_each_kind_fails_with_the_exit_code(bench: Bench, kind: str) -> None:
    done = failed(bench, bench.steps["behave"].with_order(kind=kind), "import sys; sys.exit(7)")

    done.until("ended with exit code 7")


def test_memory_that_ran_out_is_named(bench: Bench, kind: str) -> None:
    step = bench.steps["behave"].with_order(kind=kind, pod=pod_with(resources(memory="64Mi")))

    done = failed(bench, step, "x = bytearray(200_000_000)")

    # The node's code is killed, or all of its container: either way it is said why.
    done.until("OOMKilled")
    done.until("limit 64Mi")
    done.until("raise its memory limit")


def test_the_last_lines_of_another_node_are_shown(bench: Bench, kind: str) -> None:
    how = (
        "# fail\nimport os, sys, time\n"
        "if os.environ['FAIRING_RANK'] == '1': print('said by 1', flush=True); sys.exit(9)\n"
        "time.sleep(60)"
    )

    done = failed(bench, bench.steps["behave"].with_order(kind=kind, nodes=2), how)

    done.until("ended with exit code 9")
    done.until("the last lines of node 1:")
    done.until("  said by 1")


def test_retried_nodes_go_on(bench: Bench, kind: str) -> None:
    if kind == "trainjob":
        pytest.skip("how often its nodes are started anew is the runtime's, and none here")
    step = bench.steps["behave"].with_order(kind=kind, retries=1)
    how = "# once\nimport sys\nsys.exit(5)"

    done = failed(bench, step, how)

    assert [line for line in done.lines if line == "told to # once"] == ["told to # once"] * 2
    done.until("ended with exit code 5")


def test_node_that_fits_nowhere_is_given_up_with_the_schedulers_words(bench: Bench, kind: str) -> None:
    step = bench.steps["behave"].with_order(kind=kind, pod=pod_with(node_selector(nowhere="true")), start_within=2)

    done = failed(bench, step)

    done.until("node 0 waits: pod ")
    done.until("cannot start: node 0 waited")
    done.until("0/1 nodes are available")
    done.until("→ ask for less")


def test_image_that_is_not_there_is_given_up(bench: Bench, testbed_registry: str) -> None:
    image = f"{testbed_registry}/tests/none@sha256:{'0' * 64}"

    done = failed(bench, bench.steps["behave"].with_order(image=image, start_within=2))

    done.until(f"the image {image} of container main of pod")
    done.until("not found")
    done.until("check the image's name")


def test_image_that_is_denied_wants_a_pull_secret(bench: Bench, bearer_registry: PrivateRegistry) -> None:
    image = f"{bearer_registry.host}/private/image:1"

    done = failed(bench, bench.steps["behave"].with_order(image=image, start_within=2))

    done.until(f"the image {image} of container main of pod")
    done.until("imagePullSecrets")


def test_what_is_missing_in_the_namespace_is_named(bench: Bench) -> None:
    lacking = pod_with(environment_from_secret("no-such-secret", {"A": "a"}))

    done = failed(bench, bench.steps["behave"].with_order(pod=lacking, start_within=2))

    done.until('secret "no-such-secret" not found')


def test_volume_that_does_not_come_is_named(bench: Bench) -> None:
    done = failed(
        bench, bench.steps["behave"].with_order(pod=pod_with(mount_secret("no-such-secret", "/a")), start_within=2)
    )

    done.until('secret "no-such-secret" not found')


def test_quota_that_keeps_pods_from_being_made_is_named(bench: Bench, kubectl: Callable[..., str]) -> None:
    kubectl("-n", bench.namespace, "create", "quota", "no-devices", "--hard=requests.example.com/device=0")
    waiting = r"--for=jsonpath={.status.hard.requests\.example\.com/device}=0"
    kubectl("-n", bench.namespace, "wait", "quota/no-devices", waiting, "--timeout=30s")
    step = bench.steps["behave"].with_order(pod=pod_with(resources(others={"example.com/device": 1})), start_within=1)

    done = failed(bench, step)

    done.until("its pods cannot be made: ")
    done.until("exceeded quota: no-devices")


def test_job_that_takes_too_long_is_ended(bench: Bench, kind: str) -> None:
    step = bench.steps["behave"].with_order(kind=kind, deadline=4)

    done = failed(bench, step, "# sleep\nimport time; time.sleep(600)")

    done.until("told to # sleep")
    done.until("ran out of time")


def test_malformed_quantity_is_refused_before_anything_is_made(bench: Bench, kind: str) -> None:
    pod = {"containers": [{"name": "main", "resources": {"limits": {"memory": "4gb"}}}]}

    done = failed(bench, bench.steps["behave"].with_order(kind=kind, pod=pod))

    done.until("write quantities as Kubernetes has them")
    assert " made" not in done.log


def test_kind_that_is_not_installed_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairing_kfp.cluster.client import Cluster
    from fairing_kfp.errors import NotInstalledError
    from fairing_kfp.train import tfjob
    from fairing_kfp.train.step import train

    monkeypatch.setattr(tfjob, "WORKLOAD", tfjob.ReplicaJob("XGBoostJob", "xgboost", "xgbReplicaSpecs", lambda _: {}))
    step = bench.steps["behave"].with_order(kind="tfjob")
    with pytest.raises(NotInstalledError, match="XGBoostJob"):
        train(step.order, bench.input(step), Cluster(lambda: bench.access), say=print, show=print)


def test_missing_right_comes_back_as_the_rule(bench: Bench, kubectl: Callable[..., str]) -> None:
    from dataclasses import replace

    from tests.accounts import account_with

    step = bench.steps["behave"]
    poor = replace(bench, access=account_with(kubectl, bench.namespace))
    done = poor.start(step, bench.input(step))
    assert done.end() == 1
    done.until("may not get pods")
    done.until("kind: RoleBinding")
    assert bench.jobs(done) == []


def with_file(bench: Bench, host: str, unique: str, cache: Cache, base: str, file: File) -> str:
    """An image with one more file, by digest."""
    client = RegistryClient([host])
    made = image(base, Layer.of_files("more", [file]))
    return str(AppendBuilder(f"{host}/{unique}", cache=cache, client=client).publish(made))


def test_image_with_another_python_is_told_before_anything_is_sent(
    bench: Bench, testbed_registry: str, unique: str, cache: Cache, tmp_path: Path
) -> None:
    step = bench.steps["learn"]
    described = {"name": "learn", "python": [3, 99], "packed_modules": []}
    file = File(STEP_FILE, json.dumps(described).encode())
    other = step.with_order(image=with_file(bench, testbed_registry, unique, cache, step.order.image, file))
    (tmp_path / "data").write_text("x")
    inputs = {name: str(tmp_path / "data") for name in ("data", "folder")}

    done = bench.start(other, bench.input(other, {"depth": 1}, inputs))

    assert done.end() == 1, done.log
    done.until("was packed with Python 3.99, but its image runs Python 3.11")
    assert "of inputs" not in done.log
    bench.nothing_left(done)


def test_image_without_python_is_told(bench: Bench, testbed_registry: str, unique: str) -> None:
    client = RegistryClient([testbed_registry])
    manifest = push_small_base(client, testbed_registry, unique, Layer.of_files("a", [File("opt/a", b"a")]))
    nothing = f"{testbed_registry}/{unique}@{manifest.digest}"

    done = failed(bench, bench.steps["behave"].with_order(image=nothing, start_within=2))

    done.until("python3")
    done.until("check its command, and that the image has it")


def test_disk_of_a_node_that_is_full_is_named(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(8_000_000))
    pod = pod_with(*[])
    pod["volumes"] = [{"name": "small", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}]
    pod["containers"][0]["volumeMounts"] = [{"name": "small", "mountPath": str(tmp_path)}]
    step = bench.steps["copy"].with_order(pod=pod)

    done = bench.start(step, bench.input(step, {}, {"big": str(tmp_path / "big")}))

    assert done.end() == 1, done.log
    done.until("No space left on device")
    done.until("have room there")
    bench.nothing_left(done)


def test_deleted_underneath(bench: Bench, kind: str, kubectl: Callable[..., str]) -> None:
    step = bench.steps["behave"].with_order(kind=kind)
    done = bench.start(step, bench.input(step, {"how": "# sleep\nimport time; time.sleep(600)"}))
    done.until("told to # sleep")
    (job,) = bench.jobs(done)
    kubectl("-n", bench.namespace, "delete", job["kind"].lower(), job["metadata"]["name"], "--wait=false")

    assert done.end() == 1, done.log
    done.until("was deleted underneath")
    bench.nothing_left(done)


def test_pod_deleted_underneath_fails_the_job(bench: Bench, kubectl: Callable[..., str]) -> None:
    step = bench.steps["behave"]
    done = bench.start(step, bench.input(step, {"how": "# sleep\nimport time; time.sleep(600)"}))
    done.until("told to # sleep")
    (pod,) = bench.pods(done)
    kubectl("-n", bench.namespace, "delete", "pod", pod["metadata"]["name"], "--wait=false")

    assert done.end() == 1, done.log
    done.until("Job of behave failed: ")
    bench.nothing_left(done)
