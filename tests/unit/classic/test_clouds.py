"""Mutators and clouds: secrets, registries, SDKs that are imported when they are used."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from kubernetes.client import ApiClient, V1Container, V1PodSpec

from fairing_kfp.classic.cloud import aws, azure, docker, gcp
from fairing_kfp.classic.kubernetes.manager import KubeManager
from fairing_kfp.classic.kubernetes.utils import (
    add_env,
    get_node_selector,
    get_resource_mutator,
    mounting_pvc,
    volume_mounts,
)
from fairing_kfp.classic.work.mutators import in_our_form
from fairing_kfp.cluster.connect import ClusterConfig
from fairing_kfp.cluster.mutators import environment
from fairing_kfp.errors import ClusterError, ConfigError, MissingObjectError


class Manager:
    """A manager of a cluster with some secrets and service accounts."""

    def __init__(self, *secrets: str, accounts: tuple[str, ...] = (), error: Exception | None = None) -> None:
        self.secrets, self.accounts, self.error = set(secrets), accounts, error

    def secret_exists(self, name: str, namespace: str) -> bool:
        assert namespace == "team"
        if self.error:
            raise self.error
        return name in self.secrets

    def service_account_exists(self, name: str, namespace: str) -> bool:
        assert namespace == "team"
        if self.error:
            raise self.error
        return name in self.accounts

    def create_secret(self, namespace: str, secret: Any) -> None:
        self.secrets.add(secret.metadata.name)


def mutated(mutator: Any, manager: Any = None) -> dict[str, Any]:
    """A pod specification after a mutator in Fairing's form."""
    pod = V1PodSpec(containers=[V1Container(name="main")])
    mutator(manager, pod, "team")
    with ApiClient() as client:
        made: dict[str, Any] = client.sanitize_for_serialization(pod)
    return made


def test_mutators_change_the_specification_in_place() -> None:
    def twice(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
        get_resource_mutator(cpu=1)(kube_manager, pod_spec, namespace)
        get_resource_mutator(memory=1.073741824, gpu=2, gpu_vendor="amd")(kube_manager, pod_spec, namespace)

    assert mutated(twice)["containers"][0]["resources"] == {  # the second keeps what the first has set
        "requests": {"cpu": "1", "memory": "1.0Gi", "amd.com/gpu": "2"},
        "limits": {"cpu": "1", "memory": "1.0Gi", "amd.com/gpu": "2"},
    }
    assert mutated(add_env({"A": 1}))["containers"][0]["env"] == [{"name": "A", "value": "1"}]
    assert mutated(get_node_selector({"a/b": "c"}))["nodeSelector"] == {"a/b": "c"}
    assert mutated(get_node_selector(None)) == {"containers": [{"name": "main"}], "nodeSelector": {}}


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("pvc", {"persistentVolumeClaim": {"claimName": "data"}}),
        ("secret", {"secret": {"secretName": "data"}}),
        ("config_map", {"configMap": {"name": "data"}}),
    ],
)
def test_volumes_are_mounted(kind: str, source: dict[str, Any]) -> None:
    made = mutated(volume_mounts(kind, "data", "/data", sub_path="a"))

    (volume,) = made["volumes"]
    (mount,) = made["containers"][0]["volumeMounts"]
    assert volume == {"name": mount["name"], **source}
    assert (mount["mountPath"], mount["subPath"]) == ("/data", "a")


def test_volumes_have_known_types_and_claims_an_older_name() -> None:
    with pytest.raises(ConfigError, match="the volume type 'nfs' does not exist"):
        volume_mounts("nfs", "data", "/data")
    with pytest.warns(DeprecationWarning, match="use volume_mounts"):
        mounting_pvc("data")
    assert mutated(mounting_pvc("data"))["containers"][0]["volumeMounts"][0]["mountPath"] == "/mnt"


def test_both_forms_of_mutators_are_applied_in_order() -> None:
    seen: list[Any] = []

    def own(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
        seen.append((kube_manager, namespace))
        pod_spec.containers[0].env[0].value = "changed"

    spec: dict[str, Any] = {"containers": [{"name": "main"}]}
    for mutate in in_our_form([environment({"A": "b"}), own], "team", lambda: "manager"):
        spec = mutate(spec)

    assert spec["containers"][0]["env"] == [{"name": "A", "value": "changed"}]
    assert seen == [("manager", "team")]


def test_mutators_get_the_namespace_of_the_job_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "one", "user": "me", "namespace": "of-context"}}],
        "clusters": [{"name": "one", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "me", "user": {"token": "made-up"}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    seen: list[str] = []

    def own(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
        seen.append(namespace)

    (mutate,) = in_our_form([own], None, lambda: "manager")
    mutate({"containers": [{"name": "main"}]})

    assert seen == ["of-context"]


def test_credentials_come_from_secrets_of_the_namespace(caplog: pytest.LogCaptureFixture) -> None:
    google = mutated(gcp.add_gcp_credentials_if_exists, Manager("user-gcp-sa"))
    assert google["containers"][0]["env"] == [
        {"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/etc/secrets/user-gcp-sa.json"}
    ]
    assert google["volumes"][0]["secret"] == {"secretName": "user-gcp-sa"}
    kubeflow = Manager(accounts=("default-editor",))
    assert mutated(gcp.add_gcp_credentials_if_exists, kubeflow)["serviceAccountName"] == "default-editor"
    amazon = mutated(aws.add_aws_credentials_if_exists, Manager("aws-secret"))["containers"][0]["env"]
    assert [one["valueFrom"]["secretKeyRef"]["key"] for one in amazon] == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    empty = {"containers": [{"name": "main"}]}
    assert mutated(aws.add_aws_credentials_if_exists, Manager()) == empty
    forbidden = Manager(error=ClusterError("secrets may not be read"))
    assert mutated(aws.add_aws_credentials_if_exists, forbidden) == empty
    assert "secrets may not be read" in caplog.text
    assert mutated(gcp.add_gcp_credentials_if_exists, forbidden)["serviceAccountName"] == "default-editor"
    assert mutated(gcp.add_gcp_credentials_if_exists, Manager()) == empty  # no pod could be created with it
    assert "there is no service account default-editor in the namespace team" in caplog.text
    for add in (gcp.add_gcp_credentials, aws.add_aws_credentials, docker.add_docker_credentials):
        with pytest.raises(ConfigError, match="the namespace team has no secret"):
            mutated(add, Manager())


def test_logins_of_docker_become_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    empty = Manager()
    assert "imagePullSecrets" not in mutated(docker.add_docker_credentials_if_exists, empty)
    (tmp_path / "config.json").write_text('{"auths": {}}')

    made = mutated(docker.add_docker_credentials_if_exists, empty)

    assert made["imagePullSecrets"] == [{"name": "docker-secret"}]
    assert empty.secrets == {"docker-secret"}
    secret = docker.get_docker_secret()
    assert base64.b64decode(secret.data[".dockerconfigjson"]) == b'{"auths": {}}'


def test_registries_of_clouds_are_recognized() -> None:
    assert aws.is_ecr_registry("123456789012.dkr.ecr.eu-west-1.amazonaws.com/me")
    assert not aws.is_ecr_registry("registry.example.com")
    assert azure.is_acr_registry("me.azurecr.io/project")
    assert not azure.is_acr_registry("registry.example.com/me.azurecr.io")


def test_sdks_are_imported_when_a_call_needs_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError, match=r"guess_account_id\(\) needs the package boto3") as error:
        aws.guess_account_id()
    assert error.value.remedy == "pip install boto3"

    calls: list[Any] = []
    missing = type("RepositoryNotFoundException", (Exception,), {})
    errors = SimpleNamespace(BotoCoreError=type("BotoCoreError", (Exception,), {}), ClientError=missing)

    class Client:
        exceptions = SimpleNamespace(RepositoryNotFoundException=missing)

        def get_caller_identity(self) -> dict[str, str]:
            return {"Account": "123456789012"}

        def describe_repositories(self, **named: Any) -> None:
            raise missing

        def create_repository(self, **named: Any) -> None:
            calls.append(named)

    monkeypatch.setitem(sys.modules, "boto3", SimpleNamespace(client=lambda *_, **__: Client()))
    monkeypatch.setitem(sys.modules, "botocore", SimpleNamespace(exceptions=errors))
    monkeypatch.setitem(sys.modules, "botocore.exceptions", errors)
    assert aws.guess_account_id() == "123456789012"
    with monkeypatch.context() as patch:
        patch.setattr(Client, "get_caller_identity", Mock(side_effect=errors.BotoCoreError("no credentials.")))
        with pytest.raises(ConfigError, match="the current account of AWS is unknown: no credentials\n"):
            aws.guess_account_id()
    aws.create_ecr_registry("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "me/digits")
    assert calls == [{"repositoryName": "me/digits"}]
    with pytest.raises(ConfigError, match="is not a registry of Amazon ECR"):
        aws.create_ecr_registry("registry.example.com", "digits")
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"project_id": "project"}))
    assert gcp.guess_project_name(str(key)) == "project"


def test_the_default_registry_of_google_cloud_is_artifact_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcp, "guess_project_name", lambda: "project")
    assert gcp.get_default_docker_registry() == "us-docker.pkg.dev/project/fairing-job"
    monkeypatch.setenv("GOOGLE_CLOUD_REGION", "europe-west4")
    assert gcp.get_default_docker_registry() == "europe-west4-docker.pkg.dev/project/fairing-job"

    def unknown() -> str:
        raise ConfigError("there are no credentials")

    monkeypatch.setattr(gcp, "guess_project_name", unknown)
    assert gcp.get_default_docker_registry() is None


class Cluster:
    """Records requests, and answers from a table."""

    namespace = "team"
    config = ClusterConfig("https://cluster.example.com")

    def __init__(self, **answers: Any) -> None:
        self.answers, self.sent = answers, []  # type: ignore[var-annotated]

    def request(self, method: str, path: str, *, body: Any = None, query: Any = None, content_type: str = "") -> Any:
        self.sent.append((method, path, body))
        if method == "GET" and path.rpartition("/")[2] not in self.answers:
            raise MissingObjectError("missing", status=404)
        return self.answers.get(path.rpartition("/")[2], {})


def managed(**answers: Any) -> tuple[KubeManager, Cluster]:
    manager, cluster = KubeManager(), Cluster(**answers)
    manager.__dict__["cluster"] = cluster
    return manager, cluster


def test_the_manager_creates_reads_and_deletes_objects() -> None:
    manager, cluster = managed(known={"kind": "Secret"})

    assert manager.secret_exists("known", "team")
    assert not manager.secret_exists("other", "team")
    manager.create_job("team", {"metadata": {"name": "train"}})
    manager.create_deployment("team", {"metadata": {"name": "digits"}})
    assert manager.delete_job("train", "team")
    manager.apply_namespaced_objects(["apiVersion: v1\nkind: Service\nmetadata: {name: a}"], mode="patch")
    assert [(method, path) for method, path, _ in cluster.sent[2:]] == [
        ("POST", "/apis/batch/v1/namespaces/team/jobs"),
        ("POST", "/apis/apps/v1/namespaces/team/deployments"),
        ("DELETE", "/apis/batch/v1/namespaces/team/jobs/train"),
        ("PATCH", "/api/v1/namespaces/team/services/a"),
    ]
    assert cluster.sent[2][2] == {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train"}}
    with pytest.raises(ConfigError, match="the mode 'apply' does not exist"):
        manager.apply_namespaced_object({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}, "apply")


def test_the_external_address_of_a_service_is_awaited_only_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = {"status": {"loadBalancer": {"ingress": [{"hostname": "digits.example.com"}]}}}
    manager, _ = managed(ready=ready, pending={})
    assert manager.get_service_external_endpoint("ready", "team") == "http://digits.example.com"
    monkeypatch.setattr("fairing_kfp.classic.kubernetes.manager._ENDPOINT_SECONDS", -1.0)
    with pytest.raises(ClusterError, match="got no external address"):
        manager.get_service_external_endpoint("pending", "team")
