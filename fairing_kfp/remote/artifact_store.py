"""The content of artifacts, from the object store itself, with the credentials of this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fairing_kfp.builders.cluster.object_store import cause, open_store
from fairing_kfp.errors import KfpError

if TYPE_CHECKING:
    from fairing_kfp.remote.connect import Kfp


def download_from_store(kfp: Kfp, uri: str, store: str, target: Path, on_bytes: Callable[[int], None]) -> None:
    """Downloads an artifact into a new file, or a folder if it is one. Arguments: as for the pages.

    Raises:
        ConfigError: obstore is not installed.
        KfpError: the store does not answer or rejects the credentials, or has no such object.
        OSError: the target cannot be written.
    """
    del kfp
    parts = urlsplit(uri)
    key, options = parts.path.strip("/"), _options(store) if parts.scheme != "gs" else {}
    where = f"the store {options.get('endpoint') or parts.netloc}"
    opened = open_store(f"{'gs' if parts.scheme == 'gs' else 's3'}://{parts.netloc}", options, where)
    import obstore
    from obstore.exceptions import BaseError

    try:
        try:
            _write(obstore.get(opened, key), target, on_bytes)
            return
        except FileNotFoundError:
            paths = [one["path"] for chunk in obstore.list(opened, key) for one in chunk]
        if not paths:
            raise KfpError(f"{where} has no object {key}", "the content was deleted, or never uploaded", status=404)
        for path in paths:
            relative = PurePosixPath(path).relative_to(key)
            if ".." in relative.parts:
                raise KfpError(f"{where} has an object {path}, which is outside of the folder", "rename it")
            file = target / relative
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(obstore.get(opened, path), file, on_bytes)
    except BaseError as error:
        raise KfpError(
            f"{where} does not give it: {cause(error)}", "check this machine's credentials for it"
        ) from error


def _options(store: str) -> dict[str, str]:
    """The store's endpoint and region: those of this machine's environment, else those that KFP uses in its pods."""
    try:
        described = json.loads(store or "{}").get("Params") or {}
    except (ValueError, AttributeError):
        described = {}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    if not endpoint and described.get("endpoint") and "amazonaws.com" not in described["endpoint"]:
        endpoint = described["endpoint"]
        if "://" not in endpoint:
            endpoint = f"{'http' if described.get('disableSSL') == 'true' else 'https'}://{endpoint}"
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or described.get("region") or ""
    return {name: value for name, value in (("endpoint", endpoint), ("region", region)) if value}


def _write(found: Any, path: Path, on_bytes: Callable[[int], None]) -> None:
    with path.open("wb") as file:
        for chunk in found:
            on_bytes(file.write(chunk))
