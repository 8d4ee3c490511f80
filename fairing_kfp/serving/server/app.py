"""The HTTP API: the V1 and V2 protocols, health, metrics and OpenAPI."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from . import answers, body, openapi, v1, v2
from .batches import Batches
from .bounds import Bounds
from .http_error import HTTPError, bad_request
from .inputs import BYTES
from .logs import log
from .messages import BLOB, Answer, Receive, Request, Response, Scope, Send
from .metrics import CONTENT_TYPE, Metrics
from .middleware import Middleware
from .model import Model, PredictorError
from .processes import Process
from .routes import Route, Routes
from .settings import Settings
from .stream import Events, Stream
from .tensors import BINARY, HEADER
from .workers import Workers

T = TypeVar("T")


class Api:
    """Handles the requests to one model.

    Args:
        model: the predictor.
        workers: the threads that call the predictor.
        settings: the server's settings.
        metrics: counts the requests.
        release: the version that the server reports.
        process: this process, if it is one of several.
    """

    def __init__(
        self,
        model: Model,
        workers: Workers,
        settings: Settings,
        metrics: Metrics,
        release: str,
        process: Process | None = None,
    ) -> None:
        self._model = model
        self._workers = workers
        self._debug = settings.debug
        self._bodies = body.Bodies(settings.max_bytes, settings.body_seconds)
        self._bounds = Bounds(settings.max_bytes)
        self._metrics = metrics
        self._release = release
        self._process = process
        batched = settings.max_batch > 1
        self._batches = Batches(model, workers, settings.max_batch, settings.max_wait_seconds) if batched else None
        self._routes = self._make_routes()

    def application(self) -> Middleware:
        """The ASGI application."""
        return Middleware(self._handle, self._metrics)

    def _make_routes(self) -> Routes:
        model, version = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
        return Routes(
            (
                Route("GET", "/", self.alive),
                Route("GET", "/healthz", self.alive),
                Route("GET", "/metrics", self.metrics),
                Route("GET", "/openapi.json", self.openapi),
                Route("GET", "/v1/models", self.models),
                Route("POST", "/v1/models/{model}:predict", self.v1_predict),
                Route("POST", "/v1/models/{model}:explain", self.v1_explain),
                Route("GET", "/v1/models/{model}", self.v1_model),
                *(Route("GET", path, self.v2_server) for path in ("/v2", "/v2/")),
                Route("GET", "/v2/health/live", self.v2_live),
                Route("GET", "/v2/health/ready", self.v2_ready),
                Route("GET", "/v2/models", self.models),
                *(Route("POST", f"{path}/infer", self.v2_infer) for path in (model, version)),
                *(Route("GET", path, self.v2_model) for path in (model, version)),
                *(Route("GET", f"{path}/ready", self.v2_model_ready) for path in (model, version)),
            )
        )

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            handler, parameters = self._routes.find(scope["method"], scope["path"])
            scope["endpoint"] = handler
            response: Answer = await handler(Request(scope, receive, parameters))
        except HTTPError as error:
            response = Response(answers.error_body(error), error.status, error.headers)
        except PredictorError as error:
            failure = self._failure(scope["path"], error.summary, str(error), error.__cause__)
            response = Response(failure, 500)
        except Exception as error:
            summary = "internal server error"
            text = f"{summary}: {type(error).__name__}: {error}"
            response = Response(self._failure(scope["path"], summary, text, error), 500)
        await response.send(send)

    async def alive(self, request: Request) -> Response:
        """Liveness: the process handles requests."""
        return Response.of_json({"status": "alive"})

    async def metrics(self, request: Request) -> Response:
        """Metrics of all processes in the text format of Prometheus."""
        metrics = self._process.total() if self._process else self._metrics
        return Response(metrics.text().encode(), media_type=CONTENT_TYPE)

    async def openapi(self, request: Request) -> Response:
        """The OpenAPI document of this server."""
        return Response.of_json(openapi.document(self._model, self._release))

    async def models(self, request: Request) -> Response:
        """The names of the served models, which is one."""
        return Response.of_json({"models": [self._model.name]})

    async def v1_model(self, request: Request) -> Response:
        """Whether the model is ready; 503 if not."""
        self._check(request)
        return await self._readiness({"name": self._model.name})

    async def v1_predict(self, request: Request) -> Answer:
        """Calls `predict` by the V1 protocol."""
        return await self._v1(request, "predict")

    async def v1_explain(self, request: Request) -> Answer:
        """Calls `explain` by the V1 protocol."""
        return await self._v1(request, "explain")

    async def v2_server(self, request: Request) -> Response:
        """Metadata of the server."""
        return Response.of_json({"name": "fairing-kfp", "version": self._release, "extensions": [BINARY]})

    async def v2_live(self, request: Request) -> Response:
        """Liveness: the process handles requests."""
        return Response.of_json({"live": True})

    async def v2_ready(self, request: Request) -> Response:
        """Whether the model is ready; 503 if not."""
        return await self._readiness({})

    async def v2_model(self, request: Request) -> Response:
        """Metadata of the model."""
        self._check(request)
        metadata = {"name": self._model.name, "versions": [self._model.version], "platform": "fairing-kfp_predictor"}
        return Response.of_json({**metadata, "inputs": [], "outputs": []})

    async def v2_model_ready(self, request: Request) -> Response:
        """Whether the model is ready; 503 if not."""
        self._check(request)
        return await self._readiness({"name": self._model.name})

    async def v2_infer(self, request: Request) -> Answer:
        """Calls `predict` by the Open Inference Protocol."""
        self._check(request)
        self._workers.check()
        kind, header = self._model.input_kind("predict"), request.header(HEADER)
        inference: v2.Request  # assigned by `read`

        def read(content: bytes) -> Any:
            nonlocal inference
            text, rest = body.split(content, header)
            inference = v2.read(body.parse(text), rest, self._bounds)
            return v2.argument(kind, inference, self._bounds)

        def write(result: Any) -> Response:
            if isinstance(result, Generator):
                raise HTTPError(400, f"predict streams its results: use /v1/models/{self._model.name}:predict")
            content, length = v2.write(inference, result, self._model.name, self._model.version)
            if length is None:
                return Response(content)
            return Response(content, headers={HEADER: str(length)}, media_type=BLOB)

        return await self._call("predict", request, read, write)

    async def _v1(self, request: Request, method: str) -> Answer:
        self._check(request)
        self._workers.check()
        kind = self._model.input_kind(method)
        raw = kind == BYTES and not body.is_json(_content_type(request))

        def read(content: bytes) -> Any:
            return content if raw else v1.read(kind, content, self._bounds)

        def write(result: Any) -> Response | Stream:
            return result if isinstance(result, Generator) else Response(v1.write(kind, method, result))

        return await self._call(method, request, read, write)

    async def _call(
        self, method: str, request: Request, read: Callable[[bytes], Any], write: Callable[[Any], Response | Stream]
    ) -> Answer:
        """Calls a method of the predictor in a worker thread, where the request is parsed and the response written."""
        content = await self._bodies.read(request)

        def argument() -> Any:
            return _read_argument(read, content)

        def respond(result: Any) -> Response | Stream:
            return _write_result(method, write, result)

        response: Response | Stream | None = None
        try:
            self._workers.enter()
            try:
                if self._batches and method == "predict":
                    result = await self._batches.predict(await self._workers.run(argument))
                    response = await self._workers.run(lambda: respond(result))
                else:
                    response = await self._workers.run(lambda: respond(self._model.call(method, argument())))
            finally:
                if response is None or isinstance(response, Response):
                    self._workers.leave()
        finally:
            self._bodies.release(content)
        if isinstance(response, Response):
            return response
        return Events(response, self._workers, request, self._error_event(request))

    async def _readiness(self, metadata: dict[str, Any]) -> Response:
        is_ready = self._model.is_ready
        # A thread of its own: a server whose worker threads are all busy is still ready.
        ready = await asyncio.to_thread(is_ready) if self._model.has_own_readiness else is_ready()
        if ready and self._process:
            ready = self._process.others_ready()
        return Response.of_json({**metadata, "ready": ready}, 200 if ready else 503)

    def _check(self, request: Request) -> None:
        name = request.parameters["model"]
        if name != self._model.name:
            raise HTTPError(404, f"the model {name!r} does not exist; this server has {self._model.name!r}")
        version = request.parameters.get("version", self._model.version)
        if version != self._model.version:
            raise HTTPError(404, f"the version {version!r} does not exist; this server has {self._model.version!r}")

    def _error_event(self, request: Request) -> Callable[[PredictorError], bytes]:
        return lambda error: self._failure(request.path, error.summary, str(error), error.__cause__)

    def _failure(self, path: str, summary: str, text: str, cause: BaseException | None) -> bytes:
        """Logs a failure under a new error id; returns the JSON of the error response, which contains the id."""
        error_id = secrets.token_hex(6)
        log(logging.ERROR, text, cause, path=path, error_id=error_id)
        shown = text if self._debug else f"{summary}; the server's log has the cause under the error id {error_id}"
        return answers.dumps({"error": shown, "error_id": error_id})


def _content_type(request: Request) -> str:
    return request.header("content-type") or ""


def _read_argument(read: Callable[[bytes], Any], content: bytes) -> Any:
    """Reads the argument of a method from a request; errors of reading become 400 or 413 responses."""
    try:
        return read(content)
    except MemoryError:
        raise HTTPError(413, "the request needs more memory than the server has") from None
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise bad_request(f"the request cannot be read: {type(error).__name__}: {error}") from error


def _write_result(method: str, write: Callable[[Any], T], result: Any) -> T:
    """Writes the response for a result; errors of writing are errors of the predictor, which returned the result."""
    try:
        return write(result)
    except (ArithmeticError, MemoryError, RecursionError, TypeError, ValueError) as error:
        raise PredictorError(f"the result of {method} cannot be sent", str(error)) from error
