"""Logs and problems of pods, against a real Kubernetes."""

from __future__ import annotations

import itertools
import textwrap
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import urllib3

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import from_kubeconfig
from fairing_kfp.cluster.events import events_of
from fairing_kfp.cluster.forward import Forwarder
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.cluster.logs import Line, Streams, follow_log, last_lines
from fairing_kfp.cluster.mutators import Mutator, composed, environment_from_secret, node_selector, non_root, resources
from fairing_kfp.cluster.objects import create, delete
from fairing_kfp.cluster.pods import PodProblem, diagnose
from fairing_kfp.cluster.watch import follow
from fairing_kfp.errors import ClusterError, ForbiddenError
from tests.support.accounts import account_with
from tests.support.cutting_proxy import CuttingProxy

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.registry,
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]


@pytest.fixture(scope="module")
def cluster(namespace: str) -> Cluster:
    return Cluster(lambda: replace(from_kubeconfig(), namespace=namespace), retry_timeout=20)


def pod(image: str, code: str, *mutators: Mutator, **spec: Any) -> Any:
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
        "metadata": {"name": f"pod-{uuid.uuid4().hex[:8]}"},
        "spec": composed(*mutators)(described),
    }


def start(cluster: Cluster, manifest: Any) -> str:
    return create(cluster, manifest, {"fairing-kfp/test": "pods"}).name


def problem_of(cluster: Cluster, name: str) -> PodProblem:
    for state in follow(cluster, POD, name, cluster.namespace, seconds=60):
        found = diagnose(state, events_of(cluster, state))
        if found:
            return found
    raise AssertionError("unreachable")


COUNT = "import time\nfor i in range({0}): print('line', i, flush=True); time.sleep({1})"


def test_log_is_complete_after_cuts_and_restarts(
    cluster: Cluster, cluster_through_proxy: Cluster, api_proxy: CuttingProxy, base_image: str
) -> None:
    name = start(cluster, pod(base_image, COUNT.format(300, 0.015)))
    seen = []
    for line in follow_log(cluster_through_proxy, cluster.namespace, name, "main"):
        seen.append(line.text)
        if len(seen) in (50, 51, 120):
            api_proxy.cut()
        if len(seen) == 180:
            api_proxy.leave(1)
    assert seen == [f"line {i}" for i in range(300)]
    assert api_proxy.accepted >= 4
    assert last_lines(cluster, cluster.namespace, name, "main", 2) == ["line 298", "line 299"]


def test_log_goes_on_after_its_rotation(cluster: Cluster, base_image: str) -> None:
    # The kubelet checks every ten seconds, and rotates a log of 10 MB.
    code = """
        import time
        for i in range(2500):
            print(i, "x" * 9990, flush=True)
            time.sleep(0.006)
    """
    name = start(cluster, pod(base_image, code))
    numbers = [int(line.text.split()[0]) for line in follow_log(cluster, cluster.namespace, name, "main")]
    assert all(a < b for a, b in itertools.pairwise(numbers))  # each line once, and in order
    assert numbers[0] == 0
    assert numbers[-1] == 2499
    # The kubelet drops what is written between its last read and the renaming of the file: a few lines, at most.
    assert len(numbers) > 2490


def test_log_of_a_restarted_container_continues(cluster: Cluster, base_image: str) -> None:
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


def test_log_ends_with_its_container_while_another_runs(cluster: Cluster, base_image: str) -> None:
    described = pod(base_image, "print('done')", restartPolicy="OnFailure")
    sidecar = {"name": "sidecar", "image": base_image, "command": ["sleep", "600"]}
    described["spec"]["containers"].append(sidecar)
    name = start(cluster, described)
    assert [line.text for line in follow_log(cluster, cluster.namespace, name, "main")] == ["done"]
    delete(cluster, POD, name, cluster.namespace)


def test_logs_of_several_pods_come_with_their_names(cluster: Cluster, base_image: str) -> None:
    seen: dict[str, list[str]] = {}
    both = threading.Event()

    def show(name: str, line: Line) -> None:
        seen.setdefault(name, []).append(line.text)
        if sorted(map(len, seen.values())) == [2, 2]:
            both.set()

    streams = Streams(cluster, cluster.namespace, "main", show)
    created = [create(cluster, pod(base_image, COUNT.format(2, 0.1)), {"fairing-kfp/test": "pods"}) for _ in range(2)]
    for one in created:
        streams.add(one.object)
    assert both.wait(60)
    assert streams.join(30)
    assert seen == {one.name: ["line 0", "line 1"] for one in created}
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


def test_problems_of_pods(cluster: Cluster, base_image: str, testbed_registry: str) -> None:
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
    found = {reason: problem_of(cluster, name) for reason, name in names.items()}
    for attempt in range(2):
        if found["OOMKilled"].reason == "OOMKilled":
            break
        # containerd loses the event of a container that is killed as it starts, on a busy machine
        again = pod(base_image, "x = bytearray(200_000_000)", resources(memory="32Mi"))
        names[f"again-{attempt}"] = start(cluster, again)
        found["OOMKilled"] = problem_of(cluster, names[f"again-{attempt}"])
    for name in names.values():
        delete(cluster, POD, name, cluster.namespace)
    assert {reason: one.reason for reason, one in found.items()} == {reason: reason for reason in found}
    assert (found["OOMKilled"].exit_code, found["Error"].exit_code) == (137, 3)
    assert "limit 32Mi" in found["OOMKilled"].message
    assert "/no/such/program" in found["StartError"].message
    assert missing in found["ErrImagePull"].message
    assert "manifests/1" in found["ErrImagePull"].message  # the message of the kubelet's client
    assert "0/1 nodes are available" in found["Unschedulable"].message
    assert '"no-such-secret" not found' in found["CreateContainerConfigError"].message
    assert [reason for reason, one in found.items() if one.ended] == ["OOMKilled", "Error", "StartError"]
    assert all(one.remedy for one in found.values())


def test_a_port_of_a_pod_is_forwarded(base_image: str, cluster: Cluster, kubectl: Callable[..., str]) -> None:
    echo = """
        import http.server
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                data = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
        http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
    """
    name = start(cluster, pod(base_image, echo))
    kubectl("-n", cluster.namespace, "wait", f"pod/{name}", "--for=condition=Ready", "--timeout=60s")
    pool = urllib3.PoolManager(retries=urllib3.Retry(5, backoff_factor=0.2, allowed_methods=None))
    data = bytes(range(256)) * 20_000

    with Forwarder(cluster) as forwarder:
        port = forwarder.port(cluster.namespace, name, 8000)
        assert forwarder.port(cluster.namespace, name, 8000) == port
        for body in (b"a", data):
            assert pool.request("PUT", f"http://127.0.0.1:{port}", body=body).data == body
        with pytest.raises(ClusterError, match='pods "gone" not found'):
            forwarder.port(cluster.namespace, "gone", 8000)
    pool.clear()
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.PoolManager(retries=False).request("PUT", f"http://127.0.0.1:{port}", body=b"a")
    limited = account_with(cluster.namespace)
    with Forwarder(Cluster(lambda: limited)) as forwarder, pytest.raises(ForbiddenError) as error:
        forwarder.port(cluster.namespace, name, 8000)
    assert "pods/portforward" in error.value.remedy
    delete(cluster, POD, name, cluster.namespace)
