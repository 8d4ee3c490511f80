"""Where Kubernetes' API is and as whom it is spoken to: within a pod, or as a kubeconfig says."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fairing_kfp.errors import ClusterError

_MOUNTED = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class Access:
    """Where the API server is, and who asks.

    Attributes:
        server: its URL.
        namespace: where objects are that name none.
        authorization: the header of that name; empty if a certificate says who asks.
        ca: a PEM file of authorities that the server's certificate is checked against; the machine's if None.
        certificate: PEM files of a client certificate and its key.
        verify: whether the server's certificate is checked.
        proxy: the URL of a proxy.
    """

    server: str
    namespace: str = "default"
    authorization: str = field(default="", repr=False)
    ca: str | None = None
    certificate: tuple[str, str | None] | None = None
    verify: bool = True
    proxy: str | None = None


Source = Callable[[], Access]
"""Reads an access anew; asked again when the API server no longer takes the token."""


def find_access(context: str | None = None) -> Source:
    """Finds how Kubernetes is reached: by `KUBECONFIG`, by what is mounted into this pod, or by `~/.kube/config`.

    Args:
        context: a context of the kubeconfig; its current one by default.

    Raises:
        ClusterError: there is none of them.
    """
    if context is None and not os.environ.get("KUBECONFIG") and (_MOUNTED / "token").exists():
        return in_cluster
    return lambda: from_kubeconfig(context)


def in_cluster(mounted: Path = _MOUNTED) -> Access:
    """The access of this pod's service account, whose token is read anew each time, as the kubelet renews it.

    Source: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/

    Args:
        mounted: the folder with its token.

    Raises:
        ClusterError: this is no pod, or it has no token.
    """
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    try:
        token = (mounted / "token").read_text().strip()
        namespace = (mounted / "namespace").read_text().strip()
    except OSError as error:
        raise ClusterError(
            f"this pod has no service account token: {error.strerror}: {error.filename}",
            "let the pod have one: automountServiceAccountToken: true",
        ) from error
    if not host:
        raise ClusterError("this is no pod: KUBERNETES_SERVICE_HOST is not set", "name a kubeconfig in KUBECONFIG")
    bracketed = f"[{host}]" if ":" in host else host
    return Access(f"https://{bracketed}:{port}", namespace, f"Bearer {token}", str(mounted / "ca.crt"))


def from_kubeconfig(context: str | None = None) -> Access:
    """The access that a kubeconfig describes, with whatever plugin it names for the token.

    Args:
        context: one of its contexts; the current one by default.

    Raises:
        ClusterError: there is no kubeconfig, or it cannot be used.
    """
    import yaml
    from kubernetes import client, config

    configuration = client.Configuration()
    file = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    try:
        config.load_kube_config(file, context=context, client_configuration=configuration)
        contexts, active = config.list_kube_config_contexts(file)
        chosen = next(entry for entry in contexts if entry["name"] == (context or active["name"]))
    except (config.ConfigException, yaml.YAMLError, OSError, KeyError, StopIteration, TypeError, ValueError) as error:
        raise ClusterError(
            f"Kubernetes cannot be reached: the kubeconfig {file} is missing or unusable: {error}",
            "name a kubeconfig in KUBECONFIG; `kubectl get namespaces` shows whether it works",
        ) from error
    return Access(
        server=configuration.host,
        namespace=chosen["context"].get("namespace") or "default",
        authorization=configuration.get_api_key_with_prefix("authorization") or "",
        ca=configuration.ssl_ca_cert,
        certificate=(configuration.cert_file, configuration.key_file) if configuration.cert_file else None,
        verify=configuration.verify_ssl,
        proxy=configuration.proxy,
    )
