"""IBM Cloud."""

from __future__ import annotations

from typing import NoReturn

from fairing_kfp.classic.constants.constants import IBM_COS_CREDS_SECRET_NAME, IBM_COS_DEFAULT_ENDPOINT
from fairing_kfp.classic.work.deprecation import refuse


class COSUploader:
    """Refused, since builds need no bucket."""

    def __init__(self, namespace: str | None = None, cos_endpoint_url: str = IBM_COS_DEFAULT_ENDPOINT) -> None:
        refuse("COSUploader", "builds need no bucket", "upload files with boto3, or write them to an output artifact")


def get_ibm_cos_credentials(namespace: str) -> NoReturn:
    """Refused, since no call needs the secret's values."""
    refuse(
        "get_ibm_cos_credentials()",
        "no call reads the values of secrets",
        f"give them to pods: fairing_kfp.mutators.mount_secret({IBM_COS_CREDS_SECRET_NAME!r}, …)",
    )
