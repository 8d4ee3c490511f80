"""Objects, watches, errors and cleanup, against a real Kubernetes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from fairing_kfp.cluster.cleanup import deleted_at_end
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import ClusterConfig, from_kubeconfig, in_cluster
from fairing_kfp.cluster.kinds import JOB, POD, Kind, find_kind
from fairing_kfp.cluster.objects import apply, create, delete, find, preflight
from fairing_kfp.cluster.owner import Owner
from fairing_kfp.cluster.watch import follow
from fairing_kfp.errors import (
    ClusterError,
    DeadlineError,
    ForbiddenError,
    ForeignObjectError,
    InvalidObjectError,
    MissingObjectError,
    NotInstalledError,
)
from tests.support.accounts import account_with
from tests.support.cutting_proxy import CuttingProxy
from tests.support.paths import TOP

pytestmark = [pytest.mark.kubernetes, pytest.mark.filterwarnings("ignore:Unverified HTTPS")]
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")


@pytest.fixture
def cluster(namespace: str) -> Cluster:
    return Cluster(lambda: replace(from_kubeconfig(), namespace=namespace), retry_timeout=20)


@pytest.fixture
def owner() -> Owner:
    return Owner(uuid.uuid4().hex, "train")


def job(name: str, **spec: Any) -> dict[str, Any]:
    """A suspended job, which exists but runs nothing."""
    container = {"name": "main", "image": "none.example/none:1"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"suspend": True, "template": template, **spec},
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_creates_then_adopts(cluster: Cluster, owner: Owner) -> None:
    first = create(cluster, job(owner.name()), owner.labels)
    again = create(cluster, job(owner.name()), owner.labels)
    assert first.created
    assert not again.created
    assert again.uid == first.uid
    # An object of another run is neither adopted nor changed.
    with pytest.raises(ForeignObjectError, match=owner.name()):
        create(cluster, job(owner.name()), Owner("another", "train").labels)
    assert delete(cluster, JOB, owner.name(), cluster.namespace)
    assert not delete(cluster, JOB, owner.name(), cluster.namespace)


def test_create_waits_for_an_object_that_is_being_deleted(cluster: Cluster, owner: Owner) -> None:
    manifest = config_map(owner.name())
    manifest["metadata"]["finalizers"] = ["fairing-kfp.example/held"]
    held = create(cluster, manifest, owner.labels)
    delete(cluster, CONFIG_MAP, held.name, cluster.namespace)
    path = CONFIG_MAP.path(cluster.namespace, held.name)

    def release() -> None:
        patch = {"metadata": {"finalizers": None}}
        Cluster(from_kubeconfig).request("PATCH", path, body=patch, content_type="application/merge-patch+json")

    timer = threading.Timer(0.5, release)
    timer.start()
    fresh = create(cluster, config_map(owner.name()), owner.labels)
    timer.join()
    assert fresh.created
    assert fresh.uid != held.uid


def test_apply_is_idempotent(cluster: Cluster, owner: Owner) -> None:
    first = apply(cluster, config_map(owner.name(), a="1", b="2"), owner.labels)
    same = apply(cluster, config_map(owner.name(), a="1", b="2"), owner.labels)
    less = apply(cluster, config_map(owner.name(), a="1"), owner.labels)
    assert (first.created, same.created) == (True, False)
    assert first.object["metadata"]["resourceVersion"] == same.object["metadata"]["resourceVersion"]
    assert less.object["data"] == {"a": "1"}
    with pytest.raises(ForeignObjectError, match="another owner"):
        apply(cluster, config_map(owner.name()), Owner("another", "train").labels)


def test_conflict_names_the_other_manager(cluster: Cluster, owner: Owner, kubectl: Callable[..., str]) -> None:
    apply(cluster, config_map(owner.name(), a="1"), owner.labels)
    patch = json.dumps({"data": {"a": "2"}})
    kubectl("-n", cluster.namespace, "patch", "configmap", owner.name(), "-p", patch, "--field-manager=hand")
    with pytest.raises(ForeignObjectError, match=r'\.data\.a: conflict with "hand"'):
        apply(cluster, config_map(owner.name(), a="1"), owner.labels)
    assert apply(cluster, config_map(owner.name(), a="1"), owner.labels, force=True).object["data"] == {"a": "1"}


@pytest.mark.parametrize("attempt", [create, apply])
def test_unknown_fields_are_rejected(cluster: Cluster, owner: Owner, attempt: Callable[..., Any]) -> None:
    with pytest.raises(InvalidObjectError, match=r"spec\.bakcoffLimit") as caught:
        attempt(cluster, job(owner.name(), bakcoffLimit=1), owner.labels)
    assert "spelling" in caught.value.remedy
    assert find(cluster, JOB, owner.name(), cluster.namespace) is None


@pytest.mark.parametrize("attempt", [create, apply])
def test_malformed_quantities_are_rejected(cluster: Cluster, owner: Owner, attempt: Callable[..., Any]) -> None:
    manifest = job(owner.name())
    manifest["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"memory": "4gb"}}
    with pytest.raises(InvalidObjectError, match="quantities must match") as caught:
        attempt(cluster, manifest, owner.labels)
    assert "512Mi" in caught.value.remedy


def test_preflight_creates_nothing(cluster: Cluster, owner: Owner) -> None:
    preflight(cluster, job(owner.name()))
    assert find(cluster, JOB, owner.name(), cluster.namespace) is None
    create(cluster, job(owner.name()), owner.labels)
    preflight(cluster, job(owner.name()))
    manifest = job("other")
    manifest["spec"]["template"]["spec"]["containers"][0]["name"] = "A_a"
    with pytest.raises(InvalidObjectError, match=r"containers\[0\]\.name.*A_a"):
        preflight(cluster, manifest)


def test_kind_that_is_not_installed_is_an_error(cluster: Cluster) -> None:
    unknown = {"apiVersion": "nowhere.example/v1", "kind": "Thing", "metadata": {"name": "a"}}
    with pytest.raises(NotInstalledError, match=r"Thing of nowhere\.example/v1"):
        create(cluster, unknown, {})
    with pytest.raises(NotInstalledError, match=r"that API has .*CronJob"):
        create(cluster, {**unknown, "apiVersion": "batch/v1"}, {})


def test_missing_namespace_is_an_error(cluster: Cluster, owner: Owner) -> None:
    manifest = job(owner.name())
    manifest["metadata"]["namespace"] = "nowhere-fairing"
    with pytest.raises(MissingObjectError, match='namespaces "nowhere-fairing" not found'):
        create(cluster, manifest, owner.labels)


def test_quota_is_named(cluster: Cluster, owner: Owner, kubectl: Callable[..., str]) -> None:
    kubectl("-n", cluster.namespace, "create", "quota", "no-secrets", "--hard=count/secrets=0")
    waiting = "--for=jsonpath={.status.hard.count/secrets}=0"
    kubectl("-n", cluster.namespace, "wait", "quota/no-secrets", waiting, "--timeout=30s")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": owner.name()}}
    with pytest.raises(ForbiddenError, match=r"does not admit.*no-secrets"):
        create(cluster, secret, owner.labels)


def test_missing_permission_comes_with_the_role_that_grants_it(
    namespace: str, owner: Owner, kubectl: Callable[..., str]
) -> None:
    access = account_with(namespace)
    limited = Cluster(lambda: access)
    with pytest.raises(ForbiddenError, match=r"may not create jobs\.batch in the namespace") as caught:
        create(limited, job(owner.name()), owner.labels)
    _, _, manifests = caught.value.remedy.partition("\n")
    assert [item["kind"] for item in yaml.safe_load_all(manifests)] == ["Role", "RoleBinding"]
    kubectl("apply", "-f", "-", input=manifests)
    assert create(limited, job(owner.name()), owner.labels).created


def test_jobs_are_deleted_with_the_pod_that_owns_them(cluster: Cluster, owner: Owner) -> None:
    described = {"containers": [{"name": "main", "image": "none.example/none:1"}], "nodeSelector": {"nowhere": "true"}}
    step = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": owner.name("step")}, "spec": described}
    made = create(cluster, step, owner.labels)
    manifest = job(owner.name())
    manifest["metadata"]["ownerReferences"] = replace(owner, pod=made.name, pod_uid=made.uid).references()
    create(cluster, manifest, owner.labels)
    states = follow(cluster, JOB, owner.name(), cluster.namespace, seconds=30)
    next(states)
    delete(cluster, POD, made.name, cluster.namespace)
    with pytest.raises(MissingObjectError, match="was deleted"):
        list(states)


def test_expired_token_of_a_pod_is_read_again(
    namespace: str, kubectl: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The files that the kubelet mounts into a pod, with the cluster's certificate authority, which is verified.
    authority = kubectl("-n", namespace, "get", "configmap", "kube-root-ca.crt", "-o", r"jsonpath={.data.ca\.crt}")
    service = kubectl(
        "-n", "default", "get", "endpointslices", "-l", "kubernetes.io/service-name=kubernetes", "-o", "json"
    )
    (found,) = json.loads(service)["items"]
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", found["endpoints"][0]["addresses"][0])
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(found["ports"][0]["port"]))
    (tmp_path / "ca.crt").write_text(authority)
    (tmp_path / "namespace").write_text(namespace)
    (tmp_path / "token").write_text("expired")
    cluster = Cluster(lambda: in_cluster(tmp_path), retry_timeout=5)
    access = account_with(namespace)
    (tmp_path / "token").write_text(access.authorization.removeprefix("Bearer "))
    assert find_kind(cluster, "batch/v1", "Job") == JOB


def test_rejected_token_is_an_error(namespace: str) -> None:
    bad = replace(from_kubeconfig(), authorization="Bearer expired")
    with pytest.raises(ClusterError, match="rejects the token"):
        find(Cluster(lambda: bad), JOB, "any", namespace)


def test_unreachable_server_is_an_error() -> None:
    cluster = Cluster(lambda: ClusterConfig("https://127.0.0.1:9", verify=False), retry_timeout=0.3)
    with pytest.raises(ClusterError, match="does not answer: Connection refused"):
        cluster.request("GET", "/version")


@pytest.mark.usefixtures("admin")
def test_untrusted_server_is_an_error() -> None:
    cluster = Cluster(lambda: replace(from_kubeconfig(), verify=True), retry_timeout=0.3)
    with pytest.raises(ClusterError, match="cannot verify the certificate"):
        cluster.request("GET", "/version")


def test_watch_resumes_after_cuts_and_restarts(
    cluster: Cluster, cluster_through_proxy: Cluster, api_proxy: CuttingProxy, owner: Owner
) -> None:
    apply(cluster, config_map(owner.name(), step="0"), owner.labels)
    seen: list[str] = []
    for state in follow(cluster_through_proxy, CONFIG_MAP, owner.name(), cluster.namespace, seconds=30):
        step = int(state["data"]["step"])
        seen.append(state["data"]["step"])
        if step == 4:
            break
        if step == 1:
            api_proxy.cut()
        if step == 2:
            api_proxy.leave(1.5)
        apply(cluster, config_map(owner.name(), step=str(step + 1)), owner.labels)
    assert seen == ["0", "1", "2", "3", "4"]
    assert api_proxy.accepted >= 3


def test_watch_reports_an_object_deleted_while_it_was_cut(
    cluster: Cluster, cluster_through_proxy: Cluster, api_proxy: CuttingProxy, owner: Owner
) -> None:
    create(cluster, config_map(owner.name()), owner.labels)
    states = follow(cluster_through_proxy, CONFIG_MAP, owner.name(), cluster.namespace, seconds=30)
    next(states)
    api_proxy.leave(0.5)
    delete(cluster, CONFIG_MAP, owner.name(), cluster.namespace)
    with pytest.raises(MissingObjectError, match="was deleted"):
        list(states)
    with pytest.raises(MissingObjectError, match="there is no"):
        next(follow(cluster_through_proxy, CONFIG_MAP, owner.name(), cluster.namespace, seconds=1))


def test_follow_rejects_another_object_of_the_same_name(cluster: Cluster, owner: Owner) -> None:
    first = create(cluster, config_map(owner.name()), owner.labels)
    delete(cluster, CONFIG_MAP, first.name, cluster.namespace)
    create(cluster, config_map(owner.name()), owner.labels)
    assert not delete(cluster, CONFIG_MAP, first.name, cluster.namespace, uid=first.uid)
    with pytest.raises(MissingObjectError, match="was replaced"):
        next(follow(cluster, CONFIG_MAP, first.name, cluster.namespace, uid=first.uid, seconds=5))


def test_follow_ends_at_its_deadline(cluster: Cluster, owner: Owner) -> None:
    create(cluster, config_map(owner.name()), owner.labels)
    with pytest.raises(DeadlineError, match=r"did not finish within 0\.5 seconds"):
        list(follow(cluster, CONFIG_MAP, owner.name(), cluster.namespace, seconds=0.5))


def test_error_in_the_block_deletes_the_object_unless_it_is_anothers(cluster: Cluster, owner: Owner) -> None:
    create(cluster, job(owner.name()), owner.labels)
    mine = Owner("another-run", "train").labels
    with pytest.raises(ForeignObjectError), deleted_at_end(cluster, JOB, owner.name(), cluster.namespace, mine):
        create(cluster, job(owner.name()), mine)
    assert find(cluster, JOB, owner.name(), cluster.namespace) is not None
    with pytest.raises(ZeroDivisionError), deleted_at_end(cluster, JOB, owner.name(), cluster.namespace, owner.labels):
        _ = 1 / 0
    assert find(cluster, JOB, owner.name(), cluster.namespace) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_deletes_the_object_before_the_end(cluster: Cluster, owner: Owner, number: int, tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import json, signal, sys
        from fairing_kfp.cluster.objects import create
        from fairing_kfp.cluster.cleanup import deleted_at_end
        from fairing_kfp.cluster.client import Cluster
        from fairing_kfp.cluster.kinds import JOB
        from fairing_kfp.cluster.watch import follow

        signal.signal(signal.SIGINT, signal.default_int_handler)  # even if the tests ignore it
        manifest, labels, namespace = json.loads(sys.argv[1])
        cluster, name = Cluster(), manifest["metadata"]["name"]
        with deleted_at_end(cluster, JOB, name, namespace, labels):
            create(cluster, manifest, labels)
            for state in follow(cluster, JOB, name, namespace):
                print("following", flush=True)
    """)
    manifest = job(owner.name())
    manifest["metadata"]["namespace"] = cluster.namespace
    arguments = json.dumps([manifest, dict(owner.labels), cluster.namespace])
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    process = subprocess.Popen(
        [sys.executable, "-c", program, arguments],
        stdout=subprocess.PIPE,
        stderr=(tmp_path / "errors").open("wb"),
        env=environment,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"following\n", (tmp_path / "errors").read_text()
    process.send_signal(number)
    assert process.wait(10) == -number
    process.stdout.close()
    left = find(cluster, JOB, owner.name(), cluster.namespace)
    assert left is None or "deletionTimestamp" in left["metadata"]
