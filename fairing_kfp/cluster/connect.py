"""Configuration of the Kubernetes client: from a pod's service account, or from a kubeconfig."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairing_kfp.errors import ClusterError

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class ClusterConfig:
    """The address of an API server, and the credentials for it.

    Attributes:
        server: URL of the API server.
        namespace: namespace of objects that name none.
        authorization: `Authorization` header; empty with a client certificate.
        ca: PEM file of the certificate authorities of the server; None for those of this machine.
        certificate: PEM files of the client certificate and its key.
        verify: whether the server's certificate is verified.
        proxy: URL of an HTTP proxy.
    """

    server: str
    namespace: str = "default"
    authorization: str = field(default="", repr=False)
    ca: str | None = None
    certificate: tuple[str, str | None] | None = None
    verify: bool = True
    proxy: str | None = None


ConfigSource = Callable[[], ClusterConfig]
"""Reads the configuration; called again when the API server rejects the token."""


def find_config(context: str | None = None, file: str | None = None) -> ConfigSource:
    """Finds the configuration: `KUBECONFIG`, else this pod's service account, else `~/.kube/config`.

    Args:
        context: context of the kubeconfig; by default the current context.
        file: a kubeconfig to read instead.
    """
    if context is None and file is None and not os.environ.get("KUBECONFIG") and in_pod():
        return in_cluster
    return lambda: from_kubeconfig(context, file)


def in_pod() -> bool:
    """Whether this is a pod with the token of a service account."""
    return (_SERVICE_ACCOUNT / "token").exists()


def is_configured() -> bool:
    """Whether `find_config` finds something to read: a kubeconfig, or a pod's token."""
    file = os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config"
    return in_pod() or Path(str(file).partition(os.pathsep)[0]).exists()


def in_cluster(folder: Path = _SERVICE_ACCOUNT) -> ClusterConfig:
    """The configuration of this pod's service account, with the current token, which the kubelet renews.

    Source: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/

    Args:
        folder: where the kubelet mounts the token.

    Raises:
        ClusterError: this is not a pod, or the pod has no token.
    """
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    try:
        token = (folder / "token").read_text().strip()
        namespace = (folder / "namespace").read_text().strip()
    except OSError as error:
        raise ClusterError(
            f"this pod has no service account token: {error.strerror}: {error.filename}",
            "set automountServiceAccountToken: true in its specification",
        ) from error
    if not host:
        raise ClusterError("this is not a pod: KUBERNETES_SERVICE_HOST is not set", "name a kubeconfig in KUBECONFIG")
    bracketed = f"[{host}]" if ":" in host else host
    return ClusterConfig(f"https://{bracketed}:{port}", namespace, f"Bearer {token}", str(folder / "ca.crt"))


def from_kubeconfig(context: str | None = None, file: str | None = None) -> ClusterConfig:
    """The configuration in a kubeconfig; runs its credential plugin, if it names one.

    Args:
        context: context of the kubeconfig; by default the current context.
        file: the kubeconfig; by default `KUBECONFIG`, or `~/.kube/config`.

    Raises:
        ClusterError: the kubeconfig is missing or malformed.
    """
    import yaml
    from kubernetes import client, config

    configuration = client.Configuration()
    file = file or os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    try:
        config.load_kube_config(file, context=context, client_configuration=configuration)
        contexts, active = config.list_kube_config_contexts(file)
        chosen = next(entry for entry in contexts if entry["name"] == (context or active["name"]))
    except (config.ConfigException, yaml.YAMLError, OSError, KeyError, StopIteration, TypeError, ValueError) as error:
        raise ClusterError(
            f"cannot reach Kubernetes: the kubeconfig {file} is missing or unusable: {error}",
            "name a kubeconfig in KUBECONFIG, and test it: kubectl get namespaces",
        ) from error
    return from_client(configuration, chosen["context"].get("namespace") or "default")


def from_client(configuration: Any, namespace: str = "default") -> ClusterConfig:
    """The configuration of the official client.

    Args:
        configuration: a `kubernetes.client.Configuration`.
        namespace: namespace of objects that name none.
    """
    return ClusterConfig(
        server=configuration.host,
        namespace=namespace,
        authorization=configuration.get_api_key_with_prefix("authorization") or "",
        ca=configuration.ssl_ca_cert,
        certificate=(configuration.cert_file, configuration.key_file) if configuration.cert_file else None,
        verify=configuration.verify_ssl,
        proxy=configuration.proxy,
    )
