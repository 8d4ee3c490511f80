"""Training steps whose job fails or cannot run: their error, and that they delete everything."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.mutators import environment_from_secret, mount_secret, node_selector, resources
from fairing_kfp.errors import NotInstalledError
from fairing_kfp.image import File
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.train.kinds import tfjob
from fairing_kfp.train.kinds.select import KINDS
from fairing_kfp.train.step import train
from tests.support.accounts import account_with
from tests.support.administrator import create, delete, until
from tests.support.private_registry import PrivateRegistry
from tests.support.services import missing
from tests.support.small_images import image, push_small_base
from tests.support.train_runs import ThreadRun
from tests.support.trains import Bench, chosen, kinds, pod_with

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.registry,
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]

SLEEP = "# sleep\nimport time; time.sleep(600)"
NOWHERE = pod_with(node_selector(nowhere="true"))
NODE_1_FAILS = """# fail
import os, sys, time
if os.environ['FAIRING_RANK'] == '1':
    print('said by 1', flush=True)
    sys.exit(9)
time.sleep(60)
"""
MALFORMED = {"containers": [{"name": "main", "resources": {"limits": {"memory": "4gb"}}}]}
DEVICE = pod_with(resources(others={"example.com/device": 1}))
MISSING = f"registry.testbed:5000/tests/none@sha256:{'0' * 64}"


@dataclass(frozen=True)
class Case:
    """A step that fails.

    Attributes:
        expected: texts in its log.
        how: its code.
        spec: fields of its spec.
        never: texts that are not in its log.
    """

    expected: tuple[str, ...]
    how: str = "# nothing"
    spec: Mapping[str, Any] = field(default_factory=dict)
    never: tuple[str, ...] = ()


OF_ALL_KINDS = {
    "exit": Case(("ended with exit code 7", "→ see the last lines of its log"), "import sys; sys.exit(7)"),
    "memory": Case(
        ("OOMKilled", "limit 64Mi", "raise its memory limit"),
        "x = bytearray(200_000_000)",
        {"pod": pod_with(resources(memory="64Mi"))},
    ),
    "other-node": Case(
        ("ended with exit code 9", "the last lines of node 1:", "  said by 1"), NODE_1_FAILS, {"nodes": 2}
    ),
    "unschedulable": Case(
        ("node 0 is pending: pod ", "node 0 was pending for", "0/1 nodes are available", "→ request less"),
        spec={"pod": NOWHERE, "start_within": 2},
        never=("told to",),
    ),
    "deadline": Case(("exceeded its deadline", "→ increase deadline="), SLEEP, {"deadline": 4}),
    "quantity": Case(("write quantities as 500m",), spec={"pod": MALFORMED}, never=("created ",)),
    "denied": Case(
        ("the image {denied} of container ", "imagePullSecrets"),
        spec={"image": "{denied}", "start_within": 2},
    ),
}
OF_JOBS = {
    "raises": Case(("ValueError: as it was told", "ended with exit code 1"), "raise ValueError('as it was told')"),
    "killed": Case(
        ("ended with exit code 137", "killed by signal 9"), "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    ),
    "no-image": Case(
        (f"the image {MISSING} of container main of pod", "cannot be pulled: Failed to pull", "check the image's name"),
        spec={"image": MISSING, "start_within": 2},
    ),
    "no-secret": Case(
        ('secret "no-such-secret" not found', "create the missing object"),
        spec={"pod": pod_with(environment_from_secret("no-such-secret", {"A": "a"})), "start_within": 2},
    ),
    "no-volume": Case(
        ('secret "no-such-secret" not found',),
        spec={"pod": pod_with(mount_secret("no-such-secret", "/a")), "start_within": 2},
    ),
    "quota": Case(
        ("its pods cannot be created: ", "exceeded quota: no-devices", "wait until other jobs have finished"),
        spec={"pod": DEVICE, "start_within": 2},
    ),
    "other-python": Case(
        ("was packed with Python 3.99, but its image runs Python 3.11", "ended with exit code 1"),
        spec={"image": "{other_python}"},
        never=("started node 0",),
    ),
    "no-python": Case(("python3", "check its command, and that the image has it"), spec={"image": "{no_python}"}),
}
CASES = {
    **{f"{name}-{kind}": case for name, case in OF_ALL_KINDS.items() for kind in KINDS},
    **{f"{name}-job": case for name, case in OF_JOBS.items()},
}
BY_DEFAULT = {
    "exit-trainjob",
    "memory-pytorchjob",
    "other-node-tfjob",
    "unschedulable-job",
    "deadline-trainjob",
    "quantity-pytorchjob",
    "denied-tfjob",
    *(f"{name}-job" for name in OF_JOBS),
}


@pytest.fixture(scope="module")
def images(
    train_steps: Mapping[str, Any],
    testbed_registry: str,
    serve: Callable[..., Any],
    shared_cache: Cache,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, str]]:
    """Images that cannot be used."""
    folder, client = tmp_path_factory.mktemp("images"), RegistryClient([testbed_registry])
    repository = f"tests/{uuid.uuid4().hex[:12]}"
    described = json.dumps({"name": "behave", "python": [3, 99], "packed_modules": []}).encode()
    other = image(
        train_steps["behave"].spec.image, layer_of_files("other", [File("opt/fairing/code/step.json", described)])
    )
    builder = AppendBuilder(f"{testbed_registry}/{repository}", cache=shared_cache, client=client)
    empty = push_small_base(client, testbed_registry, repository, layer_of_files("a", [File("opt/a", b"a")]))
    with serve(folder / "registry", {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}) as private:
        assert isinstance(private, PrivateRegistry)
        yield {
            "other_python": str(builder.publish(other)),
            "no_python": f"{testbed_registry}/{repository}@{empty.digest}",
            "denied": f"{private.host}/private/image:1",
        }


@pytest.fixture(scope="module")
def failures(
    request: pytest.FixtureRequest, shared_bench: Bench, images: dict[str, str]
) -> Iterator[dict[str, Future[tuple[ThreadRun, int]]]]:
    """The failing steps, run in parallel."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-devices"}}
    made = create(shared_bench.namespace, {**quota, "spec": {"hard": {"requests.example.com/device": "0"}}})
    until(made, lambda state: "hard" in state.get("status", {}))

    def fail(name: str) -> tuple[ThreadRun, int]:
        case, kind = CASES[name], name.rpartition("-")[2]
        spec = {**case.spec, "kind": kind}
        if "image" in spec:
            spec["image"] = spec["image"].format(**images)
        (shared_bench.folder / name).mkdir()
        bench = replace(shared_bench, folder=shared_bench.folder / name)
        step = bench.steps["behave"].with_spec(**spec)
        done = bench.start(step, bench.input(step, {"how": case.how}))
        return done, done.end()

    names = [name for name in chosen(request, "name") if name.rpartition("-")[2] in shared_bench.kinds]
    with ThreadPoolExecutor(max_workers=5) as pool:
        yield {name: pool.submit(fail, name) for name in names}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in BY_DEFAULT else pytest.mark.exhaustive) for name in CASES]
)
def test_it_says_why(
    shared_bench: Bench, failures: dict[str, Future[tuple[ThreadRun, int]]], images: dict[str, str], name: str
) -> None:
    if name not in failures:
        missing(f"the cluster has none of these jobs: {name}")
    done, code = failures[name].result()
    case = CASES[name]

    assert code == 1, done.log
    for words in case.expected:
        assert words.format(**images) in done.log
    for words in case.never:
        assert words not in done.log
    assert done.log.count(" of behave failed") + done.log.count(" of behave cannot start") <= 1
    assert not (shared_bench.folder / name / "out" / "kfp_outputs").exists()
    shared_bench.nothing_left(done)


@pytest.mark.parametrize("kind", [one for one in kinds("job", "tfjob") if one.values != ("trainjob",)], indirect=True)
def test_retried_nodes_go_on(bench: Bench, kind: str) -> None:
    # Not a TrainJob: its runtime decides how many times its nodes are restarted, and this one never does.
    step = bench.steps["behave"].with_spec(kind=kind, retries=1)

    done = bench.start(step, bench.input(step, {"how": "# once\nimport sys\nsys.exit(5)"}))

    assert done.end() == 1, done.log
    assert [line for line in done.lines if line == "told to # once"] == ["told to # once"] * 2
    done.until("ended with exit code 5")
    bench.nothing_left(done)


def test_kind_that_is_not_installed_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfjob, "KIND", replace(tfjob.KIND, kind="XGBoostJob", container="xgboost"))
    step = bench.steps["behave"].with_spec(kind="tfjob")

    with pytest.raises(NotInstalledError, match="XGBoostJob"):
        train(step.spec, bench.input(step), Cluster(lambda: bench.config), log=print, log_line=print)


def test_missing_right_comes_back_as_the_rule(bench: Bench) -> None:
    step = bench.steps["behave"]
    done = replace(bench, config=account_with(bench.namespace)).start_process(step, bench.input(step))

    assert done.end() == 1
    done.until("may not create, delete, get, list, patch, watch jobs.batch; get, list, patch, watch pods")
    done.until("kind: RoleBinding")
    bench.nothing_left(done)


def test_disk_of_a_node_that_is_full_is_named(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(8_000_000))
    pod = pod_with()
    pod["volumes"] = [{"name": "small", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}]
    pod["containers"][0]["volumeMounts"] = [{"name": "small", "mountPath": str(tmp_path)}]
    step = bench.steps["copy"].with_spec(pod=pod)

    done = bench.start(step, bench.input(step, {}, {"big": str(tmp_path / "big")}))

    assert done.end() == 1, done.log
    done.until("No space left on device")
    done.until("have enough disk space")
    bench.nothing_left(done)


@pytest.mark.parametrize("kind", kinds("pytorchjob"), indirect=True)
def test_deleted_underneath(bench: Bench, kind: str) -> None:
    step = bench.steps["behave"].with_spec(kind=kind)
    done = bench.start(step, bench.input(step, {"how": SLEEP}))
    done.until("told to # sleep")
    (job,) = bench.jobs(done)
    delete(job)

    assert done.end() == 1, done.log
    done.until("was deleted")
    bench.nothing_left(done)


def test_pod_deleted_underneath_fails_the_job(bench: Bench) -> None:
    step = bench.steps["behave"]
    done = bench.start(step, bench.input(step, {"how": SLEEP}))
    done.until("told to # sleep")
    (pod,) = bench.pods(done)
    delete(pod)

    assert done.end() == 1, done.log
    done.until("Job of behave failed: ")
    bench.nothing_left(done)
