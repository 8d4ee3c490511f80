"""Deployers: which job or model is made from their arguments."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from kubernetes.client import V1Container, V1EnvVar, V1Toleration

import fairing_kfp.classic as fairing
from fairing_kfp.classic import PredictionEndpoint, TrainJob, backends
from fairing_kfp.classic.builders.append.append import AppendBuilder
from fairing_kfp.classic.deployers.gcp.gcp import GCPJob
from fairing_kfp.classic.deployers.job.job import Job
from fairing_kfp.classic.deployers.kfserving.kfserving import KFServing
from fairing_kfp.classic.deployers.pytorchjob.pytorchjob import PyTorchJob
from fairing_kfp.classic.deployers.serving.serving import Serving, served_name
from fairing_kfp.classic.deployers.tfjob.tfjob import TfJob
from fairing_kfp.classic.kubernetes.utils import add_env, get_resource_mutator
from fairing_kfp.classic.preprocessors.function import FunctionPreProcessor
from fairing_kfp.cluster.mutators import toleration
from fairing_kfp.errors import ConfigError
from fairing_kfp.pipeline.builtin_steps import serving_spec_of, train_spec_of
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.serving.spec import ServingSpec
from fairing_kfp.train.spec import JobSpec
from tests.unit.classic.conftest import RecordingPlace


def train() -> int:
    return 1


class Model:
    def predict(self, X: Any, feature_names: Any) -> Any:
        return X


def pod_spec() -> Any:
    builder = AppendBuilder("registry.example.com/me", preprocessor=FunctionPreProcessor(train))
    return builder.generate_pod_spec()


def deployed(deployer: Any, place: RecordingPlace) -> JobSpec:
    deployer.deploy(pod_spec())
    spec = train_spec_of(next(iter(trace(place.trained[-1].pipeline()).specification.containers)))
    assert isinstance(spec, JobSpec)
    return spec


def serving_spec(place: RecordingPlace, number: int = -1) -> ServingSpec:
    containers = trace(place.served[number].pipeline()).specification.containers
    (spec,) = [spec for spec in map(serving_spec_of, containers) if spec]
    return spec


def test_a_job_has_the_options_of_its_deployer(place: RecordingPlace) -> None:
    job = Job(
        "team",
        runs=3,
        cleanup=False,
        labels={"a": "b"},
        job_name="digits",
        annotations={"c": "d"},
        pod_spec_mutators=[get_resource_mutator(cpu=2, memory=4, gpu=1), add_env({"A": 1}), toleration("gpu")],
        context="here",
    )

    spec = deployed(job, place)

    (task,) = place.trained
    assert (task.name, task.keep, task.settings["registry"]) == ("digits", True, "registry.example.com/me")
    assert place.access == [("team", {"config_file": None, "context": "here", "client_configuration": None})]
    assert (spec.kind, spec.nodes, spec.labels, spec.annotations) == ("job", 3, {"a": "b"}, {"c": "d"})
    (container,) = spec.pod["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "2", "memory": "3.73Gi", "nvidia.com/gpu": "1"},
        "limits": {"cpu": "2", "memory": "3.73Gi", "nvidia.com/gpu": "1"},
    }
    assert container["env"] == [{"name": "A", "value": "1"}]
    assert spec.pod["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert str(job.handle) == "digits"


def test_a_job_without_options_runs_in_the_step_of_a_pipeline_itself(place: RecordingPlace) -> None:
    Job().deploy(pod_spec())
    Job(labels={"a": "b"}).deploy(pod_spec())

    plain, labelled = [trace(task.pipeline(as_job=False)).own_images for task in place.trained]
    assert (plain, len(labelled)) == ((), 1)


def test_changes_of_the_pod_specification_reach_the_pods(place: RecordingPlace) -> None:
    changed = pod_spec()
    changed.containers[0].env = [V1EnvVar(name="A", value="b")]
    changed.tolerations = [V1Toleration(key="gpu", operator="Exists")]

    Job().deploy(changed)

    spec = train_spec_of(next(iter(trace(place.trained[0].pipeline()).specification.containers)))
    assert isinstance(spec, JobSpec)
    assert spec.pod["containers"] == [{"name": "main", "env": [{"name": "A", "value": "b"}]}]
    assert spec.pod["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    with pytest.raises(ConfigError, match="takes the pod specification of a builder"):
        Job().deploy({"containers": []})


@pytest.mark.parametrize(
    ("deployer", "kind", "nodes", "framework", "keep"),
    [
        (TfJob(worker_count=2, chief_count=1, cleanup=True), "tfjob", 3, "tensorflow", False),
        (TfJob(), "tfjob", 1, "tensorflow", True),
        (PyTorchJob(), "pytorchjob", 2, "torch", True),
        (PyTorchJob(worker_count=3), "pytorchjob", 4, "torch", True),
    ],
)
def test_the_nodes_of_an_operator_are_its_masters_and_workers(
    place: RecordingPlace, deployer: Job, kind: str, nodes: int, framework: str, keep: bool
) -> None:
    spec = deployed(deployer, place)

    assert (spec.kind, spec.nodes, spec.framework, place.trained[0].keep) == (kind, nodes, framework, keep)


def test_parameter_servers_keep_no_gpu_from_the_workers(place: RecordingPlace) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        job = TfJob(worker_count=2, ps_count=1, pod_spec_mutators=[get_resource_mutator(gpu=1)])

    spec = deployed(job, place)

    assert spec.nodes == 2
    assert spec.pod["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "1"}


def test_a_job_of_google_cloud_becomes_a_custom_job_of_vertex_ai(place: RecordingPlace) -> None:
    job = GCPJob("project", "europe-west4", "BASIC_GPU", {"jobDir": "gs://bucket/folder", "workerCount": 1})
    job.deploy(pod_spec())

    (task,) = place.trained
    assert task.kind == "vertex"
    assert dict(task.options) == {
        "project": "project",
        "region": "europe-west4",
        "staging": "gs://bucket/folder",
        "machine": "n1-standard-8",
        "accelerator": "NVIDIA_TESLA_T4",
        "nodes": 2,
    }
    spec = train_spec_of(next(iter(trace(task.pipeline()).specification.containers)))
    assert spec is not None
    assert spec.where == "Vertex AI"
    with pytest.raises(ConfigError, match="jobDir"):
        GCPJob("project").deploy(pod_spec())
    with pytest.raises(ConfigError, match="no scale tier 'HUGE'"):
        GCPJob(scale_tier="HUGE")
    with pytest.raises(ConfigError, match="has the key 'pythonVersion'"):
        GCPJob(job_config={"pythonVersion": "3.7"})


def test_a_class_is_served_under_its_name(place: RecordingPlace) -> None:
    fairing.config.set_deployer("serving", serving_class="Model", service_type="LoadBalancer", labels={"a": "b"})
    served = fairing.config.fn(Model)()
    endpoint = PredictionEndpoint(Model, service_type="NodePort", pod_spec_mutators=[add_env({"A": "b"})])
    created = endpoint.create()

    first, second = serving_spec(place, 0), serving_spec(place, 1)
    assert (first.name, first.service, first.labels) == ("model", "LoadBalancer", {"a": "b"})
    assert second.service == "NodePort"
    assert second.pod["containers"] == [{"name": "main", "env": [{"name": "A", "value": "b"}]}]
    assert str(served) == str(created) == endpoint.url == "http://model.svc"
    assert served_name("HousingServe2") == "housing-serve2"
    with pytest.raises(ConfigError, match="call create"):
        PredictionEndpoint(Model).predict_nparray(None)
    with pytest.raises(ConfigError, match="call deploy"):
        Serving("Model").delete()


def test_kserve_serves_formats_containers_and_a_canary(place: RecordingPlace) -> None:
    formats = KFServing("sklearn", "gs://bucket/model", "gs://bucket/canary", 20, labels={"a": "b"}, isvc_name="digits")
    formats.deploy(formats.generate_isvc())

    first, second = serving_spec(place, 0), serving_spec(place, 1)
    assert (first.target, first.model_format, first.storage, first.labels) == (
        *("kserve", "sklearn", "gs://bucket/model"),
        {"a": "b"},
    )
    assert (first.canary, second.canary, second.storage) == (None, 20, "gs://bucket/canary")
    container = V1Container(name="user", image="server:1", env=[V1EnvVar(name="A", value="b")])
    KFServing("custom", custom_default_container=container, isvc_name="own").deploy(None)
    own = serving_spec(place)
    assert (own.name, own.target, own.image) == ("own", "kserve", "server:1")
    assert own.pod["containers"] == [{"name": "main", "env": [{"name": "A", "value": "b"}]}]
    for arguments, message in (
        (("caffe",), "does not know the framework 'caffe'"),
        (("sklearn",), "has no model"),
        (("custom",), "has no container"),
    ):
        with pytest.raises(ConfigError, match=message):
            KFServing(*arguments)


def test_backends_choose_registry_namespace_and_credentials(
    place: RecordingPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairing_kfp.classic.cloud.gcp.guess_project_name", lambda: "project")
    backend = backends.KubeflowGKEBackend("team")

    assert backend.get_docker_registry() == "us-docker.pkg.dev/project/fairing-job"
    monkeypatch.setenv("FAIRING_KFP_REGISTRY", "registry.example.com/me")
    assert backend.get_docker_registry() == "registry.example.com/me"
    assert backends.KubernetesBackend().get_docker_registry() == "registry.example.com/me"
    assert [one.__name__ for one in backend.get_training_deployer().pod_spec_mutators] == [
        "add_gcp_credentials_if_exists"
    ]
    assert [one.__name__ for one in backends.AWSBackend().get_training_deployer([]).pod_spec_mutators] == [
        "add_aws_credentials_if_exists"
    ]
    TrainJob(train, backend=backends.KubeflowBackend("team")).submit()
    assert place.access[-1][0] == "team"
    with pytest.raises(ConfigError, match="is not a registry of Azure"):
        TrainJob(train, docker_registry="gcr.io/project", backend=backends.KubeflowAzureBackend())
    managed = backends.GCPManagedBackend("project", "europe-west4", "BASIC", {"jobDir": "gs://bucket/folder"}, True)
    deployer = managed.get_training_deployer()
    assert (deployer.stream_log, deployer.options(pod_spec())["machine"]) == (True, "n1-standard-4")


def test_a_repository_of_amazon_is_created_with_the_name_of_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    created = []
    monkeypatch.setattr(
        "fairing_kfp.classic.cloud.aws.create_ecr_registry", lambda registry, name: created.append((registry, name))
    )
    registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

    TrainJob(train, docker_registry=registry, backend=backends.KubeflowAWSBackend())

    assert created == [(registry, "fairing-job")]
