"""Microsoft Azure."""

from __future__ import annotations

from typing import Any, NoReturn

from fairing_kfp.classic.constants.constants import AZURE_ACR_CREDS_SECRET_NAME, AZURE_CREDS_SECRET_NAME
from fairing_kfp.classic.work.deprecation import refuse, warn_once

_NO_STORE = "builds need no file share"


class AzureFileUploader:
    """Refused, since builds need no file share."""

    def __init__(self, namespace: str, credentials: Any = None, subscription_id: str | None = None) -> None:
        refuse("AzureFileUploader", _NO_STORE, "upload files with azure-storage, or write them to an output artifact")


def get_azure_credentials(namespace: str) -> NoReturn:
    """Refused, since no call needs the secret's values."""
    refuse(
        "get_azure_credentials()",
        "no call reads the values of secrets",
        f"give them to pods: fairing_kfp.mutators.environment_from_secret({AZURE_CREDS_SECRET_NAME!r})",
    )


def get_plain_secret_value(secret_data: Any, key: str) -> NoReturn:
    """Refused, since no call needs a secret's values."""
    refuse(
        "get_plain_secret_value()",
        "no call reads the values of secrets",
        "give them to pods: fairing_kfp.mutators.environment_from_secret",
    )


def create_storage_creds_secret(
    namespace: str, context_hash: str, storage_account_name: str, storage_key: str
) -> NoReturn:
    """Refused, since builds need no file share."""
    refuse("create_storage_creds_secret()", _NO_STORE, "leave out the call")


def delete_storage_creds_secret(namespace: str, context_hash: str) -> NoReturn:
    """Refused, since builds need no file share."""
    refuse("delete_storage_creds_secret()", _NO_STORE, "leave out the call")


def is_acr_registry(registry: str) -> bool:
    """Whether a registry is one of Azure."""
    return registry.partition("/")[0].endswith(".azurecr.io")


def add_acr_config(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
    """Changes nothing, since no pod pushes images any more."""
    warn_once(
        "add_acr_config",
        "",
        "add_acr_config has no effect any more: images are pushed with the login of this machine; to pull them, use "
        f"fairing_kfp.mutators.image_pull_secret({AZURE_ACR_CREDS_SECRET_NAME!r})",
    )


def add_azure_files(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
    """Changes nothing, since builds need no file share."""
    warn_once("add_azure_files", "", f"add_azure_files has no effect any more: {_NO_STORE}")
