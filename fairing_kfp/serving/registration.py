"""The entry of a served model in Kubeflow's Model Registry: which model, which version, and what is recorded of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fairing_kfp.errors import ConfigError

TOKEN_KEY = "token"  # noqa: S105 - the key's name
"""Key of the Secret with the token."""

TOKEN_FILE = "FAIRING_MODEL_REGISTRY_TOKEN_FILE"  # noqa: S105 - the variable's name
"""Environment variable of a step with the path of a file with a bearer token."""

METADATA = "metadata_"
"""Prefix of a step's parameters with metadata that is known at run time."""

RUN_ID, RUN_NAME = "run_id", "run_name"
"""A step's parameters with the ID and name of the run."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_NAME = re.compile(r"[\x20-\x7E]*")  # what the registry's API finds
_DIGEST = re.compile(r"@sha256:([0-9a-f]{12})[0-9a-f]{52}$")
_MAX_INT = 999_999_999  # of the registry's API


@dataclass(frozen=True)
class Registration:
    """Registers a served model as a version in Kubeflow's Model Registry.

    Attributes:
        name: name of the registered model, which is created if it does not exist.
        version: name of the version; by default 12 digits of the image's digest, or the ID of the run if the model is
            not in an image.
        metadata: properties of the version: strings, numbers and booleans, or outputs of tasks.
        url: URL of the registry; by default the setting `model_registry`, or the Service of Kubeflow's installation.
        token_secret: Secret whose key `token` is a bearer token for the registry.
    """

    name: str
    version: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""
    token_secret: str = ""

    def __post_init__(self) -> None:
        """Validates the names and the URL.

        Raises:
            ConfigError: a name or the URL is malformed.
        """
        for option in ("name", "version"):
            value = getattr(self, option)
            if not isinstance(value, str) or not _NAME.fullmatch(value) or (option == "name" and not value.strip()):
                raise ConfigError(f"Registration({option}={value!r}) is not a name", "use printable ASCII characters")
        if self.url:
            check_url(self.url)
        for key in self.metadata:
            if not _KEY.fullmatch(key):
                raise ConfigError(
                    f"{key!r} in the metadata of Registration({self.name!r}) is not a key",
                    "use letters, digits and underscores, a letter first",
                )


@dataclass(frozen=True)
class ModelVersion:
    """A version to be registered.

    Attributes:
        model: name of the registered model.
        name: name of the version.
        uri: URI of the model.
        format: model format; empty for a predictor.
        properties: what is recorded of it.
        run_id: ID of the pipeline's run; empty if unknown.
        run_name: name of the run.
        namespace: namespace of the run.
    """

    model: str
    name: str
    uri: str
    format: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    run_id: str = ""
    run_name: str = ""
    namespace: str = ""

    @classmethod
    def of_step(
        cls,
        registration: Registration,
        executor_input: Mapping[str, Any],
        *,
        image: str,
        uri: str,
        model_format: str,
        namespace: str,
    ) -> ModelVersion:
        """The version that a serve step registers.

        Args:
            registration: the author's options.
            executor_input: KFP's ExecutorInput, with the metadata of the model's artifact.
            image: image by digest; empty if KServe loads the model from a URI.
            uri: that URI.
            model_format: the model format.
            namespace: namespace of the step.
        """
        inputs = executor_input.get("inputs", {})
        parameters = inputs.get("parameterValues", {})
        artifacts = inputs.get("artifacts", {}).get("model", {}).get("artifacts") or [{}]
        given = {key.removeprefix(METADATA): parameters[key] for key in parameters if key.startswith(METADATA)}
        run_id, location = str(parameters.get(RUN_ID, "")), f"oci://{image}" if image else uri
        digest = _DIGEST.search(location)
        properties = {**(artifacts[0].get("metadata") or {}), **registration.metadata, **given}
        return cls(
            model=registration.name,
            name=registration.version or (digest[1] if digest else run_id) or location,
            uri=location,
            format=model_format,
            properties={**properties, **({"image": image} if image else {}), **({"run_id": run_id} if run_id else {})},
            run_id=run_id,
            run_name=str(parameters.get(RUN_NAME, "")),
            namespace=namespace,
        )


def check_url(url: str) -> str:
    """The URL of a registry, without a slash at its end.

    Raises:
        ConfigError: it is not one of HTTP, or contains credentials.
    """
    if not re.fullmatch(r"https?://[^/@\s?#]+(/[^@\s?#]*)?", url):
        raise ConfigError(
            "the URL of the Model Registry is malformed",
            "use a URL such as https://registry.example.com without credentials; token_secret names those",
        )
    return url.rstrip("/")


def property_value(value: Any) -> dict[str, Any]:
    """A value as the registry's MetadataValue; other JSON values become strings of JSON."""
    if isinstance(value, bool):
        return {"metadataType": "MetadataBoolValue", "bool_value": value}
    if isinstance(value, int) and abs(value) <= _MAX_INT:
        return {"metadataType": "MetadataIntValue", "int_value": str(value)}
    if isinstance(value, (int, float)) and abs(value) < float("inf"):
        return {"metadataType": "MetadataDoubleValue", "double_value": float(value)}
    text = value if isinstance(value, str) else json.dumps(value)
    return {"metadataType": "MetadataStringValue", "string_value": text}
