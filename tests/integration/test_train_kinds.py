"""Kinds of training jobs with the installed operators."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import POD, kind_of
from fairing_kfp.cluster.mutators import (
    composed,
    environment,
    mount_config_map,
    mount_empty,
    node_selector,
    non_root,
    resources,
    toleration,
)
from fairing_kfp.cluster.names import MAX_LENGTH
from fairing_kfp.cluster.objects import create, delete, preflight
from fairing_kfp.cluster.owner import Owner
from fairing_kfp.cluster.pods import diagnose, with_last_termination
from fairing_kfp.errors import ConfigError, InvalidObjectError, MissingObjectError, NotInstalledError
from fairing_kfp.pipeline.roles import manifest as role_manifest
from fairing_kfp.train.kinds.kind import DEADLINE, JobResult, TrainingKind, training_kind
from fairing_kfp.train.pod_template import ANNOTATION, pod_template
from fairing_kfp.train.rendezvous import incarnation_of
from fairing_kfp.train.spec import JobSpec
from tests.support.accounts import account_with
from tests.support.services import missing
from tests.unit.cluster.test_mutators import ALL as ALL_MUTATORS

pytestmark = [pytest.mark.kubernetes, pytest.mark.filterwarnings("ignore:Unverified HTTPS")]
KINDS = ["job", "trainjob", "pytorchjob", "tfjob"]
OWNER = Owner("run-1", "train")
PRELUDE = """\
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
"""
TOLD = """
import socket
sys.exit(int(socket.create_server(("", 9001)).accept()[0].recv(1)))
"""
LABELS, ANNOTATIONS = {"team": "digits"}, {"example.com/why": "a test"}
VERIFIER = "0" * 64
SEES_SETTINGS = """
assert os.environ["COLOUR"] == "red" and os.environ["SHAPE"] == "round" and os.environ["FAIRING_PORT"] == "9473"
assert open("/settings/a").read() == open("/same/a").read() == "1"
assert open("/run/fairing/verifier").read() == "0" * 64
assert os.getuid() == 1000
for folder in ("/dev/shm", "/minio", "/s3", "/gcs"):
    open(f"{folder}/x", "w").close()
"""
RANK = "(os.environ.get('JOB_COMPLETION_INDEX') or os.environ['HOSTNAME'].rpartition('-')[2])"


@pytest.fixture(scope="module")
def cluster(admin: Cluster, namespace: str) -> Cluster:
    return Cluster(lambda: replace(admin.config, namespace=namespace), retry_timeout=20)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, cluster: Cluster, base_image: str) -> TrainingKind:
    """A kind of job as the cluster serves it."""
    try:
        return training_kind(request.param).preflight(cluster, spec_of(request.param, base_image, "pass"))
    except NotInstalledError as error:
        missing(error.message)
        raise


def spec_of(kind: str, image: str, code: str, **options: Any) -> JobSpec:
    pod = options.pop("pod", {"containers": [{"name": "main"}]})
    pod["containers"][0]["command"] = ["python3", "-c", f"{PRELUDE}{code}"]
    return JobSpec(kind=kind, name=options.pop("name", "digits"), image=image, pod=pod, **options)  # type: ignore[arg-type]


@dataclass
class Seen:
    """A finished job."""

    result: JobResult | None = None
    pods: dict[int, Object] = field(default_factory=dict)
    exit_codes: set[tuple[int, int]] = field(default_factory=set)  # by rank, of all containers that failed

    @property
    def troubles(self) -> list[str]:
        return [found.message for found in map(diagnose, self.pods.values()) if found]


def ran(
    cluster: Cluster,
    kind: TrainingKind,
    spec: JobSpec,
    task: Mapping[str, Any] | None = None,
    told: Sequence[int] = (),
) -> Seen:
    """Creates a job, waits until it finishes, and deletes it.

    Args:
        cluster: client of the cluster.
        kind: kind of the job.
        spec: spec of the job.
        task: settings of the task.
        told: exit codes that its containers are told, one after the other.
    """
    name = OWNER.name(f"{spec.name}-{time.monotonic()}")
    template = pod_template(spec, kind.container, OWNER.labels, VERIFIER, task or {})
    manifest = kind.manifest(spec, name, template)
    preflight(cluster, manifest)
    seen, end, waiting = Seen(), time.monotonic() + 120, list(told)
    spoken_to: set[str] = set()
    placed = create(cluster, manifest, OWNER.labels)
    resource = kind_of(cluster, manifest)
    try:
        while seen.result is None and time.monotonic() < end:
            time.sleep(0.5)
            state = cluster.request("GET", resource.path(cluster.namespace, placed.name))
            listed = cluster.request("GET", POD.path(cluster.namespace), query={"labelSelector": kind.pods(name)})
            seen.pods.update({int(kind.rank(pod) or 0): pod for pod in listed["items"]})
            problems = [(int(kind.rank(pod) or 0), diagnose(with_last_termination(pod))) for pod in listed["items"]]
            seen.exit_codes |= {(rank, found.exit_code) for rank, found in problems if found and found.exit_code}
            seen.result = kind.result(state, seen.pods.values(), spec.retries)
            for pod in listed["items"]:
                incarnation = incarnation_of(pod, kind.container)
                if waiting and incarnation and incarnation not in spoken_to and tell(pod, waiting[0]):
                    spoken_to.add(incarnation)
                    del waiting[0]
    finally:
        delete(cluster, resource, placed.name, cluster.namespace)
    return seen


def tell(pod: Object, code: int) -> bool:
    """Tells a container its exit code; returns whether it listens yet."""
    with contextlib.suppress(OSError), socket.create_connection((pod["status"]["podIP"], 9001), timeout=5) as one:
        one.sendall(str(code).encode())
        return True
    return False


def with_settings(cluster: Cluster, kind: TrainingKind, image: str) -> Seen:
    """A job of two nodes whose pods have all settings."""
    name = kind.kind.lower()
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}}
    create(cluster, settings, OWNER.labels)
    pod = composed(
        resources(cpu="20m", memory="32Mi", memory_limit="64Mi"),
        environment({"COLOUR": "red"}),
        mount_config_map(name, "/settings"),
        mount_config_map(name, "/same"),
        mount_empty("/dev/shm", memory=True, size="16Mi"),
        node_selector(**{"kubernetes.io/os": "linux"}),
        toleration("fairing-kfp/none", effect="NoSchedule"),
        non_root(1000),
    )({"containers": [{"name": "main"}]})
    spec = spec_of(name, image, SEES_SETTINGS, pod=pod, nodes=2, labels=LABELS, annotations=ANNOTATIONS)
    task = {"env": [{"name": "SHAPE", "value": "round"}], "resources": {"requests": {"ephemeral-storage": "1Mi"}}}
    return ran(cluster, kind, spec, task)


def with_failure(cluster: Cluster, kind: TrainingKind, image: str) -> Seen:
    """A job of two nodes, of which one fails and the other keeps running."""
    code = f"sys.exit(3) if {RANK} == '1' else time.sleep(60)"
    return ran(cluster, kind, spec_of(kind.kind.lower(), image, code, nodes=2))


def with_retries(cluster: Cluster, kind: TrainingKind, image: str) -> Seen:
    """A job whose node fails at first: a Job creates a new pod, the other kinds restart the container."""
    return ran(cluster, kind, spec_of(kind.kind.lower(), image, TOLD, retries=1), told=(4, 0))


def with_deadline(cluster: Cluster, kind: TrainingKind, image: str) -> Seen:
    """A job that exceeds its deadline."""
    return ran(cluster, kind, spec_of(kind.kind.lower(), image, "time.sleep(60)", deadline=2))


SCENES: list[Callable[[Cluster, TrainingKind, str], Seen]] = [with_retries, with_failure, with_deadline, with_settings]


@pytest.fixture(scope="module")
def scenes(cluster: Cluster, base_image: str) -> Iterator[dict[tuple[str, str], Future[Seen]]]:
    """All scenes for all installed kinds, run in parallel."""

    def play(scene: Callable[[Cluster, TrainingKind, str], Seen], kind: str) -> Seen:
        return scene(cluster, training_kind(kind).preflight(cluster, spec_of(kind, base_image, "pass")), base_image)

    with ThreadPoolExecutor(max_workers=6) as pool:
        yield {(scene.__name__, kind): pool.submit(play, scene, kind) for scene in SCENES for kind in KINDS}


def test_what_is_wanted_of_pods_arrives(kind: TrainingKind, scenes: dict[tuple[str, str], Future[Seen]]) -> None:
    seen = scenes["with_settings", kind.kind.lower()].result()
    assert seen.result == JobResult(succeeded=True), seen.troubles
    assert set(seen.pods) == {0, 1}
    for pod in seen.pods.values():
        metadata, spec = pod["metadata"], pod["spec"]
        assert {**OWNER.labels, **LABELS, "sidecar.istio.io/inject": "false"}.items() <= metadata["labels"].items()
        assert {**ANNOTATIONS, ANNOTATION: VERIFIER}.items() <= metadata["annotations"].items()
        main = spec["containers"][0]
        assert main["name"] == kind.container
        assert main["resources"] == {
            "requests": {"cpu": "20m", "memory": "32Mi", "ephemeral-storage": "1Mi"},
            "limits": {"memory": "64Mi"},
        }
        assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}
        assert "fairing-kfp/none" in [one.get("key") for one in spec["tolerations"]]
        assert not spec.get("initContainers")


def test_a_node_that_fails_ends_the_job(kind: TrainingKind, scenes: dict[tuple[str, str], Future[Seen]]) -> None:
    seen = scenes["with_failure", kind.kind.lower()].result()
    assert seen.result
    assert not seen.result.succeeded
    assert seen.result.reason
    assert (1, 3) in seen.exit_codes


def test_a_node_may_fail_as_often_as_allowed(kind: TrainingKind, scenes: dict[tuple[str, str], Future[Seen]]) -> None:
    seen = scenes["with_retries", kind.kind.lower()].result()
    assert seen.result == JobResult(succeeded=True), seen.troubles
    assert seen.exit_codes == {(0, 4)}


def test_a_deadline_ends_the_job(kind: TrainingKind, scenes: dict[tuple[str, str], Future[Seen]]) -> None:
    seen = scenes["with_deadline", kind.kind.lower()].result()
    assert seen.result
    assert seen.result.reason == DEADLINE


def test_the_longest_name_and_many_nodes_are_taken(cluster: Cluster, kind: TrainingKind, base_image: str) -> None:
    spec = spec_of(kind.kind.lower(), base_image, "pass", nodes=1000)
    template = pod_template(spec, kind.container, OWNER.labels, VERIFIER, {})
    preflight(cluster, kind.manifest(spec, "n" * MAX_LENGTH, template))
    if kind.kind == "TrainJob":
        preflight(cluster, job_set_of_trainer("n" * MAX_LENGTH, spec))
        with pytest.raises(InvalidObjectError, match="too long"):
            preflight(cluster, job_set_of_trainer("n" * (MAX_LENGTH + 1), spec))


def job_set_of_trainer(name: str, spec: JobSpec) -> Object:
    """The JobSet that Trainer creates for a TrainJob. If it is rejected, the TrainJob waits without an event."""
    pods = {"spec": {"containers": [{"name": "node", "image": spec.image}]}}
    job = {"completionMode": "Indexed", "completions": spec.nodes, "parallelism": spec.nodes, "template": pods}
    spec = {"replicatedJobs": [{"name": "node", "replicas": 1, "template": {"spec": job}}]}
    return {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": {"name": name}, "spec": spec}


def test_needs_the_rights_of_its_role_alone(cluster: Cluster, kind: TrainingKind, base_image: str) -> None:
    name = kind.kind.lower()
    access = account_with(cluster.namespace, role_manifest(name, cluster.namespace))
    limited = Cluster(lambda: access, retry_timeout=20)
    spec = spec_of(name, base_image, "pass")
    found = training_kind(name).preflight(limited, spec)
    preflight(limited, found.manifest(spec, "digits", pod_template(spec, kind.container, {}, VERIFIER, {})))


def test_a_malformed_quantity_is_named(cluster: Cluster, kind: TrainingKind, base_image: str) -> None:
    spec = spec_of(kind.kind.lower(), base_image, "pass")
    task = {"resources": {"requests": {"memory": "4gb"}}}
    manifest = kind.manifest(spec, "digits", pod_template(spec, kind.container, {}, VERIFIER, task))
    with pytest.raises(InvalidObjectError) as caught:
        preflight(cluster, manifest)
    assert "512Mi" in caught.value.remedy


@pytest.mark.parametrize("kind", ["trainjob"], indirect=True)
class TestTrainJob:
    @pytest.mark.parametrize("runtime", ["nonesuch", "TrainingRuntime/nonesuch"])
    def test_an_unknown_runtime_is_named(
        self, cluster: Cluster, kind: TrainingKind, base_image: str, runtime: str
    ) -> None:
        with pytest.raises(MissingObjectError, match=r"digits: there is no \w*TrainingRuntime nonesuch") as caught:
            training_kind("trainjob").preflight(cluster, spec_of("trainjob", base_image, "pass", runtime=runtime))
        assert "available: " in caught.value.remedy

    def test_an_unknown_runtime_is_named_to_who_may_not_list_them(
        self, cluster: Cluster, kind: TrainingKind, base_image: str
    ) -> None:
        role = role_manifest("trainjob", cluster.namespace)
        access = account_with(cluster.namespace, role)
        limited = Cluster(lambda: access, retry_timeout=20)
        with pytest.raises(MissingObjectError, match="no ClusterTrainingRuntime nonesuch") as caught:
            training_kind("trainjob").preflight(limited, spec_of("trainjob", base_image, "pass", runtime="nonesuch"))
        assert "kubectl get clustertrainingruntimes" in caught.value.remedy

    def test_a_runtime_of_the_namespace_is_taken(self, cluster: Cluster, kind: TrainingKind, base_image: str) -> None:
        runtime = cluster.request("GET", "/apis/trainer.kubeflow.org/v1alpha1/clustertrainingruntimes/plain")
        create(cluster, own_runtime(runtime), {})
        spec = spec_of("trainjob", base_image, "pass", runtime="TrainingRuntime/own")
        preflight(
            cluster,
            training_kind("trainjob")
            .preflight(cluster, spec)
            .manifest(spec, "digits", pod_template(spec, "node", {}, VERIFIER, {})),
        )

    def test_what_has_no_place_is_refused(self, kind: TrainingKind, base_image: str) -> None:
        pod = {
            "priorityClassName": "high",
            "containers": [{"name": "main", "envFrom": []}, {"name": "b", "image": "i"}],
        }
        spec = spec_of("trainjob", base_image, "pass", pod=pod)
        lost = (
            r"do not support spec\.priorityClassName, spec\.containers\[0\]\.envFrom, spec\.containers\[1\]\.image of"
        )
        with pytest.raises(ConfigError, match=lost):
            kind.manifest(spec, "digits", pod_template(spec, kind.container, {}, VERIFIER, {}))


def own_runtime(runtime: Object) -> Object:
    return {**runtime, "kind": "TrainingRuntime", "metadata": {"name": "own"}}


def test_what_mutators_make_is_valid(cluster: Cluster) -> None:
    spec = composed(*ALL_MUTATORS)({"containers": [{"name": "main", "image": "none.example/none:1"}]})
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": spec["serviceAccountName"]}}
    create(cluster, account, OWNER.labels)
    preflight(cluster, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "all"}, "spec": spec})
