"""The application: V1, V2, health, metrics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import answers, body, openapi, v1, v2
from .inputs import BYTES
from .logs import log
from .metrics import CONTENT_TYPE, Metrics
from .model import Model, PredictorError
from .refusal import Refusal, bad
from .settings import Settings
from .tensors import BINARY, HEADER
from .watching import Watching
from .workers import Workers

_JSON = "application/json"


class Api:
    """What answers requests to one model.

    Args:
        model: the predictor.
        workers: where it runs.
        settings: those of the server.
        metrics: what is counted.
        release: the version of fairing-kfp.
    """

    def __init__(self, model: Model, workers: Workers, settings: Settings, metrics: Metrics, release: str) -> None:
        self._model = model
        self._workers = workers
        self._settings = settings
        self._metrics = metrics
        self._release = release

    def application(self) -> Watching:
        """The ASGI application."""
        get = ["GET"]
        model, version = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
        routes = [
            Route("/", self.alive, methods=get),
            Route("/healthz", self.alive, methods=get),
            Route("/metrics", self.metrics, methods=get),
            Route("/openapi.json", self.openapi, methods=get),
            Route("/v1/models", self.models, methods=get),
            Route("/v1/models/{model}", self.v1_model, methods=get),
            Route("/v1/models/{model}:predict", self.v1_predict, methods=["POST"]),
            Route("/v1/models/{model}:explain", self.v1_explain, methods=["POST"]),
            *(Route(path, self.v2_server, methods=get) for path in ("/v2", "/v2/")),
            Route("/v2/health/live", self.v2_live, methods=get),
            Route("/v2/health/ready", self.v2_ready, methods=get),
            Route("/v2/models", self.models, methods=get),
            *(Route(path, self.v2_model, methods=get) for path in (model, version)),
            *(Route(f"{path}/ready", self.v2_model_ready, methods=get) for path in (model, version)),
            *(Route(f"{path}/infer", self.v2_infer, methods=["POST"]) for path in (model, version)),
        ]
        handlers: Any = {Refusal: _refused, HTTPException: _not_found, PredictorError: _failed, Exception: _broken}
        application = Starlette(routes=routes, exception_handlers=handlers)
        application.router.redirect_slashes = False  # behind a proxy it would lead elsewhere
        return Watching(application, self._metrics)

    async def alive(self, request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "alive"})

    async def metrics(self, request: Request) -> Response:
        """For Prometheus."""
        return Response(self._metrics.text(), media_type=CONTENT_TYPE)

    async def openapi(self, request: Request) -> Response:
        """The description of all of this."""
        return JSONResponse(openapi.document(self._model, self._release))

    async def models(self, request: Request) -> Response:
        """The names of models: the only one."""
        return JSONResponse({"models": [self._model.name]})

    async def v1_model(self, request: Request) -> Response:
        """Whether the model is ready; 503 if not."""
        self._check(request)
        return await self._readiness({"name": self._model.name})

    async def v1_predict(self, request: Request) -> Response:
        """Predicts."""
        return await self._v1(request, "predict")

    async def v1_explain(self, request: Request) -> Response:
        """Explains."""
        return await self._v1(request, "explain")

    async def v2_server(self, request: Request) -> Response:
        """What server this is."""
        return JSONResponse({"name": "fairing-kfp", "version": self._release, "extensions": [BINARY]})

    async def v2_live(self, request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"live": True})

    async def v2_ready(self, request: Request) -> Response:
        """Whether the model is ready; 503 if not."""
        return await self._readiness({})

    async def v2_model(self, request: Request) -> Response:
        """What model this is."""
        self._check(request)
        described = {"name": self._model.name, "versions": [self._model.version], "platform": "fairing-kfp_predictor"}
        return JSONResponse({**described, "inputs": [], "outputs": []})

    async def v2_model_ready(self, request: Request) -> Response:
        """Whether the model is ready; 503 if not."""
        self._check(request)
        return await self._readiness({"name": self._model.name})

    async def v2_infer(self, request: Request) -> Response:
        """Predicts."""
        self._check(request)
        with self._workers.place():
            kind = self._model.taken("predict")
            given, header = await self._body(request), request.headers.get(HEADER)

            def work() -> Response:
                text, rest = body.split(given, header)
                asked = _guarded(lambda: v2.read(body.parsed(text), rest))
                argument = _guarded(lambda: v2.argument(kind, asked))
                result = self._model.ask("predict", argument)
                answer, length = _written(
                    "predict", lambda: v2.write(asked, result, self._model.name, self._model.version)
                )
                if length is None:
                    return Response(answer, media_type=_JSON)
                return Response(answer, media_type="application/octet-stream", headers={HEADER: str(length)})

            return await self._workers.run(work)

    async def _v1(self, request: Request, verb: str) -> Response:
        self._check(request)
        with self._workers.place():
            kind = self._model.taken(verb)
            given, raw = await self._body(request), kind == BYTES and not body.is_json(_content_type(request))

            def work() -> Response:
                argument = given if raw else _guarded(lambda: v1.read(kind, body.parsed(given)))
                result = self._model.ask(verb, argument)
                return Response(_written(verb, lambda: v1.write(kind, verb, result)), media_type=_JSON)

            return await self._workers.run(work)

    async def _body(self, request: Request) -> bytes:
        try:
            return await body.read(request, self._settings.max_bytes, self._settings.body_seconds)
        except ClientDisconnect:
            raise bad("the client went away") from None

    async def _readiness(self, described: dict[str, Any]) -> Response:
        ask = self._model.is_ready
        # Not in a thread of the workers': they may be busy, and that is no reason to be taken out of service.
        ready = await asyncio.to_thread(ask) if self._model.judges_itself else ask()
        return JSONResponse({**described, "ready": ready}, 200 if ready else 503)

    def _check(self, request: Request) -> None:
        asked = request.path_params["model"]
        if asked != self._model.name:
            raise Refusal(404, f"there is no model {asked!r}, only {self._model.name!r}")
        version = request.path_params.get("version", self._model.version)
        if version != self._model.version:
            raise Refusal(404, f"the model has no version {version!r}, only {self._model.version!r}")


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "")


def _guarded(read: Callable[[], Any]) -> Any:
    """What a request holds; whatever goes wrong while it is read is the request's fault."""
    try:
        return read()
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise bad(f"the request cannot be read: {type(error).__name__}: {error}") from error


def _written(verb: str, write: Callable[[], Any]) -> Any:
    """What an answer holds; where it cannot be written, the predictor gave back something odd."""
    try:
        return write()
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise PredictorError(f"{verb} gave back what cannot be sent: {error}") from error


async def _refused(request: Request, error: Refusal) -> Response:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return Response(answers.problem(error), error.status, headers, _JSON)


async def _not_found(request: Request, error: HTTPException) -> Response:
    return JSONResponse({"error": f"{request.url.path}: {error.detail}"}, error.status_code, error.headers)


async def _failed(request: Request, error: PredictorError) -> Response:
    log(logging.ERROR, str(error), error.__cause__, path=request.url.path)
    return JSONResponse({"error": str(error)}, 500)


async def _broken(request: Request, error: Exception) -> Response:
    log(logging.ERROR, "the server itself failed", error, path=request.url.path)
    return JSONResponse({"error": f"the server itself failed: {type(error).__name__}"}, 500)
