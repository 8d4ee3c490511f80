"""Logs of pods, and why pods do not run, against a real Kubernetes."""

from __future__ import annotations

import itertools
import textwrap
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from fairing_kfp.cluster.apply import create, delete
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import from_kubeconfig
from fairing_kfp.cluster.events import events_of
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.cluster.lines import Line
from fairing_kfp.cluster.logs import Streams, follow_log, last_lines
from fairing_kfp.cluster.mutators import Mutator, composed, environment_from_secret, node_selector, non_root, resources
from fairing_kfp.cluster.pods import Trouble, trouble
from fairing_kfp.cluster.watch import follow
from tests.cutting_proxy import CuttingProxy, cutting_proxy

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.registry,
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]


@pytest.fixture(scope="module")
def cluster(namespace: str) -> Cluster:
    return Cluster(lambda: replace(from_kubeconfig(), namespace=namespace), patience=20)


@pytest.fixture
def proxy(namespace: str) -> Iterator[CuttingProxy]:
    server = urlsplit(from_kubeconfig().server)
    with cutting_proxy(str(server.hostname), int(server.port or 443)) as started:
        yield started


@pytest.fixture
def through(proxy: CuttingProxy, namespace: str) -> Cluster:
    return Cluster(
        lambda: replace(from_kubeconfig(), namespace=namespace, server=f"https://{proxy.address}"), patience=20
    )


def pod(image: str, code: str, *mutators: Mutator, labels: dict[str, str] | None = None, **spec: Any) -> Any:
    container = {"name": "main", "image": image, "command": ["python3", "-u", "-c", textwrap.dedent(code)]}
    described = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "containers": [container],
        **spec,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"pod-{uuid.uuid4().hex[:8]}", "labels": labels or {}},
        "spec": composed(*mutators)(described),
    }


def start(cluster: Cluster, manifest: Any) -> str:
    return create(cluster, manifest, {"fairing-kfp/test": "pods"}).name


def what_is_wrong(cluster: Cluster, name: str) -> Trouble:
    for state in follow(cluster, POD, name, cluster.namespace, seconds=60):
        found = trouble(state, events_of(cluster, state))
        if found:
            return found
    raise AssertionError("unreachable")


COUNT = "import time\nfor i in range({0}): print('line', i, flush=True); time.sleep({1})"


def test_log_comes_whole_through_cuts_and_restarts(
    cluster: Cluster, through: Cluster, proxy: CuttingProxy, base_image: str
) -> None:
    name = start(cluster, pod(base_image, COUNT.format(300, 0.015)))
    seen = []
    for line in follow_log(through, cluster.namespace, name, "main"):
        seen.append(line.text)
        if len(seen) in (50, 51, 120):
            proxy.cut()
        if len(seen) == 180:
            proxy.leave(1)
    assert seen == [f"line {i}" for i in range(300)]
    assert proxy.accepted >= 4
    assert last_lines(cluster, cluster.namespace, name, "main", 2) == ["line 298", "line 299"]


def test_log_comes_whole_through_its_rotation(cluster: Cluster, base_image: str) -> None:
    # The kubelet rotates a log of 10 MB, and looks every ten seconds.
    code = """
        import time
        for i in range(2500):
            print(*(f"{i} {j} " + "x" * 985 for j in range(10)), sep="\\n", flush=True)
            time.sleep(0.006)
    """
    name = start(cluster, pod(base_image, code))
    expected = (f"{i} {j}" for i in range(2500) for j in range(10))
    came = (" ".join(line.text.split()[:2]) for line in follow_log(cluster, cluster.namespace, name, "main"))
    for wanted, got in itertools.zip_longest(expected, came):
        assert got == wanted


def test_log_of_a_restarted_container_goes_on(cluster: Cluster, base_image: str) -> None:
    code = """
        import os, sys
        again = os.path.exists("/shared/again")
        open("/shared/again", "w").close()
        print("second" if again else "first"); sys.stdout.write("no end")
        sys.exit(0 if again else 3)
    """
    described = pod(base_image, code, restartPolicy="OnFailure", volumes=[{"name": "shared", "emptyDir": {}}])
    described["spec"]["containers"][0]["volumeMounts"] = [{"name": "shared", "mountPath": "/shared"}]
    name = start(cluster, described)
    lines = [line.text for line in follow_log(cluster, cluster.namespace, name, "main")]
    assert lines == ["first", "no end", "second", "no end"]


def test_log_ends_with_its_container_though_another_runs_on(cluster: Cluster, base_image: str) -> None:
    described = pod(base_image, "print('done')", restartPolicy="OnFailure")
    beside = {"name": "beside", "image": base_image, "command": ["sleep", "600"]}
    described["spec"]["containers"].append(beside)
    name = start(cluster, described)
    assert [line.text for line in follow_log(cluster, cluster.namespace, name, "main")] == ["done"]
    delete(cluster, POD, name, cluster.namespace)


def test_logs_of_several_pods_come_with_their_names(cluster: Cluster, base_image: str) -> None:
    label = uuid.uuid4().hex
    seen: dict[str, list[str]] = {}
    both = threading.Event()

    def show(name: str, line: Line) -> None:
        seen.setdefault(name, []).append(line.text)
        if sorted(map(len, seen.values())) == [2, 2]:
            both.set()

    streams = Streams(cluster, cluster.namespace, "main", show)
    streams.add_all(f"group={label}")
    code = COUNT.format(2, 0.1)
    names = {start(cluster, pod(base_image, code, labels={"group": label})) for _ in range(2)}
    assert both.wait(60)
    assert streams.join(30)
    assert seen == {name: ["line 0", "line 1"] for name in names}
    assert streams.failures == []


def test_log_ends_when_the_pod_is_deleted(cluster: Cluster, base_image: str) -> None:
    name = start(cluster, pod(base_image, "print('here'); import time; time.sleep(600)"))
    lines = follow_log(cluster, cluster.namespace, name, "main")
    assert next(lines).text == "here"
    delete(cluster, POD, name, cluster.namespace)
    assert list(lines) == []


def test_log_of_a_pod_that_never_starts_ends_with_it(cluster: Cluster, base_image: str) -> None:
    name = start(cluster, pod(base_image, "", node_selector(nowhere="true")))
    timer = threading.Timer(0.5, delete, (cluster, POD, name, cluster.namespace))
    timer.start()
    assert list(follow_log(cluster, cluster.namespace, name, "main")) == []
    timer.join()


def test_says_why_pods_fail(cluster: Cluster, base_image: str, testbed_registry: str) -> None:
    missing = f"{testbed_registry}/tests/none:1"
    described = {
        "OOMKilled": pod(base_image, "x = bytearray(200_000_000)", resources(memory="32Mi")),
        "Error": pod(base_image, "import sys; sys.exit(3)", non_root(65532)),
        "StartError": pod(base_image, ""),
        "ErrImagePull": pod(missing, ""),
        "Unschedulable": pod(base_image, "", node_selector(nowhere="true"), resources(cpu=1000)),
        "CreateContainerConfigError": pod(base_image, "", environment_from_secret("no-such-secret", {"A": "a"})),
    }
    described["StartError"]["spec"]["containers"][0]["command"] = ["/no/such/program"]
    names = {reason: start(cluster, manifest) for reason, manifest in described.items()}
    found = {reason: what_is_wrong(cluster, name) for reason, name in names.items()}
    for name in names.values():
        delete(cluster, POD, name, cluster.namespace)
    assert {reason: one.reason for reason, one in found.items()} == {reason: reason for reason in found}
    assert (found["OOMKilled"].exit_code, found["Error"].exit_code) == (137, 3)
    assert "limit 32Mi" in found["OOMKilled"].message
    assert "/no/such/program" in found["StartError"].message
    assert missing in found["ErrImagePull"].message
    assert "manifests/1" in found["ErrImagePull"].message  # the words of whoever asked the registry
    assert "0/1 nodes are available" in found["Unschedulable"].message
    assert '"no-such-secret" not found' in found["CreateContainerConfigError"].message
    assert [reason for reason, one in found.items() if one.ended] == ["OOMKilled", "Error", "StartError"]
    assert all(one.remedy for one in found.values())
