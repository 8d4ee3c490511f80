"""Where KServe finds a model that it loads itself."""

from __future__ import annotations

from fairing_kfp.errors import ConfigError

_KNOWN = ("gs://", "s3://", "hf://", "https://", "http://", "hdfs://", "webhdfs://", "pvc://", "oci://", "abfs://")
_MINIO = "minio://"


def storage_uri(uri: str) -> str:
    """A URI as KServe reads it: KFP's `minio://bucket/path` is its `s3://bucket/path`.

    Which server that is, and with which key, KServe reads from a Secret of the pods' service account:
    `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and the annotations `serving.kserve.io/s3-endpoint` and
    `serving.kserve.io/s3-usehttps`.

    Raises:
        ConfigError: KServe cannot read it.
    """
    if uri.startswith(_MINIO):
        return f"s3://{uri.removeprefix(_MINIO)}"
    if not uri.startswith(_KNOWN):
        raise ConfigError(
            f"KServe cannot load a model from {uri!r}"
            if uri
            else "a model format is to be served, and no model is given",
            f"give model= or storage=, a URI with one of {', '.join(_KNOWN)} or {_MINIO}",
        )
    return uri
