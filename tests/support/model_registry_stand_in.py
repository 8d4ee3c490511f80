"""A stand-in of Kubeflow's Model Registry, version v1alpha3 of its API.

It checks requests with the required fields, types and patterns of the registry's OpenAPI document
(https://github.com/kubeflow/hub/blob/main/api/openapi/model-registry.yaml), and rejects unknown fields, as the registry
does.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import ssl
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pydantic

from tests.support.http_servers import QuietHandler, running

_BASE = "/api/model_registry/v1alpha3"
_PAGE = 2

_Id = Annotated[str, pydantic.StringConstraints(pattern=r"^[1-9][0-9]{0,8}$")]
_Name = Annotated[str, pydantic.StringConstraints(min_length=1, pattern=r"^[\x20-\x7E]+$")]


class _Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True)


class _Text(_Model):
    metadataType: Literal["MetadataStringValue"]
    string_value: str


class _Whole(_Model):
    metadataType: Literal["MetadataIntValue"]
    int_value: Annotated[str, pydantic.StringConstraints(pattern=r"^-?([1-9][0-9]{0,8}|0)$")]


class _Double(_Model):
    metadataType: Literal["MetadataDoubleValue"]
    double_value: float


class _Bool(_Model):
    metadataType: Literal["MetadataBoolValue"]
    bool_value: bool


_Value = Annotated[_Text | _Whole | _Double | _Bool, pydantic.Field(discriminator="metadataType")]


class _Resource(_Model):
    customProperties: dict[str, _Value] | None = None
    description: str | None = None
    externalId: str | None = None


class _RegisteredModelCreate(_Resource):
    name: _Name
    owner: str | None = None
    state: Literal["LIVE", "ARCHIVED"] = "LIVE"


class _ModelVersionCreate(_Resource):
    name: _Name
    registeredModelId: _Id
    author: str | None = None
    state: Literal["LIVE", "ARCHIVED"] = "LIVE"


class _ModelArtifact(_Resource):
    artifactType: Literal["model-artifact"]
    name: _Name | None = None
    uri: str | None = None
    state: Literal["UNKNOWN", "PENDING", "LIVE", "REFERENCE"] = "UNKNOWN"
    modelFormatName: str | None = None
    modelFormatVersion: str | None = None
    storageKey: str | None = None
    storagePath: str | None = None
    serviceAccountName: str | None = None
    modelSourceKind: str | None = None
    modelSourceClass: str | None = None
    modelSourceGroup: str | None = None
    modelSourceId: str | None = None
    modelSourceName: str | None = None


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class ModelRegistryStandIn:
    """The state of the stand-in.

    Attributes:
        token: bearer token that requests need; empty for none.
        failures: statuses to answer with, before anything else.
        failing: method and path, such as `POST /model_versions`, and the status of each answer to them.
        races: paths whose objects another client creates just before us.
        requests: method and path of the requests.
        models, versions, artifacts: what is registered, by ID.
    """

    token: str = ""
    failures: list[int] = field(default_factory=list)
    failing: dict[str, int] = field(default_factory=dict)
    races: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    url: str = ""

    def written(self) -> list[str]:
        """The paths of requests that write."""
        return [one.partition(" ")[2] for one in self.requests if not one.startswith("GET ")]

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        for allowed, pattern, function in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == allowed:
                return function(self, query, body, *found.groups())
        raise _Refused(404, "")

    def list_models(self, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        return 200, _page(list(self.models.values()), query)

    def find_model(self, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        return 200, _one(self.models, name=_text(query, "name"))

    def create_model(self, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        return 201, self._create(self.models, _RegisteredModelCreate, body, "/registered_models", "name")

    def find_version(self, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        parent = query.get("parentResourceId", "")
        if not re.fullmatch("[1-9][0-9]{0,8}", parent):
            raise _Refused(400, f"invalid parentResourceId {parent!r}")
        return 200, _one(self.versions, name=_text(query, "name"), registeredModelId=parent)

    def create_version(self, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        return 201, self._create(
            self.versions, _ModelVersionCreate, body, "/model_versions", "name", "registeredModelId"
        )

    def list_artifacts(self, query: dict[str, str], body: bytes, version: str) -> tuple[int, Any]:
        kind = query.get("artifactType")
        found = [one for one in self.artifacts.values() if one["version"] == version]
        found = [one for one in found if kind in (None, one["artifactType"])]
        return 200, _page([{key: one[key] for key in one if key != "version"} for one in found], query)

    def create_artifact(self, query: dict[str, str], body: bytes, version: str) -> tuple[int, Any]:
        if version not in self.versions:
            raise _Refused(404, f"no model version found for id {version}")
        made = self._create(self.artifacts, _ModelArtifact, body, "/artifacts", "name", version=version)
        return 201, {key: made[key] for key in made if key != "version"}

    def _create(
        self, where: dict[str, dict[str, Any]], schema: type[_Model], body: bytes, path: str, *unique: str, **more: str
    ) -> dict[str, Any]:
        try:
            made = schema.model_validate_json(body).model_dump(exclude_none=True) | more
        except pydantic.ValidationError as error:
            raise _Refused(400, str(error)) from error
        same = [one for one in where.values() if all(one.get(key) == made.get(key) for key in (*unique, *more))]
        if same:
            raise _Refused(409, f"{made['name']} already exists")
        made["id"] = str(len(where) + 1)
        where[made["id"]] = made
        if path in self.races:
            self.races.remove(path)
            raise _Refused(409, f"{made['name']} already exists")
        return made


def _text(query: dict[str, str], name: str) -> str:
    if not re.fullmatch(r"[\x20-\x7E]+", query.get(name, "")):
        raise _Refused(400, f"invalid {name}")
    return query[name]


def _one(where: dict[str, dict[str, Any]], **wanted: str) -> dict[str, Any]:
    for one in where.values():
        if all(one[key] == value for key, value in wanted.items()):
            return one
    raise _Refused(404, f"nothing found for {wanted}")


def _page(items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    size, start = min(int(query.get("pageSize", _PAGE)), _PAGE), int(query.get("nextPageToken", 0))
    following = str(start + size) if start + size < len(items) else ""
    page = items[start : start + size]
    return {"items": page, "nextPageToken": following, "pageSize": size, "size": len(page)}


_Answer = Callable[..., tuple[int, Any]]
_ROUTES: tuple[tuple[str, str, _Answer], ...] = (
    ("GET", "/registered_models", ModelRegistryStandIn.list_models),
    ("GET", "/registered_model", ModelRegistryStandIn.find_model),
    ("POST", "/registered_models", ModelRegistryStandIn.create_model),
    ("GET", "/model_version", ModelRegistryStandIn.find_version),
    ("POST", "/model_versions", ModelRegistryStandIn.create_version),
    ("GET", "/model_versions/([0-9]+)/artifacts", ModelRegistryStandIn.list_artifacts),
    ("POST", "/model_versions/([0-9]+)/artifacts", ModelRegistryStandIn.create_artifact),
)


@contextlib.contextmanager
def serve_model_registry(tls: ssl.SSLContext | None = None, **state: Any) -> Iterator[ModelRegistryStandIn]:
    """Serves a stand-in on a port of the loopback interface.

    Args:
        tls: context with a certificate; plain HTTP by default.
        state: its initial state.
    """
    registry = ModelRegistryStandIn(**state)

    class Handler(QuietHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urllib.parse.urlsplit(self.path)
            path = parts.path.removeprefix(_BASE)
            registry.requests.append(f"{self.command} {path}")
            try:
                if registry.failures:
                    raise _Refused(registry.failures.pop(0), "out of order")
                if registry.token and self.headers.get("Authorization") != f"Bearer {registry.token}":
                    raise _Refused(401, "unauthorized")
                if f"{self.command} {path}" in registry.failing:
                    raise _Refused(registry.failing[f"{self.command} {path}"], "out of order")
                if path == parts.path:
                    raise _Refused(404, "")
                status, found = registry.answer(self.command, path, dict(urllib.parse.parse_qsl(parts.query)), body)
                text = json.dumps(found).encode()
            except _Refused as error:
                status = error.status
                text = json.dumps({"code": str(status), "message": str(error)}).encode() if str(error) else b"nothing"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = _handle

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    registry.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    with running(server):
        yield registry
