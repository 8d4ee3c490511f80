"""The life cycle of the server: it listens, loads the model, serves requests, and shuts down."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import signal
from collections.abc import Callable, Iterator
from typing import Any

from uvicorn.config import Config
from uvicorn.server import Server

from .connections import KEEP_ALIVE, ConnectionLimit
from .listening import listen, port_error
from .logs import log
from .middleware import Middleware
from .model import Model, PredictorError
from .processes import Process
from .settings import Settings
from .workers import Workers

try:
    from .httptools_connection import HttpToolsConnection as HttpConnection
except ImportError:  # no wheel for this Python or platform
    from .h11_connection import H11Connection as HttpConnection  # type: ignore[assignment]


async def serve(
    application: Middleware,
    model: Model,
    workers: Workers,
    settings: Settings,
    process: Process | None = None,
) -> int:
    """Serves until SIGTERM or SIGINT, or until loading the model fails.

    After SIGTERM the model is not ready, but the server handles requests for `linger_seconds`, since Kubernetes routes
    requests to the pod until all nodes are updated; responses have the header `Connection: close`. After that the
    server accepts no connections, and requests in progress have `drain_seconds` to finish. SIGINT skips the first
    period, and a second signal skips both.

    Args:
        application: the ASGI application.
        model: the model, which is loaded while the server listens.
        workers: the threads that load and call the model.
        settings: the server's settings.
        process: this process, if it is one of several.

    Returns:
        The exit code: 1 if the port cannot be bound or the model cannot be loaded, else 0.
    """
    connection: Any = functools.partial(HttpConnection, ConnectionLimit())
    config = Config(
        application,
        http=connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    shutdown = _Shutdown(server, application, model, settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        _handle_signal(number, loop, shutdown.on_signal)
    try:
        listening = process.listening if process else listen(settings)
    except OSError as error:
        log(logging.ERROR, port_error(settings, error))
        return 1
    log(logging.INFO, "listening", model=model.name, host=settings.host, port=listening.getsockname()[1])
    loading = asyncio.create_task(_load(model, workers, settings, server, process))
    publishing = asyncio.create_task(process.publish()) if process else None
    await server.serve(sockets=[listening])
    if publishing:
        publishing.cancel()
    if not loading.done():
        loading.cancel()
        return 0
    log(logging.INFO, "stopped")
    return 0 if loading.result() else 1


class _Server(Server):
    """uvicorn's server without its signal handlers, which `_Shutdown` replaces."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Shutdown:
    """The handler of signals: the first one starts the shutdown, the second one ends it immediately."""

    def __init__(self, server: Server, application: Middleware, model: Model, settings: Settings) -> None:
        self._server = server
        self._application = application
        self._model = model
        self._linger = settings.linger_seconds
        self._started = False

    def on_signal(self, number: int) -> None:
        log(logging.INFO, f"received {signal.Signals(number).name}: shutting down")
        if self._started:
            self._server.should_exit = self._server.force_exit = True
            return
        self._started = True
        self._model.drain()
        self._application.closing = True
        stop: Callable[[], Any] = lambda: setattr(self._server, "should_exit", True)  # noqa: E731
        asyncio.get_running_loop().call_later(self._linger if number == signal.SIGTERM else 0, stop)


def _handle_signal(number: int, loop: asyncio.AbstractEventLoop, handler: Callable[[int], None]) -> None:
    """Calls a handler in an event loop that any thread may run, until it is closed; `add_signal_handler` cannot."""

    def handle(number: int, frame: Any) -> None:
        if loop.is_closed():
            signal.signal(number, before)
            signal.raise_signal(number)
        else:
            loop.call_soon_threadsafe(handler, number)

    before = signal.signal(number, handle)


async def _load(model: Model, workers: Workers, settings: Settings, server: Server, process: Process | None) -> bool:
    log(logging.INFO, "loading the model", model=model.name, path=settings.model_path)
    try:
        await workers.run(lambda: model.load(settings.model_path))
    except PredictorError as error:
        log(logging.ERROR, str(error), error.__cause__, model=model.name)
        server.should_exit = True
        return False
    if process:
        process.publish_now()  # from now on, the supervisor restarts this worker if it dies
    log(logging.INFO, "ready", model=model.name)
    return True
