"""Several worker processes for one predictor: each loads the model, and listens on the same port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from .listening import listen, port_error
from .logs import log, set_up
from .metrics import Metrics
from .settings import Settings
from .shared_metrics import SharedMetrics

_PUBLISH_SECONDS = 0.5
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Process:
    """What a worker process shares with the others.

    Attributes:
        number: the number of the worker, from 0.
        listening: its socket, which no other worker accepts connections from.
        shared: the metrics of all workers.
        metrics: those of this worker, which go on from its predecessor's.
        parent: the process id of the supervisor.
    """

    number: int
    listening: socket.socket
    shared: SharedMetrics
    metrics: Metrics
    parent: int

    def others_ready(self) -> bool:
        """Whether all other workers are ready."""
        return self.shared.all_ready(self.number)

    def total(self) -> Metrics:
        """The metrics of all workers."""
        return self.shared.total(self.number, self.metrics)

    def publish_now(self) -> None:
        """Publishes the metrics of this worker, such as its readiness."""
        self.shared.publish(self.number, self.metrics)

    async def publish(self) -> None:
        """Publishes the metrics of this worker until it is cancelled; stops the worker if the supervisor is gone."""
        while True:
            self.publish_now()
            if os.getppid() != self.parent:
                os.kill(os.getpid(), signal.SIGTERM)
                return
            await asyncio.sleep(_PUBLISH_SECONDS)


def start_workers(settings: Settings) -> Process:
    """Starts worker processes and supervises them.

    A worker that exits after it has loaded the model is restarted; one that exits before ends the server with exit
    code 1. SIGTERM and SIGINT are sent to all workers.

    Returns:
        In each worker: what it shares with the others. The calling process exits once all workers have exited.
    """
    try:
        with listen(settings) as probe:  # sockets that share a port would also share it with another server
            settings = replace(settings, port=probe.getsockname()[1])
        sockets = [listen(settings, shared=True) for _ in range(settings.workers)]
    except OSError as error:
        log(logging.ERROR, port_error(settings, error))
        sys.exit(1)
    return _Supervisor(settings, sockets).run()


class _Supervisor:
    def __init__(self, settings: Settings, sockets: list[socket.socket]) -> None:
        self._settings = settings
        self._sockets = sockets
        self._shared = SharedMetrics(len(sockets))
        self._workers: dict[int, int] = {}  # numbers of workers by process id
        self._stopping = False
        self._code = 0

    def run(self) -> Process:
        """Returns in each worker."""
        for one in _SIGNALS:
            signal.signal(one, self._on_signal)
        for number in range(len(self._sockets)):
            if worker := self._fork(number):
                return worker
        while self._workers:
            process, status = os.wait()
            ended = self._workers.pop(process, None)  # None: an orphan, which the first process of a container adopts
            if ended is not None and (worker := self._on_exit(ended, os.waitstatus_to_exitcode(status))):
                return worker
        sys.exit(self._code)

    def _fork(self, number: int) -> Process | None:
        """Starts a worker; returns None in this process."""
        with _blocked_signals():
            if self._stopping:
                return None
            parent, process = os.getpid(), os.fork()
            if process:
                self._workers[process] = number
                return None
            for one in _SIGNALS:
                signal.signal(one, signal.SIG_DFL)
            os.setpgid(0, 0)  # Ctrl-C reaches the supervisor alone
        for other, listening in enumerate(self._sockets):
            if other != number:
                listening.close()
        set_up(self._settings.log, self._settings.log_level, worker=number)
        return Process(number, self._sockets[number], self._shared, self._shared.read(number), parent)

    def _on_exit(self, number: int, code: int) -> Process | None:
        loaded = self._shared.end(number)
        if self._stopping:
            self._code = self._code or int(code != 0)
            return None
        how = f"worker {number} exited with {f'code {code}' if code >= 0 else signal.Signals(-code).name}"
        if loaded:
            log(logging.WARNING, f"{how}: restarting it")
            return self._fork(number)
        log(logging.ERROR, f"{how} before it had loaded the model: stopping the server")
        self._code = 1
        self._stop(signal.SIGTERM)
        return None

    def _on_signal(self, number: int, frame: Any) -> None:
        self._stop(number)

    def _stop(self, number: int) -> None:
        self._stopping = True
        for listening in self._sockets:
            listening.close()  # workers have copies; once theirs is closed, connections are refused
        for process in self._workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)


@contextlib.contextmanager
def _blocked_signals() -> Iterator[None]:
    """Delays signals, so that a new worker does not handle them as the supervisor."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
