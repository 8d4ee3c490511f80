from __future__ import annotations

import copy
from typing import Any

import pytest

from fairing_kfp.errors import ConfigError
from fairing_kfp.train.kinds.kind import JobResult
from fairing_kfp.train.kinds.trainjob import TrainJob
from fairing_kfp.train.pod_template import pod_template
from fairing_kfp.train.spec import JobSpec
from tests.support.trainer_schemas import V2_0, V2_1, V2_2

LABELS = {"fairing-kfp/run": "r"}


def job_spec(**options: Any) -> JobSpec:
    return JobSpec(kind="trainjob", name="digits", image="i@sha256:0", **options)


def template(given: JobSpec, task: dict[str, Any] | None = None) -> dict[str, Any]:
    return pod_template(given, "node", LABELS, "v", task or {})


def made(schema: dict[str, Any], given: JobSpec, task: dict[str, Any] | None = None) -> dict[str, Any]:
    pods = template(given, task)
    before = copy.deepcopy(pods)
    manifest = TrainJob(schema).manifest(given, "digits-1", pods)
    assert pods == before
    return dict(manifest["spec"])


@pytest.mark.parametrize("schema", [V2_0, V2_1, V2_2])
def test_has_its_own_fields_for_the_main_container(schema: dict[str, Any]) -> None:
    task = {"resources": {"limits": {"nvidia.com/gpu": "1"}}, "env": [{"name": "A", "value": "b"}]}
    trainer = made(schema, job_spec(nodes=3, processes=2), task)["trainer"]
    assert trainer["image"] == "i@sha256:0"
    assert trainer["command"][-1] == "--node"
    assert {"name": "A", "value": "b"} in trainer["env"]
    assert trainer["resourcesPerNode"] == {"limits": {"nvidia.com/gpu": "1"}}
    assert (trainer["numNodes"], trainer["numProcPerNode"]) == (3, 2)


def test_lays_the_rest_over_the_runtime_as_each_release_has_it() -> None:
    task = {"tolerations": [{"key": "gpu"}], "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}]}
    spec_of = {}
    spec_of["2.0"] = dict(made(V2_0, job_spec(), task)["podSpecOverrides"][0])
    assert spec_of["2.0"].pop("targetJobs") == [{"name": "node"}]
    of_2_1 = made(V2_1, job_spec(), task)["podTemplateOverrides"][0]
    assert of_2_1["targetJobs"] == [{"name": "node"}]
    patch = made(V2_2, job_spec(), task)["runtimePatches"][0]
    assert "/" in patch["manager"]
    (job,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    assert job["name"] == "node"
    of_2_2 = job["template"]["spec"]["template"]
    for pod in (of_2_1, of_2_2):
        assert pod["metadata"]["labels"]["fairing-kfp/run"] == "r"
        assert pod["metadata"]["annotations"]["fairing-kfp/verifier"] == "v"
    spec_of |= {"2.1": of_2_1["spec"], "2.2": of_2_2["spec"]}
    for release, spec in spec_of.items():
        assert spec["tolerations"] == [{"key": "gpu"}]
        assert spec["volumes"][-1]["name"] == "d"
        (container,) = spec["containers"]
        secured = {"securityContext"} if release == "2.2" else set()  # earlier releases cannot
        assert set(container) == {
            "name",
            "volumeMounts",
            *secured,
        }  # Trainer rejects environment variables of its container here


@pytest.mark.parametrize(
    ("schema", "pod", "lost"),
    [
        (V2_0, {"imagePullSecrets": [{"name": "s"}]}, r"spec\.imagePullSecrets"),
        (
            V2_1,
            {"containers": [{"name": "main", "securityContext": {"privileged": True}}]},
            r"spec\.containers\[0\]\.securityContext",
        ),
        (V2_2, {"priorityClassName": "p", "hostIPC": True}, r"spec\.priorityClassName, spec\.hostIPC"),
        (V2_2, {"containers": [{"name": "main"}, {"name": "b", "image": "i"}]}, r"spec\.containers\[1\]\.image"),
        (V2_2, {"initContainers": [{"name": "b", "command": ["c"]}]}, r"spec\.initContainers\[0\]\.command"),
    ],
)
def test_unsupported_fields_are_errors(schema: dict[str, Any], pod: dict[str, Any], lost: str) -> None:
    with pytest.raises(ConfigError, match=f"digits: .* do not support {lost} of their pods"):
        made(schema, job_spec(pod=pod))


def test_labels_that_pods_cannot_have_are_an_error() -> None:
    with pytest.raises(ConfigError, match="do not support metadata"):
        made(V2_0, job_spec(labels={"team": "a"}))


@pytest.mark.parametrize("schema", [V2_0, V2_1])
def test_unsupported_deadline_is_an_error(schema: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="do not support deadline"):
        made(schema, job_spec(deadline=60))


def test_schema_without_overrides_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no field that overrides pods"):
        made({"properties": {"trainer": {}}}, job_spec())


def test_a_volume_that_is_mounted_twice_is_two() -> None:
    claim = {"name": "d", "persistentVolumeClaim": {"claimName": "d"}}
    mounts = [{"name": "d", "mountPath": path} for path in ("/in", "/out", "/more")]
    spec = made(V2_0, job_spec(), {"volumes": [claim], "volumeMounts": mounts})["podSpecOverrides"][0]
    mounted = {mount["mountPath"]: mount["name"] for mount in spec["containers"][0]["volumeMounts"]}
    names = [mounted[path] for path in ("/in", "/out", "/more")]
    assert len(set(names)) == 3
    sources = {volume["name"]: volume.get("persistentVolumeClaim") for volume in spec["volumes"]}
    assert [sources[name] for name in names] == [{"claimName": "d"}] * 3


def test_an_empty_folder_cannot_be_two() -> None:
    mounts = [{"name": "d", "mountPath": path} for path in ("/in", "/out")]
    with pytest.raises(ConfigError, match="the volume d cannot be mounted at /out as well"):
        made(V2_2, job_spec(), {"volumes": [{"name": "d", "emptyDir": {}}], "volumeMounts": mounts})


@pytest.mark.parametrize(
    ("runtime", "kind", "name"),
    [
        ("", "ClusterTrainingRuntime", "torch-distributed"),
        ("jax-distributed", "ClusterTrainingRuntime", "jax-distributed"),
        ("TrainingRuntime/own", "TrainingRuntime", "own"),
    ],
)
def test_runtimes_are_of_the_cluster_or_the_namespace(runtime: str, kind: str, name: str) -> None:
    found = made(V2_2, job_spec(runtime=runtime))["runtimeRef"]
    assert found == {"apiGroup": "trainer.kubeflow.org", "kind": kind, "name": name}


def test_ranks_are_those_of_nodes_alone() -> None:
    def pod(job: str) -> dict[str, Any]:
        labels = {"jobset.sigs.k8s.io/replicatedjob-name": job, "batch.kubernetes.io/job-completion-index": "1"}
        return {"metadata": {"labels": labels}}

    assert TrainJob().rank(pod("node")) == 1
    assert TrainJob().rank(pod("dataset-initializer")) is None
    assert TrainJob().rank({"metadata": {}}) is None


def test_ends_as_its_conditions_say_or_as_its_nodes_failed_too_often() -> None:
    def state(kind: str, status: str = "True") -> dict[str, Any]:
        return {"status": {"conditions": [{"type": kind, "status": status, "reason": "R", "message": "m"}]}}

    job = TrainJob()
    failing = {"status": {"containerStatuses": [{"name": "node", "restartCount": 1, "state": {"running": {}}}]}}
    assert job.result({}) is None
    assert job.result(state("Suspended")) is None
    assert job.result(state("Failed", "False")) is None
    assert job.result(state("Complete"), [failing]) == JobResult(succeeded=True)
    assert job.result(state("Failed")) == JobResult(False, "R", "m")
    assert job.result({}, [failing], retries=1) is None
    ended = job.result({}, [failing, failing], retries=1)
    assert ended
    assert (ended.succeeded, ended.reason) == (False, "BackoffLimitExceeded")
