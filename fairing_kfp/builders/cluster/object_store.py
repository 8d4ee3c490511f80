"""Object stores (S3, S3-compatible, Google Cloud Storage), through obstore, with the credentials of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ConfigError, UnavailableError

if TYPE_CHECKING:
    from obstore.store import GCSStore, S3Store

_LONGEST = 300  # characters of a store's error


def open_store(uri: str, options: Mapping[str, str], purpose: str) -> S3Store | GCSStore:
    """Opens a bucket or a folder of it; sends no request.

    Args:
        uri: `s3://BUCKET/PREFIX` or `gs://BUCKET/PREFIX`.
        options: for S3 `endpoint` and `region`.
        purpose: what needs the store, for errors: `cluster_upload`.

    Raises:
        UnavailableError: obstore is not installed.
        ConfigError: an option is malformed.
    """
    try:
        from obstore.store import GCSStore, S3Store
    except ModuleNotFoundError as error:
        raise UnavailableError(
            f"{purpose} needs the package obstore", "install it with: pip install 'fairing-kfp[upload]'"
        ) from error
    given: dict[str, Any] = {key: value for key, value in options.items() if uri.startswith("s3:")}
    allow_http = options.get("endpoint", "").startswith("http:")
    try:
        kind = S3Store if uri.startswith("s3:") else GCSStore
        opened: S3Store | GCSStore = kind.from_url(
            uri,
            client_options={"allow_http": allow_http, "connect_timeout": "10s"},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
            **given,
        )
        return opened
    except Exception as error:
        first = str(error).partition("\n")[0][:_LONGEST]
        raise ConfigError(
            f"{purpose}: the store cannot be used: {first}", "check it, and the credentials of this machine"
        ) from error


def cause(error: Exception) -> str:
    """The cause in an error of obstore, without its debug output."""
    return " ".join(str(error).partition("\n\nDebug source")[0].split())[:_LONGEST]
