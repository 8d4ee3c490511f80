"""The application: V1, V2, health, metrics."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from . import answers, body, openapi, v1, v2
from .batches import Batches
from .bounds import Bounds
from .inputs import BYTES
from .logs import log
from .messages import BLOB, Answer, Receive, Request, Response, Scope, Send
from .metrics import CONTENT_TYPE, Metrics
from .model import Model, PredictorError
from .refusal import Refusal, bad
from .routes import Route, Routes
from .settings import Settings
from .stream import Events, Stream
from .tensors import BINARY, HEADER
from .watching import Watching
from .workers import Workers

T = TypeVar("T")


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
        self._debug = settings.debug
        self._bodies = body.Bodies(settings.max_bytes, settings.body_seconds)
        self._bounds = Bounds(settings.max_bytes)
        self._metrics = metrics
        self._release = release
        batched = settings.max_batch > 1
        self._batches = Batches(model, workers, settings.max_batch, settings.max_wait_seconds) if batched else None
        self._routes = self._table()

    def application(self) -> Watching:
        """The ASGI application."""
        return Watching(self._answer, self._metrics)

    def _table(self) -> Routes:
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

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            handler, parameters = self._routes.find(scope["method"], scope["path"])
            scope["endpoint"] = handler
            response: Answer = await handler(Request(scope, receive, parameters))
        except Refusal as refusal:
            response = Response(answers.problem(refusal), refusal.status, refusal.headers)
        except PredictorError as error:
            failure = self._failure(scope["path"], error.summary, str(error), error.__cause__)
            response = Response(failure, 500)
        except Exception as error:
            summary = "the server itself failed"
            text = f"{summary}: {type(error).__name__}: {error}"
            response = Response(self._failure(scope["path"], summary, text, error), 500)
        await response.send(send)

    async def alive(self, request: Request) -> Response:
        """The process answers."""
        return Response.of_json({"status": "alive"})

    async def metrics(self, request: Request) -> Response:
        """For Prometheus."""
        return Response(self._metrics.text().encode(), media_type=CONTENT_TYPE)

    async def openapi(self, request: Request) -> Response:
        """The description of all of this."""
        return Response.of_json(openapi.document(self._model, self._release))

    async def models(self, request: Request) -> Response:
        """The names of models: the only one."""
        return Response.of_json({"models": [self._model.name]})

    async def v1_model(self, request: Request) -> Response:
        """Whether the model is ready; 503 if not."""
        self._check(request)
        return await self._readiness({"name": self._model.name})

    async def v1_predict(self, request: Request) -> Answer:
        """Predicts."""
        return await self._v1(request, "predict")

    async def v1_explain(self, request: Request) -> Answer:
        """Explains."""
        return await self._v1(request, "explain")

    async def v2_server(self, request: Request) -> Response:
        """What server this is."""
        return Response.of_json({"name": "fairing-kfp", "version": self._release, "extensions": [BINARY]})

    async def v2_live(self, request: Request) -> Response:
        """The process answers."""
        return Response.of_json({"live": True})

    async def v2_ready(self, request: Request) -> Response:
        """Whether the model is ready; 503 if not."""
        return await self._readiness({})

    async def v2_model(self, request: Request) -> Response:
        """What model this is."""
        self._check(request)
        described = {"name": self._model.name, "versions": [self._model.version], "platform": "fairing-kfp_predictor"}
        return Response.of_json({**described, "inputs": [], "outputs": []})

    async def v2_model_ready(self, request: Request) -> Response:
        """Whether the model is ready; 503 if not."""
        self._check(request)
        return await self._readiness({"name": self._model.name})

    async def v2_infer(self, request: Request) -> Answer:
        """Predicts."""
        self._check(request)
        self._workers.check()
        kind, header = self._model.taken("predict"), request.header(HEADER)
        asked: v2.Request  # bound by `read`

        def read(given: bytes) -> Any:
            nonlocal asked
            text, rest = body.split(given, header)
            asked = v2.read(body.parsed(text), rest, self._bounds)
            return v2.argument(kind, asked, self._bounds)

        def write(result: Any) -> Response:
            if isinstance(result, Generator):
                raise Refusal(400, f"predict answers in a stream: ask /v1/models/{self._model.name}:predict")
            answer, length = v2.write(asked, result, self._model.name, self._model.version)
            if length is None:
                return Response(answer)
            return Response(answer, headers={HEADER: str(length)}, media_type=BLOB)

        return await self._ask("predict", request, read, write)

    async def _v1(self, request: Request, verb: str) -> Answer:
        self._check(request)
        self._workers.check()
        kind = self._model.taken(verb)
        raw = kind == BYTES and not body.is_json(_content_type(request))

        def read(given: bytes) -> Any:
            return given if raw else v1.read(kind, body.parsed(given), self._bounds)

        def write(result: Any) -> Response | Stream:
            return result if isinstance(result, Generator) else Response(v1.write(kind, verb, result))

        return await self._ask(verb, request, read, write)

    async def _ask(
        self, verb: str, request: Request, read: Callable[[bytes], Any], write: Callable[[Any], Response | Stream]
    ) -> Answer:
        """Asks the predictor, in threads."""
        async with self._bodies.read(request) as given:

            def argument() -> Any:
                return _guarded(lambda: read(given))

            def answer(result: Any) -> Response | Stream:
                return _written(verb, lambda: write(result))

            with contextlib.ExitStack() as held:
                held.enter_context(self._workers.place())
                if self._batches and verb == "predict":
                    result = await self._batches.ask(await self._workers.run(argument))
                    answered = await self._workers.run(lambda: answer(result))
                else:
                    answered = await self._workers.run(lambda: answer(self._model.ask(verb, argument())))
                if isinstance(answered, Response):
                    return answered
                return Events(answered, self._workers, request, self._event_of(request), held.pop_all())

    async def _readiness(self, described: dict[str, Any]) -> Response:
        ask = self._model.is_ready
        # Not in a thread of the workers': they may be busy, and that is no reason to be taken out of service.
        ready = await asyncio.to_thread(ask) if self._model.judges_itself else ask()
        return Response.of_json({**described, "ready": ready}, 200 if ready else 503)

    def _check(self, request: Request) -> None:
        asked = request.parameters["model"]
        if asked != self._model.name:
            raise Refusal(404, f"there is no model {asked!r}, only {self._model.name!r}")
        version = request.parameters.get("version", self._model.version)
        if version != self._model.version:
            raise Refusal(404, f"the model has no version {version!r}, only {self._model.version!r}")

    def _event_of(self, request: Request) -> Callable[[PredictorError], bytes]:
        return lambda error: self._failure(request.path, error.summary, str(error), error.__cause__)

    def _failure(self, path: str, summary: str, text: str, cause: BaseException | None) -> bytes:
        """The JSON of a failure, whose text is in the log, under an id that the client is told."""
        error_id = secrets.token_hex(6)
        log(logging.ERROR, text, cause, path=path, error_id=error_id)
        shown = text if self._debug else f"{summary}; the server's log has the reason under the error id {error_id}"
        return answers.dumps({"error": shown, "error_id": error_id})


def _content_type(request: Request) -> str:
    return request.header("content-type") or ""


def _guarded(read: Callable[[], Any]) -> Any:
    """What a request holds; whatever goes wrong while it is read is the request's fault."""
    try:
        return read()
    except MemoryError:
        raise Refusal(413, "the request takes more memory than there is") from None
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise bad(f"the request cannot be read: {type(error).__name__}: {error}") from error


def _written(verb: str, write: Callable[[], T]) -> T:
    """What an answer holds; where it cannot be written, the predictor gave back something odd."""
    try:
        return write()
    except (ArithmeticError, MemoryError, RecursionError, TypeError, ValueError) as error:
        raise PredictorError(f"{verb} gave back what cannot be sent", str(error)) from error
