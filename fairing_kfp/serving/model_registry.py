"""A client of Kubeflow's Model Registry, for its REST API v1alpha3.

Source: https://github.com/kubeflow/hub/blob/main/api/openapi/model-registry.yaml
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from fairing_kfp.errors import ConfigError, ModelRegistryError
from fairing_kfp.proxies import proxy_for
from fairing_kfp.serving.registration import TOKEN_FILE, ModelVersion, Registration, check_url, property_value

DEFAULT_URL = "http://model-registry-service.kubeflow.svc:8080"
"""The Service of Kubeflow's installation."""

_API = "/api/model_registry/v1alpha3"
_KFP_TOKEN_FILE = "KF_PIPELINES_SA_TOKEN_PATH"  # noqa: S105 - the variable's name; the registry's own client reads it
_SECONDS = 20.0
_BACKOFF_SECONDS = 0.3
_BUSY = (502, 503, 504)


@dataclass(frozen=True)
class Registered:
    """A registered version.

    Attributes:
        model: name of the registered model.
        version: name of the version.
        version_id: ID of the version in the registry.
        created: whether it was created now.
    """

    model: str
    version: str
    version_id: str
    created: bool


class ModelRegistry:
    """The registry.

    Args:
        url: its URL.
        token: a bearer token; empty for none.
        ca: additional CA certificates (PEM).

    Raises:
        ConfigError: the URL or the certificates are malformed.
    """

    def __init__(self, url: str = DEFAULT_URL, *, token: str = "", ca: str = "") -> None:
        self.url = check_url(url)
        headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        options: dict[str, Any] = {
            "headers": headers,
            "timeout": _SECONDS,
            "retries": urllib3.Retry(
                3, backoff_factor=_BACKOFF_SECONDS, status_forcelist=_BUSY, redirect=False, raise_on_status=False
            ),
            "ssl_context": _context(ca),
        }
        proxy = proxy_for(self.url)
        self._http = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)

    def close(self) -> None:
        """Closes the connections."""
        self._http.clear()

    def check(self) -> None:
        """Checks that the registry answers, and accepts the token.

        Raises:
            ModelRegistryError: it does not.
        """
        found = self._request("GET", "/registered_models", query={"pageSize": "1"})
        if "items" not in (found or {}):
            raise self._not_a_registry()

    def find(self, version: ModelVersion) -> Registered | None:
        """The version of that name, if the registry has it with the same URI; None if it lacks the version or its URI.

        Raises:
            ModelRegistryError: the version has another URI, or the registry does not answer.
        """
        model_id = self._model_id(version)
        version_id = self._version_id(version, model_id) if model_id else ""
        if version_id and self._has_uri(version, version_id):
            return Registered(version.model, version.name, version_id, created=False)
        return None

    def register(self, version: ModelVersion) -> Registered:
        """Creates the model, the version and its artifact, as far as the registry lacks them.

        Raises:
            ModelRegistryError: the version has another URI, or the registry does not accept it.
        """
        model_id = self._model_id(version) or self._created_model(version)
        version_id = self._version_id(version, model_id) or self._created_version(version, model_id)
        if self._has_uri(version, version_id):
            return Registered(version.model, version.name, version_id, created=False)
        self._request("POST", f"/model_versions/{version_id}/artifacts", body=_artifact(version))
        return Registered(version.model, version.name, version_id, created=True)

    def _model_id(self, version: ModelVersion) -> str:
        found = self._request("GET", "/registered_model", query={"name": version.model}, missing=True)
        return _id(found)

    def _version_id(self, version: ModelVersion, model_id: str) -> str:
        query = {"name": version.name, "parentResourceId": model_id}
        return _id(self._request("GET", "/model_version", query=query, missing=True))

    def _created_model(self, version: ModelVersion) -> str:
        made = self._request("POST", "/registered_models", body={"name": version.model}, conflict=True)
        return _id(made) or self._model_id(version)  # another step may have created it

    def _created_version(self, version: ModelVersion, model_id: str) -> str:
        body = {
            "name": version.name,
            "registeredModelId": model_id,
            "customProperties": {name: property_value(value) for name, value in sorted(version.properties.items())},
        }
        made = self._request("POST", "/model_versions", body=body, conflict=True)
        return _id(made) or self._version_id(version, model_id)

    def _has_uri(self, version: ModelVersion, version_id: str) -> bool:
        """Whether the version has an artifact with the URI.

        Raises:
            ModelRegistryError: it has another URI.
        """
        uris = [artifact["uri"] for artifact in self._artifacts(version_id) if artifact.get("uri")]
        if uris and version.uri not in uris:
            raise ModelRegistryError(
                f"the version {version.name} of {version.model} in the Model Registry has the URI {uris[0]}, "
                f"not {version.uri}",
                "choose another version=, or leave it out: by default each image has a version of its own",
                status=409,
            )
        return bool(uris)

    def _artifacts(self, version_id: str) -> Iterator[Mapping[str, Any]]:
        query = {"artifactType": "model-artifact", "pageSize": "100"}
        while True:
            page = self._request("GET", f"/model_versions/{version_id}/artifacts", query=query) or {}
            yield from (one for one in page.get("items", ()) if one.get("artifactType") == "model-artifact")
            if not page.get("nextPageToken"):
                return
            query["nextPageToken"] = page["nextPageToken"]

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        missing: bool = False,
        conflict: bool = False,
    ) -> Mapping[str, Any] | None:
        """Sends a request.

        Args:
            method: its method.
            path: its path below the API's.
            query: the parameters of its URL.
            body: its body, as JSON values.
            missing: whether None is returned for a 404, which otherwise is an error.
            conflict: whether None is returned for a 409.
        """
        options: dict[str, Any] = {"fields": query} if body is None else {"json": body}
        try:
            response = self._http.request(method, f"{self.url}{_API}{path}", redirect=False, **options)
        except HTTPError as error:
            cause = getattr(error, "reason", None) or error
            raise ModelRegistryError(
                f"the Model Registry at {self.url} does not answer: {cause}",
                "check its URL (Registration(url=…) or the setting model_registry), and that this pod can reach it",
            ) from error
        if (response.status == 404 and missing and _message(response)) or (response.status == 409 and conflict):
            return None
        if response.status in (401, 403):
            raise ModelRegistryError(
                f"the Model Registry at {self.url} refuses the request ({response.status})",
                "name a Secret with a token that may write models: Registration(token_secret=…)",
                status=response.status,
            )
        if response.status == 404 and not _message(response):
            raise self._not_a_registry()
        if not 200 <= response.status < 300:
            raise ModelRegistryError(
                f"the Model Registry at {self.url} answers {method} {path} with {response.status}: "
                f"{_message(response) or 'no message'}",
                "see its log",
                status=response.status,
            )
        try:
            found = response.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._not_a_registry()
        return found

    def _not_a_registry(self) -> ModelRegistryError:
        return ModelRegistryError(
            f"{self.url} is not a Model Registry: it does not answer as the API {_API} does",
            f"check its URL (Registration(url=…) or the setting model_registry); by default it is {DEFAULT_URL}",
        )


@contextlib.contextmanager
def model_registry(registration: Registration, ca: str = "") -> Iterator[ModelRegistry]:
    """Connects to the registry of a serve step, with the token that is mounted into the step.

    Args:
        registration: names the registry.
        ca: additional CA certificates (PEM).

    Raises:
        ConfigError: the file with the token cannot be read.
    """
    registry = ModelRegistry(registration.url or DEFAULT_URL, token=_token(), ca=ca)
    try:
        yield registry
    finally:
        registry.close()


def _token() -> str:
    path = os.environ.get(TOKEN_FILE) or os.environ.get(_KFP_TOKEN_FILE)
    if not path:
        return ""
    try:
        token = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read the token of the Model Registry from {path}: {error}", "add the key token to its Secret"
        ) from error
    if not token.isascii() or not token.isprintable():
        raise ConfigError(f"the token of the Model Registry in {path} is malformed", "write the token alone into it")
    return token


def _context(ca: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca:
        try:
            context.load_verify_locations(cadata=ca)
        except ssl.SSLError as error:
            raise ConfigError(f"the CA certificates are malformed: {error}", "set ca to a PEM file") from error
    return context


def _artifact(version: ModelVersion) -> dict[str, Any]:
    source = {
        "modelSourceKind": "pipelines",
        "modelSourceClass": "pipelinerun",
        "modelSourceGroup": version.namespace,
        "modelSourceId": version.run_id,
        "modelSourceName": version.run_name,
    }
    return {
        "artifactType": "model-artifact",
        "name": version.model,
        "uri": version.uri,
        "state": "LIVE",
        **({"modelFormatName": version.format} if version.format else {}),
        **({key: value for key, value in source.items() if value} if version.run_id else {}),
    }


def _id(found: Mapping[str, Any] | None) -> str:
    return str((found or {}).get("id") or "")


def _message(response: urllib3.BaseHTTPResponse) -> str:
    """The message of the registry's Error; empty if the response is not one."""
    try:
        found = json.loads(response.data)
    except ValueError:
        return ""
    return str(found.get("message") or "") if isinstance(found, dict) else ""
