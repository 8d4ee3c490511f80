"""URIs of models that KServe loads itself."""

from __future__ import annotations

from fairing_kfp.errors import ConfigError, InvalidReferenceError
from fairing_kfp.image.reference import Reference

_IMAGES = ("oci://", "oci+native://")
_SCHEMES = ("gs://", "s3://", "hf://", "https://", "http://", "hdfs://", "webhdfs://", "pvc://", *_IMAGES, "abfs://")
_MINIO = "minio://"


def storage_uri(uri: str) -> str:
    """The URI in KServe's form: KFP's `minio://bucket/path` is `s3://bucket/path`.

    KServe reads the server's address and credentials from a Secret of the pods' service account:
    `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, and the annotations `serving.kserve.io/s3-endpoint` and
    `serving.kserve.io/s3-usehttps`.

    Raises:
        ConfigError: KServe does not support the URI, or it names an image and is malformed.
    """
    if uri.startswith(_MINIO):
        return f"s3://{uri.removeprefix(_MINIO)}"
    if not uri.startswith(_SCHEMES):
        raise ConfigError(
            f"KServe cannot load a model from {uri!r}" if uri else "a model format needs a model",
            f"set model= or storage= to a URI that starts with one of {', '.join(_SCHEMES)} or {_MINIO}",
        )
    for scheme in _IMAGES:
        if uri.startswith(scheme):
            _check_image(uri, uri.removeprefix(scheme))
    return uri


def _check_image(uri: str, name: str) -> None:
    """Checks the image of a model, of which KServe takes the folder `/models`."""
    remedy = f"write it as {uri.partition('://')[0]}://registry.example.com/project/model:tag, or with a digest"
    if not name:
        raise ConfigError(f"the model {uri!r} names no image", remedy)
    try:
        Reference.parse(name)
    except InvalidReferenceError as error:
        raise ConfigError(f"the model {uri!r} is malformed: {error.message}", remedy) from error
