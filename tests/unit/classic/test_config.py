"""`config`, its builders, and the names under which Fairing's modules can be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp.classic as fairing
from fairing_kfp.classic.builders.append.append import AppendBuilder
from fairing_kfp.classic.builders.cluster.cluster import ClusterBuilder
from fairing_kfp.classic.builders.docker.docker import DockerBuilder
from fairing_kfp.classic.builders.podman.podman import PodmanBuilder
from fairing_kfp.classic.config import Config
from fairing_kfp.classic.deployers.job.job import Job
from fairing_kfp.classic.preprocessors.base import BasePreProcessor
from fairing_kfp.classic.preprocessors.function import FunctionPreProcessor
from fairing_kfp.classic.runtime_config import RuntimeConfig
from fairing_kfp.classic.utils import camel_to_snake, crc, get_default_target_namespace, get_image, random_tag
from fairing_kfp.errors import ConfigError
from tests.unit.classic.conftest import RecordingPlace


def python(code: str, **env: str) -> str:
    import os

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **env}, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_config_packs_builds_and_deploys(place: RecordingPlace, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAIRING_KFP_LOCK", raising=False)
    fairing.config.set_preprocessor("python", input_files=["train.py"])
    fairing.config.set_builder(name="docker", registry="registry.example.com/me", base_image="python:3.11")
    fairing.config.set_deployer()

    preprocessor, builder, deployer = fairing.config.run()

    assert (type(preprocessor), type(builder), type(deployer)) == (BasePreProcessor, DockerBuilder, Job)
    (task,) = place.trained
    assert dict(task.settings) == {
        "registry": "registry.example.com/me",
        "project": "fairing-job",
        "builder": "docker",
        "lock": str(project / "fairing.lock"),
    }
    assert str(fairing.config.deploy(builder.generate_pod_spec())) == "generated"
    fairing.config.reset()
    assert type(fairing.config.get_builder(preprocessor)) is AppendBuilder
    assert type(fairing.config.get_deployer()) is Job


def test_fn_returns_the_result_or_the_job_and_leaves_the_preprocessor(place: RecordingPlace) -> None:
    def train(depth: int, *, width: int = 1) -> None:
        """Trains."""

    fairing.config.set_preprocessor("python", input_files=["train.py"])
    remote = fairing.config.fn(train)

    assert (remote.__name__, remote.__doc__) == ("train", "Trains.")
    assert remote(3, width=2) == "result"
    fairing.config.set_deployer("job", stream_log=False)
    job = remote(4)
    assert (str(job), job.wait(10), job.result) == ("generated", "result", "result")
    assert type(fairing.config.get_preprocessor()) is BasePreProcessor
    fairing.config.set_preprocessor("function", function_obj=train, input_files=["train.py"])
    remote(5)
    assert type(fairing.config.get_preprocessor()) is FunctionPreProcessor


@pytest.mark.parametrize(
    ("kind", "name", "arguments", "message"),
    [
        ("builder", "kaniko", {}, "the builder 'kaniko' does not exist"),
        ("builder", "append", {"registy": "x"}, "the builder 'append' has no parameter 'registy'"),
        ("deployer", "mpijob", {}, "the deployer 'mpijob' does not exist"),
        ("deployer", "job", {"worker_count": 1}, "the deployer 'job' has no parameter 'worker_count'"),
        ("preprocessor", "r", {}, "the preprocessor 'r' does not exist"),
        ("preprocessor", "python", {"notebook_file": "x"}, "the preprocessor 'python' has no parameter"),
    ],
)
def test_unknown_names_are_errors_at_once(kind: str, name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        getattr(fairing.config, f"set_{kind}")(name, **arguments)

    assert error.value.remedy


def test_missing_arguments_are_errors() -> None:
    fairing.config.set_deployer("serving")
    with pytest.raises(ConfigError, match="the deployer 'serving': missing a required argument: 'serving_class'"):
        fairing.config.get_deployer()


def test_builders_become_settings(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "Dockerfile").write_text("FROM python:3.11")
    given = BasePreProcessor(["train.py"])
    monkeypatch.setenv("FAIRING_KFP_LOCK", "/locks/own.lock")

    assert AppendBuilder("r.example.com/me", "digits").settings() == {
        "registry": "r.example.com/me",
        "project": "digits",
        "builder": "append",
        "lock": "/locks/own.lock",
    }
    assert AppendBuilder(push=False).settings()["builder"] == "dry-run"
    assert DockerBuilder("r.example.com", push=False).settings() == {
        "registry": None,
        "project": "fairing-job",
        "builder": "docker",
        "lock": "/locks/own.lock",
    }
    assert PodmanBuilder("r.example.com").settings()["builder"] == "podman"
    cluster = ClusterBuilder("r.example.com", base_image="python:3.11", namespace="builds")
    assert (cluster.settings()["base_image"], cluster.settings()["cluster_namespace"]) == ("python:3.11", "builds")
    assert DockerBuilder(dockerfile_path="Dockerfile").options() == {"base_image": f"dockerfile:{project}/Dockerfile"}
    assert AppendBuilder(base_image="python:3.11").options() == {"base_image": "python:3.11"}
    assert AppendBuilder("r.example.com/me", "digits").full_image_name("v1") == "r.example.com/me/digits:v1"
    monkeypatch.setenv("FAIRING_KFP_PROJECT", "own")
    assert AppendBuilder().settings()["project"] == "own"
    pod_spec = AppendBuilder(preprocessor=given).generate_pod_spec("image:1")
    assert pod_spec.containers[0].image == "image:1"
    with pytest.raises(ConfigError, match="AppendBuilder has no preprocessor"):
        AppendBuilder().generate_pod_spec()
    with pytest.raises(ConfigError, match="no registry is set"):
        AppendBuilder(preprocessor=given).build()


def test_what_google_cloud_retired_is_warned_of_or_refused() -> None:
    with pytest.warns(DeprecationWarning, match=r"use us-docker\.pkg\.dev/project/REPOSITORY"):
        AppendBuilder("gcr.io/project/fairing-job")
    for image in ("gcr.io/kubeflow-images-public/tensorflow-1.14.0:v0.7.0", "gcr.io/kubeflow-fairing/lightgbm:latest"):
        with pytest.raises(ConfigError, match=f"the base image {image} was published for Fairing"):
            DockerBuilder("registry.example.com", base_image=image)


def test_a_build_returns_the_image_by_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.support import stand_in_builder

    stand_in_builder.register(monkeypatch)
    monkeypatch.setattr(AppendBuilder, "name", "stand-in")
    builder = AppendBuilder(preprocessor=BasePreProcessor(["train.py"]))

    image = builder.build()

    assert image == builder.image_tag == builder.build()
    assert image.startswith("registry.example.com/me/project@sha256:")
    assert builder.generate_pod_spec().containers[0].image == image


def test_config_does_nothing_in_a_container() -> None:
    config = RuntimeConfig()
    config.set_preprocessor("python", input_files=["train.py"])
    config.set_builder("append", registry="x")
    config.set_deployer("job")

    assert (config.get_preprocessor(), config.get_builder(None), config.get_deployer()) == ("python", "append", "job")
    assert config.run() is None
    assert config.deploy(None) is None
    assert config.fn(len) is len
    code = "import fairing_kfp.classic as f; print(type(f.config).__name__)"
    assert python(code, FAIRING_RUNTIME="1") == "RuntimeConfig"
    assert set(dir(Config)) <= {*dir(RuntimeConfig), "_run"}


def test_fairings_own_name_can_be_imported() -> None:
    code = """
from fairing_kfp import classic
classic.as_kubeflow_fairing(); classic.as_kubeflow_fairing()
from kubeflow import fairing
import kubeflow.fairing.config, kubeflow.fairing.deployers.job.job as job
from kubeflow.fairing.kubernetes.utils import get_resource_mutator
from fairing_kfp.classic.deployers.job.job import Job
assert job.Job is Job and fairing is classic
fairing.config.set_builder("append")
print(fairing.cloud.aws.is_ecr_registry("1.dkr.ecr.eu-west-1.amazonaws.com"), fairing.TrainJob.__name__)
try:
    import kubeflow.fairing.nothing
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert python(code) == "True TrainJob\nfairing_kfp.classic.nothing"


def test_no_sdk_of_a_cloud_is_imported_unless_used() -> None:
    code = """
import sys
import fairing_kfp.classic as fairing
for name in ("KubernetesBackend", "KubeflowGKEBackend", "KubeflowAWSBackend", "KubeflowAzureBackend", "IBMCloudBackend",
             "GCPManagedBackend"):
    getattr(fairing.backends, name)()
print([name for name in ("boto3", "google.cloud.storage", "azure", "ibm_boto3", "kfserving") if name in sys.modules])
"""
    assert python(code) == "[]"


def test_the_version_and_the_kinds_of_objects_have_fairings_names() -> None:
    from importlib.metadata import version

    from fairing_kfp.classic.constants import constants

    assert constants.DEFAULT_USER_AGENT.format(VERSION=fairing.__version__) == f"fairing-kfp/{version('fairing-kfp')}"
    for prefix, kind in {
        "TF_JOB": ("kubeflow.org", "v1", "TFJob", "tfjobs"),
        "PYTORCH_JOB": ("kubeflow.org", "v1", "PyTorchJob", "pytorchjobs"),
        "KFSERVING": ("serving.kserve.io", "v1beta1", "InferenceService", "inferenceservices"),
    }.items():
        assert tuple(getattr(constants, f"{prefix}_{one}") for one in ("GROUP", "VERSION", "KIND", "PLURAL")) == kind


def test_small_functions(project: Path) -> None:
    assert get_image("r", "n") == "r/n"
    assert get_default_target_namespace() == "default"
    assert crc(str(project / "train.py")) == "C9B18BB3" or len(crc(str(project / "train.py"))) >= 7
    assert len(random_tag()) == 8
    assert camel_to_snake("HousingServe") == "housing_serve"
