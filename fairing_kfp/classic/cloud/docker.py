"""Credentials of registries, from Docker's configuration."""

from __future__ import annotations

import base64
import logging
import os
from pathlib import Path
from typing import Any

from fairing_kfp.classic.constants.constants import DOCKER_CREDS_SECRET_NAME
from fairing_kfp.classic.work.mutators import in_fairings_form
from fairing_kfp.classic.work.secrets import add_if_exists, require_secret
from fairing_kfp.cluster.mutators import image_pull_secret

_logger = logging.getLogger("fairing_kfp.classic")


def get_docker_secret() -> Any:
    """A secret with the logins in Docker's configuration, as a `kubernetes.client.V1Secret`; None without any.

    Logins that a credential helper keeps are not in that file.
    """
    from kubernetes.client import V1ObjectMeta, V1Secret

    path = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    try:
        data = path.read_bytes()
    except OSError as error:
        _logger.warning("cannot read %s: %s", path, error.strerror)
        return None
    return V1Secret(
        metadata=V1ObjectMeta(name=DOCKER_CREDS_SECRET_NAME),
        data={".dockerconfigjson": base64.b64encode(data).decode()},
        kind="Secret",
        type="kubernetes.io/dockerconfigjson",
    )


def create_docker_secret(kube_manager: Any, namespace: str) -> None:
    """Creates the secret `docker-secret` with the logins in Docker's configuration, if there are any."""
    secret = get_docker_secret()
    if secret is not None:
        kube_manager.create_secret(namespace, secret)


def add_docker_credentials_if_exists(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
    """A mutator: pulls images with the secret `docker-secret`, which is created if it is missing."""
    if not kube_manager.secret_exists(DOCKER_CREDS_SECRET_NAME, namespace):
        create_docker_secret(kube_manager, namespace)
    add_if_exists(kube_manager, pod_spec, namespace, DOCKER_CREDS_SECRET_NAME, add_docker_credentials)


def add_docker_credentials(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
    """A mutator: pulls images with the secret `docker-secret`.

    Raises:
        ConfigError: there is no such secret.
    """
    require_secret(kube_manager, DOCKER_CREDS_SECRET_NAME, namespace)
    in_fairings_form(image_pull_secret(DOCKER_CREDS_SECRET_NAME))(kube_manager, pod_spec, namespace)
