"""A server's life: it listens, the model loads, requests are answered, and at last those under way are ended."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

from uvicorn.config import Config
from uvicorn.server import Server

from .connections import KEEP_ALIVE, Crowd
from .logs import log
from .model import Model, PredictorError
from .settings import Settings
from .watching import Watching
from .workers import Workers

try:
    from .by_httptools import HttpToolsConnection as HttpConnection
except ImportError:  # no wheel for this Python or platform
    from .by_h11 import H11Connection as HttpConnection  # type: ignore[assignment]

_BACKLOG = 2048


async def live(application: Watching, model: Model, workers: Workers, settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT, or until the model cannot be loaded; gives the exit code.

    After SIGTERM the model is not ready, but answers on for `linger_seconds`: Kubernetes sends it requests until all
    nodes know, and clients are told to open another connection. Then nothing new is accepted, and what is under way has
    `drain_seconds`. SIGINT skips the first, and a second signal both.

    Args:
        application: answers requests.
        model: is loaded meanwhile.
        workers: where it runs.
        settings: those of the server.
    """
    connection: Any = functools.partial(HttpConnection, Crowd())
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
    ending = _Ending(server, application, model, settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.begin, number)
    try:
        listening = listen(settings)
    except OSError as error:
        log(
            logging.ERROR,
            f"cannot listen on port {settings.port} of {settings.host or 'all addresses'}: {error.strerror}",
        )
        return 1
    log(logging.INFO, "listening", model=model.name, host=settings.host, port=listening.getsockname()[1])
    loading = asyncio.create_task(_load(model, workers, settings, server))
    await server.serve(sockets=[listening])
    if not loading.done():
        loading.cancel()
        return 0
    log(logging.INFO, "ended")
    return 0 if loading.result() else 1


class _Server(Server):
    """uvicorn's server, whose signals are ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Ending:
    """What signals do, one after another."""

    def __init__(self, server: Server, application: Watching, model: Model, settings: Settings) -> None:
        self._server = server
        self._application = application
        self._model = model
        self._linger = settings.linger_seconds
        self._begun = False

    def begin(self, number: int) -> None:
        log(logging.INFO, f"{signal.Signals(number).name}: no longer ready")
        if self._begun:
            self._server.should_exit = self._server.force_exit = True
            return
        self._begun = True
        self._model.drain()
        self._application.closing = True
        stop: Callable[[], Any] = lambda: setattr(self._server, "should_exit", True)  # noqa: E731
        asyncio.get_running_loop().call_later(self._linger if number == signal.SIGTERM else 0, stop)


def listen(settings: Settings) -> socket.socket:
    """A socket; without a host for all addresses, of both families where the machine has both."""
    both = not settings.host and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both or ":" in settings.host else socket.AF_INET
    # With its protocol named: asyncio sets TCP_NODELAY only then, without which an answer takes 40 ms.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not both))
        made.bind((settings.host, settings.port))
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    return made


async def _load(model: Model, workers: Workers, settings: Settings, server: Server) -> bool:
    log(logging.INFO, "loading the model", model=model.name, path=settings.model_path)
    try:
        await workers.run(lambda: model.load(settings.model_path))
    except PredictorError as error:
        log(logging.ERROR, str(error), error.__cause__, model=model.name)
        server.should_exit = True
        return False
    log(logging.INFO, "ready", model=model.name)
    return True
