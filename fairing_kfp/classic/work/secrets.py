"""Secrets and service accounts with credentials that mutators give to pods."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from fairing_kfp.errors import ClusterError, ConfigError

_logger = logging.getLogger("fairing_kfp.classic")


def require_secret(kube_manager: Any, secret: str, namespace: str) -> None:
    """Checks that a secret exists.

    Args:
        kube_manager: a `KubeManager`.
        secret: name of the secret.
        namespace: its namespace.

    Raises:
        ConfigError: it does not exist.
        ClusterError: Kubernetes answers with an error.
    """
    if not kube_manager.secret_exists(secret, namespace):
        raise ConfigError(
            f"the namespace {namespace} has no secret {secret}",
            f"create it, or use a service account with the permissions: kubectl create secret -n {namespace}",
        )


def add_if_exists(
    kube_manager: Any, pod_spec: Any, namespace: str, secret: str, add: Callable[[Any, Any, str], None]
) -> bool:
    """Adds a secret to a pod, if it exists; logs why not.

    Args:
        kube_manager: a `KubeManager`.
        pod_spec: the pod specification.
        namespace: namespace of the secret.
        secret: name of the secret.
        add: the mutator that adds it.

    Returns:
        Whether it was added.
    """
    try:
        exists = kube_manager.secret_exists(secret, namespace)
    except ClusterError as error:
        _logger.warning("cannot look for the secret %s in the namespace %s: %s", secret, namespace, error.message)
        return False
    if exists:
        add(kube_manager, pod_spec, namespace)
    else:
        _logger.warning("there is no secret %s in the namespace %s; pods get no credentials from it", secret, namespace)
    return bool(exists)


def may_use_account(kube_manager: Any, account: str, namespace: str) -> bool:
    """Whether pods can be created with a service account; logs why not. True if the cluster cannot be asked.

    Args:
        kube_manager: a `KubeManager`.
        account: name of the service account.
        namespace: its namespace.
    """
    try:
        exists = kube_manager.service_account_exists(account, namespace)
    except ClusterError:
        return True
    if not exists:
        _logger.warning("there is no service account %s in the namespace %s; pods use its default", account, namespace)
    return bool(exists)
