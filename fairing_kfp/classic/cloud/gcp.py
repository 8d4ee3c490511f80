"""Google Cloud."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from fairing_kfp.classic.constants.constants import GCP_CREDS_SECRET_NAME, GCP_SERVICE_ACCOUNT_NAME, GOOGLE_CREDS_ENV
from fairing_kfp.classic.work.deprecation import refuse
from fairing_kfp.classic.work.mutators import in_fairings_form
from fairing_kfp.classic.work.sdk import sdk
from fairing_kfp.classic.work.secrets import add_if_exists, may_use_account, require_secret
from fairing_kfp.cluster.mutators import composed, environment, mount_secret
from fairing_kfp.errors import ConfigError

_FOLDER = "/etc/secrets"
_LOCATION = "us"
"""Multi-region of Artifact Registry; `GOOGLE_CLOUD_REGION` overrides it."""


class GCSUploader:
    """Refused, since builds need no bucket."""

    def __init__(self, credentials_file: str | None = os.environ.get(GOOGLE_CREDS_ENV)) -> None:
        successor = "upload files with google-cloud-storage, or write them to an output artifact"
        refuse("GCSUploader", "builds need no bucket", successor)


def guess_project_name(credentials_file: str | None = None) -> str:
    """The Google Cloud project of a credentials file, or of the current credentials.

    Args:
        credentials_file: a file with the key of a service account.

    Raises:
        ConfigError: the project is unknown, or google-auth is not installed.
    """
    if credentials_file is not None:
        return str(json.loads(Path(credentials_file).read_text("utf-8"))["project_id"])
    auth = sdk("google.auth", "google-auth", "guess_project_name()")
    try:
        _, project = auth.default()
    except auth.exceptions.DefaultCredentialsError as error:
        raise ConfigError(
            f"there are no Google Cloud credentials: {str(error).partition('.')[0]}",
            "run gcloud auth application-default login, or name the project and the registry",
        ) from error
    if not project:
        raise ConfigError("the current Google Cloud project is unknown", "set GOOGLE_CLOUD_PROJECT")
    return str(project)


def add_gcp_credentials_if_exists(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
    """A mutator: adds the key in the secret `user-gcp-sa`; without it, the service account `default-editor`, if any."""
    if add_if_exists(kube_manager, pod_spec, namespace, GCP_CREDS_SECRET_NAME, add_gcp_credentials):
        return
    if may_use_account(kube_manager, GCP_SERVICE_ACCOUNT_NAME, namespace):
        pod_spec.service_account_name = GCP_SERVICE_ACCOUNT_NAME  # with Workload Identity


def add_gcp_credentials(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
    """A mutator: adds the key in the secret `user-gcp-sa`.

    Raises:
        ConfigError: there is no such secret.
    """
    require_secret(kube_manager, GCP_CREDS_SECRET_NAME, namespace)
    file = f"{_FOLDER}/{GCP_CREDS_SECRET_NAME}.json"
    mutate = composed(mount_secret(GCP_CREDS_SECRET_NAME, _FOLDER), environment({GOOGLE_CREDS_ENV: file}))
    in_fairings_form(mutate)(kube_manager, pod_spec, namespace)


def get_default_docker_registry() -> str | None:
    """Artifact Registry of the current project, which replaced `gcr.io`; None if the project is unknown."""
    try:
        project = guess_project_name()
    except ConfigError:
        return None
    return f"{os.environ.get('GOOGLE_CLOUD_REGION') or _LOCATION}-docker.pkg.dev/{project}/fairing-job"
