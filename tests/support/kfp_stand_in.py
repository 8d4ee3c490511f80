"""A stand-in of Kubeflow Pipelines: its API, version v2beta1, and what its pages serve.

It checks each request with the models of kfp_server_api, the API's generated client, and answers with them.
"""

from __future__ import annotations

import contextlib
import email
import http.server
import json
import re
import ssl
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import kfp_server_api

from tests.support import kfp_pages
from tests.support.http_servers import QuietHandler, running
from tests.support.kfp_pages import Raw
from tests.support.ml_metadata import MlMetadata
from tests.support.yaml_documents import documents

_API = kfp_server_api.ApiClient()
_NOW = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def parse(model: str, body: bytes) -> Any:
    """A request's body as a model; its fields must all belong to the model."""
    parsed = _API.deserialize(SimpleNamespace(data=body), model)
    if _API.sanitize_for_serialization(parsed) != json.loads(body):
        raise Refused(400, f"the body has fields that {model} does not have: {body.decode()}")
    return parsed


@dataclass
class KfpStandIn:
    """The state of the stand-in.

    Attributes:
        token: bearer token that requests need; empty for none.
        cookie: cookie that requests need; empty for none.
        multi_user: whether it serves several users.
        allowed: the namespaces that may be used; None for all.
        progress: what a new run does: at each request for it, its state and tasks; the last one stays.
        logs: logs by pod.
        log_paths: where logs are served: `api`, `page`.
        pages: whether it serves the pages' paths; else it is the API server alone.
        metadata: ML Metadata's store.
        objects: the content of artifacts, by bucket and key.
        queries: the queries of requests for artifacts.
        failures: statuses to answer with, before anything else.
        broken: paths that fail.
        requests: method and path of the requests.
    """

    token: str = ""
    cookie: str = ""
    multi_user: bool = False
    allowed: set[str] | None = None
    progress: list[tuple[str, list[Any]]] = field(default_factory=lambda: [("SUCCEEDED", [])])
    logs: dict[str, str] = field(default_factory=dict)
    log_paths: set[str] = field(default_factory=lambda: {"api"})
    pages: bool = True
    metadata: MlMetadata = field(default_factory=MlMetadata)
    objects: dict[str, bytes] = field(default_factory=dict)
    queries: list[dict[str, str]] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    experiments: dict[str, Any] = field(default_factory=dict)
    pipelines: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Any] = field(default_factory=dict)
    recurring: dict[str, Any] = field(default_factory=dict)
    url: str = ""

    def sent(self, method: str) -> list[str]:
        """The paths of requests of a method."""
        return [one.partition(" ")[2] for one in self.requests if one.startswith(f"{method} ")]

    # The API, by method and path.

    def healthz(self, _: Request) -> Any:
        return kfp_server_api.V2beta1GetHealthzResponse(multi_user=self.multi_user)

    def list_experiments(self, request: Request) -> Any:
        self._allow(request.query.get("namespace"))
        found = self._matching(self.experiments, request)
        return kfp_server_api.V2beta1ListExperimentsResponse(experiments=found, total_size=len(found))

    def create_experiment(self, request: Request) -> Any:
        experiment = parse("V2beta1Experiment", request.body)
        self._allow(experiment.namespace)
        experiment.experiment_id = str(uuid.uuid4())
        self.experiments[experiment.experiment_id] = experiment
        return experiment

    def create_run(self, request: Request) -> Any:
        run = parse("V2beta1Run", request.body)
        if run.experiment_id not in self.experiments:
            raise Refused(404, "ResourceNotFoundError: Experiment not found")
        spec = run.pipeline_spec
        if spec is None:
            spec = self.versions[run.pipeline_version_reference.pipeline_version_id].pipeline_spec
        self._check_parameters(spec, run.runtime_config.parameters or {})
        run.run_id, run.created_at, run.state = str(uuid.uuid4()), _NOW, "PENDING"
        self.runs[run.run_id] = run
        run.progress = list(self.progress)
        return run

    def get_run(self, request: Request) -> Any:
        run = self._one(self.runs, request.ids[0])
        if run.progress:
            run.state, tasks = run.progress[0]
            run.run_details = kfp_server_api.V2beta1RunDetails(task_details=tasks)
            if len(run.progress) > 1:
                del run.progress[0]
        return run

    def list_runs(self, request: Request) -> Any:
        self._allow(request.query.get("namespace"))
        runs = sorted(self._matching(self.runs, request), key=lambda run: run.display_name)
        size, start = int(request.query.get("page_size", 10)), int(request.query.get("page_token") or 0)
        rest = str(start + size) if start + size < len(runs) else None
        return kfp_server_api.V2beta1ListRunsResponse(runs=runs[start : start + size], next_page_token=rest)

    def terminate_run(self, request: Request) -> Any:
        self._one(self.runs, request.ids[0]).progress = [("CANCELED", [])]

    def retry_run(self, request: Request) -> Any:
        run = self._one(self.runs, request.ids[0])
        run.progress, run.state = list(self.progress), "PENDING"

    def create_pipeline(self, request: Request) -> Any:
        pipeline = parse("V2beta1Pipeline", request.body)
        self._allow(pipeline.namespace)
        if self._named(self.pipelines, pipeline.display_name):
            raise Refused(409, "AlreadyExistError: the name exists")
        pipeline.pipeline_id, pipeline.created_at = str(uuid.uuid4()), _NOW
        self.pipelines[pipeline.pipeline_id] = pipeline
        return pipeline

    def list_pipelines(self, request: Request) -> Any:
        self._allow(request.query.get("namespace"))
        return kfp_server_api.V2beta1ListPipelinesResponse(pipelines=self._matching(self.pipelines, request))

    def update_version(self, request: Request) -> Any:
        change = parse("V2beta1PipelineVersion", request.body)
        version = self._one(self.versions, request.ids[1])
        version.tags = change.tags
        return version

    def delete_pipeline(self, request: Request) -> Any:
        del self.pipelines[request.ids[0]]

    def list_versions(self, request: Request) -> Any:
        its = {key: one for key, one in self.versions.items() if one.pipeline_id == request.ids[0]}
        return kfp_server_api.V2beta1ListPipelineVersionsResponse(pipeline_versions=self._matching(its, request))

    def get_version(self, request: Request) -> Any:
        return self._one(self.versions, request.ids[1])

    def upload_version(self, request: Request) -> Any:

        pipeline, name = request.query["pipelineid"], request.query["name"]
        its = {key: one for key, one in self.versions.items() if one.pipeline_id == pipeline}
        if self._named(its, name):
            raise Refused(409, "Failed to create a pipeline version")
        header = f"Content-Type: {request.content_type}\r\n\r\n".encode()
        (part,) = email.message_from_bytes(header + request.body).get_payload()
        document, *platforms = documents(part.get_payload(decode=True))
        spec = {"pipeline_spec": document, "platform_spec": platforms[0]} if platforms else document
        tags = json.loads(request.query.get("tags", "null"))
        newer = {"name": name, "tags": tags}  # than kfp-server-api 2.4
        version = kfp_server_api.V2beta1PipelineVersion(
            pipeline_id=pipeline,
            pipeline_version_id=str(uuid.uuid4()),
            display_name=name,
            created_at=_NOW,
            pipeline_spec=spec,
            **{key: value for key, value in newer.items() if hasattr(kfp_server_api.V2beta1PipelineVersion, key)},
        )
        self.versions[version.pipeline_version_id] = version
        return version

    def create_recurring(self, request: Request) -> Any:
        recurring = parse("V2beta1RecurringRun", request.body)
        if recurring.mode not in ("ENABLE", "DISABLE"):
            raise Refused(400, "the mode is unknown")
        reference = recurring.pipeline_version_reference
        spec = self._one(self.versions, reference.pipeline_version_id).pipeline_spec
        self._check_parameters(spec, recurring.runtime_config.parameters or {})
        recurring.recurring_run_id, recurring.created_at = str(uuid.uuid4()), _NOW
        recurring.status = "ENABLED" if recurring.mode == "ENABLE" else "DISABLED"
        self.recurring[recurring.recurring_run_id] = recurring
        return recurring

    def list_recurring(self, request: Request) -> Any:
        self._allow(request.query.get("namespace"))
        found = self._matching(self.recurring, request)
        return kfp_server_api.V2beta1ListRecurringRunsResponse(recurring_runs=found)

    def get_recurring(self, request: Request) -> Any:
        return self._one(self.recurring, request.ids[0])

    def enable_recurring(self, request: Request) -> Any:
        self._one(self.recurring, request.ids[0]).status = "ENABLED"

    def disable_recurring(self, request: Request) -> Any:
        self._one(self.recurring, request.ids[0]).status = "DISABLED"

    def delete_recurring(self, request: Request) -> Any:
        self._one(self.recurring, request.ids[0])
        del self.recurring[request.ids[0]]

    def api_log(self, request: Request) -> Any:
        if "api" not in self.log_paths or request.ids[1] not in self.logs:
            return '{"error_message":"the pod is gone","error_details":"x"}'  # with status 200, as the real one
        return self.logs[request.ids[1]]

    def page_log(self, request: Request) -> Any:
        if "page" not in self.log_paths or request.query["podname"] not in self.logs:
            raise Refused(500, "Could not get main container logs")
        return self.logs[request.query["podname"]]

    def ml_metadata(self, request: Request) -> Any:
        self._check_pages()
        return kfp_pages.grpc_web(self.metadata, request.ids[0], request.body, request.content_type)

    def artifact(self, request: Request) -> Any:
        self._check_pages()
        source, bucket, key = request.ids
        self.queries.append({"source": source, **request.query})
        whole = source != "gcs"
        assert whole or "peek" in request.query, "without a limit, the pages change files of GCS"
        found = kfp_pages.artifact(self.objects, f"{bucket}/{key}", whole=whole)
        if found is None:
            raise Refused(404, f"No objects found at {bucket}/{key}")
        return found

    def _check_pages(self) -> None:
        if not self.pages:
            raise Refused(404, "Not Found")

    def answer(self, request: Request) -> Any:
        """The response to a request: a model, text, or None."""
        self.requests.append(f"{request.method} {request.path}")
        if self.failures:
            raise Refused(self.failures.pop(0), "no healthy upstream")
        if request.path in self.broken:
            raise Refused(500, "the database is full")
        if self.token and request.authorization != f"Bearer {self.token}":
            raise Refused(401, "Unauthenticated: the token has expired")
        if self.cookie and request.cookie != self.cookie:
            raise Refused(401, "Unauthenticated: no session")
        for method, pattern, act in ROUTES:
            found = re.fullmatch(pattern, request.path)
            if method == request.method and found:
                request.ids = found.groups()
                return act(self, request)
        raise Refused(404, "Not Found")

    def _allow(self, namespace: str | None) -> None:
        if self.multi_user and not namespace:
            raise Refused(400, "Invalid input error: a namespace is required in multi-user mode")
        if self.allowed is not None and namespace not in self.allowed:
            raise Refused(403, f"PermissionDenied: User 'ann' is not authorized in namespace {namespace}")

    @staticmethod
    def _check_parameters(spec: Any, given: dict[str, Any]) -> None:
        document = spec.get("pipeline_spec", spec)
        known = document["root"].get("inputDefinitions", {}).get("parameters", {})
        if set(given) - set(known):
            raise Refused(400, f"Invalid input error: unknown parameters {sorted(set(given) - set(known))}")

    @staticmethod
    def _one(found: dict[str, Any], key: str) -> Any:
        if key not in found:
            raise Refused(404, f"ResourceNotFoundError: {key} not found")
        return found[key]

    @staticmethod
    def _named(found: dict[str, Any], name: str) -> list[Any]:
        return [one for one in found.values() if one.display_name == name]

    @staticmethod
    def _matching(found: dict[str, Any], request: Request) -> list[Any]:
        """The values that match the request's filter, which must be a filter of the API."""
        text = request.query.get("filter")
        wanted = parse("V2beta1Filter", text.encode()).predicates if text else []
        for one in wanted:
            assert one.operation == "EQUALS", one
        return [
            value for value in found.values() if all(str(getattr(value, one.key)) == one.string_value for one in wanted)
        ]


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: bytes
    content_type: str
    authorization: str
    cookie: str
    ids: tuple[str, ...] = ()


_V2, _ID = "/apis/v2beta1", "([^/:]+)"
ROUTES: list[tuple[str, str, Callable[[KfpStandIn, Request], Any]]] = [
    ("GET", f"{_V2}/healthz", KfpStandIn.healthz),
    ("GET", f"{_V2}/experiments", KfpStandIn.list_experiments),
    ("POST", f"{_V2}/experiments", KfpStandIn.create_experiment),
    ("POST", f"{_V2}/runs", KfpStandIn.create_run),
    ("GET", f"{_V2}/runs", KfpStandIn.list_runs),
    ("GET", f"{_V2}/runs/{_ID}", KfpStandIn.get_run),
    ("POST", f"{_V2}/runs/{_ID}:terminate", KfpStandIn.terminate_run),
    ("POST", f"{_V2}/runs/{_ID}:retry", KfpStandIn.retry_run),
    ("POST", f"{_V2}/pipelines", KfpStandIn.create_pipeline),
    ("GET", f"{_V2}/pipelines", KfpStandIn.list_pipelines),
    ("POST", f"{_V2}/pipelines/upload_version", KfpStandIn.upload_version),
    ("PATCH", f"{_V2}/pipelines/{_ID}/versions/{_ID}", KfpStandIn.update_version),
    ("DELETE", f"{_V2}/pipelines/{_ID}", KfpStandIn.delete_pipeline),
    ("GET", f"{_V2}/pipelines/{_ID}/versions", KfpStandIn.list_versions),
    ("GET", f"{_V2}/pipelines/{_ID}/versions/{_ID}", KfpStandIn.get_version),
    ("POST", f"{_V2}/recurringruns", KfpStandIn.create_recurring),
    ("GET", f"{_V2}/recurringruns", KfpStandIn.list_recurring),
    ("GET", f"{_V2}/recurringruns/{_ID}", KfpStandIn.get_recurring),
    ("DELETE", f"{_V2}/recurringruns/{_ID}", KfpStandIn.delete_recurring),
    ("POST", f"{_V2}/recurringruns/{_ID}:enable", KfpStandIn.enable_recurring),
    ("POST", f"{_V2}/recurringruns/{_ID}:disable", KfpStandIn.disable_recurring),
    ("GET", f"/apis/v1alpha1/runs/{_ID}/nodes/{_ID}/log", KfpStandIn.api_log),
    ("GET", "/k8s/pod/logs", KfpStandIn.page_log),
    ("POST", r"/ml_metadata\.MetadataStoreService/(\w+)", KfpStandIn.ml_metadata),
    ("GET", "/artifacts/(minio|s3|gcs)/([^/]+)/(.+)", KfpStandIn.artifact),
]


@contextlib.contextmanager
def serve_kfp(tls: ssl.SSLContext | None = None, **state: Any) -> Iterator[KfpStandIn]:
    """Runs a stand-in for the block, over TLS if it has a certificate."""
    kfp = KfpStandIn(**state)

    class Handler(QuietHandler):
        def _serve(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            request = Request(
                self.command,
                urllib.parse.unquote(parts.path),
                dict(urllib.parse.parse_qsl(parts.query)),
                self.rfile.read(int(self.headers.get("Content-Length") or 0)),
                self.headers.get("Content-Type", ""),
                self.headers.get("authorization", ""),
                self.headers.get("Cookie", ""),
            )
            status, kind, headers = 200, "application/json", {}
            try:
                answer = kfp.answer(request)
            except Refused as error:
                status, answer = error.status, {"code": 13, "message": str(error), "details": []}
            if isinstance(answer, str):
                body, kind = answer.encode(), "text/plain"
            elif isinstance(answer, Raw):
                body, kind, headers = answer.body, "", answer.headers
            else:
                body = json.dumps(_API.sanitize_for_serialization(answer) or {}).encode()
            self.send_response(status)
            for name, value in {**({"Content-Type": kind} if kind else {}), **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    kfp.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    with running(server):
        yield kfp
