"""Objects of a cluster."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from fairing_kfp.classic.work.deprecation import warn_unused
from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.connect import find_config, from_client
from fairing_kfp.cluster.kinds import DEPLOYMENT, JOB, POD, SERVICE, Kind, find_kind, kind_of
from fairing_kfp.cluster.logs import last_lines
from fairing_kfp.cluster.objects import delete, find
from fairing_kfp.errors import ConfigError, DeadlineError

_SECRET = Kind("v1", "Secret", "secrets")
_SERVICE_ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")
_OPERATOR, _KSERVE = "kubeflow.org/v1", "serving.kserve.io/v1beta1"
_ENDPOINT_SECONDS = 300.0
_ALL_LINES = 1_000_000


class KubeManager:
    """Creates, reads and deletes objects of a cluster. Specifications are dicts, or models of `kubernetes.client`.

    Args:
        config_file: a kubeconfig; by default as kubectl finds it, or this pod's service account.
        context: context of the kubeconfig.
        client_configuration: a `kubernetes.client.Configuration`, instead of a kubeconfig.
        persist_config: has no effect any more.
    """

    def __init__(
        self,
        config_file: str | None = None,
        context: str | None = None,
        client_configuration: Any = None,
        persist_config: bool = True,
    ) -> None:
        warn_unused("KubeManager", "persist_config", persist_config, True, "kubeconfigs are only read")
        self._source = find_config(context, config_file)
        if client_configuration is not None:
            self._source = lambda: from_client(client_configuration)

    @cached_property
    def cluster(self) -> Cluster:
        """The client of the cluster; connects on first use."""
        return Cluster(self._source)

    def create_job(self, namespace: str, job: Any) -> Object:
        """Creates a Job."""
        return self._create(namespace, job, JOB)

    def create_tf_job(self, namespace: str, tfjob: Any) -> Object:
        """Creates a TFJob."""
        return self._create(namespace, tfjob, find_kind(self.cluster, _OPERATOR, "TFJob"))

    def create_pytorch_job(self, namespace: str, pytorchjob: Any) -> Object:
        """Creates a PyTorchJob."""
        return self._create(namespace, pytorchjob, find_kind(self.cluster, _OPERATOR, "PyTorchJob"))

    def create_deployment(self, namespace: str, deployment: Any) -> Object:
        """Creates a Deployment."""
        return self._create(namespace, deployment, DEPLOYMENT)

    def create_isvc(self, namespace: str, isvc: Any) -> Object:
        """Creates an InferenceService."""
        return self._create(namespace, isvc, find_kind(self.cluster, _KSERVE, "InferenceService"))

    def create_secret(self, namespace: str, secret: Any) -> Object:
        """Creates a Secret."""
        return self._create(namespace, secret, _SECRET)

    def delete_job(self, name: str, namespace: str) -> bool:
        """Deletes a Job and its pods; returns whether it existed."""
        return delete(self.cluster, JOB, name, namespace)

    def delete_tf_job(self, name: str, namespace: str) -> bool:
        """Deletes a TFJob; returns whether it existed."""
        return delete(self.cluster, find_kind(self.cluster, _OPERATOR, "TFJob"), name, namespace)

    def delete_pytorch_job(self, name: str, namespace: str) -> bool:
        """Deletes a PyTorchJob; returns whether it existed."""
        return delete(self.cluster, find_kind(self.cluster, _OPERATOR, "PyTorchJob"), name, namespace)

    def delete_deployment(self, name: str, namespace: str) -> bool:
        """Deletes a Deployment and its pods; returns whether it existed."""
        return delete(self.cluster, DEPLOYMENT, name, namespace)

    def delete_isvc(self, name: str, namespace: str) -> bool:
        """Deletes an InferenceService; returns whether it existed."""
        return delete(self.cluster, find_kind(self.cluster, _KSERVE, "InferenceService"), name, namespace)

    def secret_exists(self, name: str, namespace: str) -> bool:
        """Whether a Secret exists.

        Raises:
            ClusterError: Kubernetes answers with an error.
        """
        return find(self.cluster, _SECRET, name, namespace) is not None

    def service_account_exists(self, name: str, namespace: str) -> bool:
        """Whether a ServiceAccount exists.

        Raises:
            ClusterError: Kubernetes answers with an error.
        """
        return find(self.cluster, _SERVICE_ACCOUNT, name, namespace) is not None

    def get_service_external_endpoint(
        self, name: str, namespace: str, selectors: Mapping[str, str] | None = None
    ) -> str:
        """The URL of a Service of the type LoadBalancer; waits five minutes for its address.

        Args:
            name: name of the Service.
            namespace: its namespace.
            selectors: has no effect any more.

        Raises:
            DeadlineError: it got no address.
        """
        warn_unused("get_service_external_endpoint", "selectors", selectors, None, "the name is enough")
        deadline = time.monotonic() + _ENDPOINT_SECONDS
        while True:
            service = self.cluster.request("GET", SERVICE.path(namespace, name))
            status = (service.get("status") or {}).get("loadBalancer") or {}
            for one in status.get("ingress") or []:
                return f"http://{one.get('hostname') or one['ip']}"
            if time.monotonic() > deadline:
                raise DeadlineError(
                    f"the Service {name} in the namespace {namespace} got no external address",
                    'the cluster may have no load balancer: use service_type="NodePort" or an Ingress',
                )
            time.sleep(1)

    def log(
        self,
        name: str,
        namespace: str,
        selectors: Mapping[str, str] | None = None,
        container: str = "",
        follow: bool = True,
    ) -> None:
        """Prints the log of a pod so far.

        Args:
            name: name of the pod, if there are no selectors.
            namespace: its namespace.
            selectors: labels of the pods.
            container: name of the container; the first by default.
            follow: has no effect any more.
        """
        warn_unused("KubeManager.log", "follow", follow, True, "jobs are followed by their handles: job.wait()")
        names = [name]
        if selectors:
            labels = ",".join(f"{key}={value}" for key, value in selectors.items())
            found = self.cluster.request("GET", POD.path(namespace), query={"labelSelector": labels})
            names = [pod["metadata"]["name"] for pod in found.get("items") or []]
        for pod in names:
            spec = self.cluster.request("GET", POD.path(namespace, pod))["spec"]
            chosen = container or str(spec["containers"][0]["name"])
            for line in last_lines(self.cluster, namespace, pod, chosen, _ALL_LINES):
                sys.stdout.write(f"{line}\n")

    def apply_namespaced_object(self, spec: Any, mode: str = "create") -> Object:
        """Creates, patches, replaces or deletes an object.

        Args:
            spec: the object: a dict, YAML, or a model of `kubernetes.client`.
            mode: `create`, `patch`, `replace` or `delete`.

        Raises:
            ConfigError: the mode is unknown.
            ClusterError: Kubernetes answers with an error.
        """
        import yaml

        given = yaml.safe_load(spec) if isinstance(spec, str) else _as_dict(spec)
        kind = kind_of(self.cluster, given)
        metadata = given.setdefault("metadata", {})
        namespace, name = metadata.get("namespace") or self.cluster.namespace, metadata.get("name", "")
        if mode == "create":
            return self.cluster.request("POST", kind.path(namespace), body=given)
        path = kind.path(namespace, name)
        if mode == "patch":
            return self.cluster.request("PATCH", path, body=given, content_type="application/merge-patch+json")
        if mode == "replace":
            return self.cluster.request("PUT", path, body=given)
        if mode == "delete":
            return self.cluster.request("DELETE", path)
        raise ConfigError(f"the mode {mode!r} does not exist", "use create, patch, replace or delete")

    def apply_namespaced_objects(self, specs: Iterable[Any], mode: str = "create") -> list[Object]:
        """Creates, patches, replaces or deletes objects; see `apply_namespaced_object`."""
        return [self.apply_namespaced_object(spec, mode) for spec in specs]

    def _create(self, namespace: str, spec: Any, kind: Kind) -> Object:
        body = {"apiVersion": kind.api_version, "kind": kind.kind, **_as_dict(spec)}
        return self.cluster.request("POST", kind.path(namespace), body=body)


def _as_dict(spec: Any) -> Object:
    from kubernetes.client import ApiClient

    if isinstance(spec, dict):
        return dict(spec)
    with ApiClient() as client:
        made: Object = client.sanitize_for_serialization(spec)
    return made
