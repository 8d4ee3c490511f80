"""A predictor's server on this machine, run from the very layers that its image has."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ConfigError, EndpointError
from fairing_kfp.local.launches import in_process
from fairing_kfp.local.process import environment
from fairing_kfp.serving.endpoint import Endpoint

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.local.launcher import Launch
    from fairing_kfp.local.launches import Started
    from fairing_kfp.serving.predictor import Predictor

_HOST = "127.0.0.1"
_LAST_LINES = 40
_PATIENCE = 30.0  # seconds that a server may take to end


@dataclass(frozen=True)
class Running:
    """A server that answers.

    Attributes:
        endpoint: a client of it.
        process: the server.
    """

    endpoint: Endpoint
    process: subprocess.Popen[str]


@contextlib.contextmanager
def serving(
    predictor: Predictor[Any, Any],
    model: str | os.PathLike[str] | None = None,
    *,
    port: int = 0,
    cache: Cache | None = None,
    **settings: Any,
) -> Iterator[Endpoint]:
    """Serves a predictor on this machine; see `Predictor.here`."""
    started = unpacked(predictor, cache, **settings)
    with running(started.launch, model, port=port) as server:
        yield server.endpoint


def unpacked(predictor: Predictor[Any, Any], cache: Cache | None = None, **settings: Any) -> Started:
    """How a predictor's server is started here, its layers unpacked and its packages resolved for this machine.

    Args:
        predictor: what is served.
        cache: on disk; the user's by default.
        settings: as for `fairing_kfp.compile`.

    Raises:
        FairingError: it cannot be packed, or its packages cannot be resolved.
    """
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.kubernetes_secrets import check_here
    from fairing_kfp.preprocess.locks import Locks
    from fairing_kfp.settings import Settings

    chosen, cache = Settings.load(**settings), cache or Cache()
    check_here([predictor.source])
    path = Path(chosen.lock) if chosen.lock else predictor.source.code.folder / "fairing.lock"
    return in_process(predictor.source, chosen, cache, Locks(cache, path))


@contextlib.contextmanager
def running(
    launch: Launch,
    model: str | os.PathLike[str] | None = None,
    *,
    port: int = 0,
    show: Callable[[str], None] | None = None,
) -> Iterator[Running]:
    """Starts a server on loopback, waits until it is ready, and ends it at last.

    Args:
        launch: how it is started; see `fairing_kfp.local.launches.in_process`.
        model: the file or folder that `load` is given.
        port: a free one by default.
        show: is given each line of its log.

    Raises:
        ConfigError: there is no such model, or the port is taken.
        EndpointError: it ended before it was ready; the last lines of its log say why.
    """
    path = None if model is None else Path(model).absolute()
    if path is not None and not path.exists():
        raise ConfigError(f"there is no model at {path}", "name a file or folder that your class can load")
    chosen = _port(port)
    env = {
        "FAIRING_LOG": "text",
        "FAIRING_LINGER_SECONDS": "0",
        **launch.env,
        "FAIRING_HOST": _HOST,
        "FAIRING_PORT": str(chosen),
        **({"FAIRING_MODEL_PATH": str(path)} if path else {}),
    }
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with tempfile.TemporaryDirectory(prefix="fairing-serve-") as folder:
        process = subprocess.Popen(
            launch.command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            cwd=folder,
            env=environment(launch.command, env),
        )
        reader = threading.Thread(target=_read, args=(process, last, show), daemon=True)
        reader.start()
        endpoint = Endpoint(f"http://{_HOST}:{chosen}", launch.name)
        try:
            _wait(launch.name, process, endpoint, reader, last)
            yield Running(endpoint, process)
        finally:
            endpoint.close()
            _end(process)
            reader.join(_PATIENCE)


def _wait(
    name: str, process: subprocess.Popen[str], endpoint: Endpoint, reader: threading.Thread, last: deque[str]
) -> None:
    while not endpoint.ready():
        if process.poll() is not None:
            reader.join(_PATIENCE)
            log = "\n".join(last)
            raise EndpointError(
                f"the server of {name} ended with exit code {process.returncode}; its log:\n{log}",
                "see that the class loads the model that it is given",
            )
        time.sleep(0.05)


def _read(process: subprocess.Popen[str], last: deque[str], show: Callable[[str], None] | None) -> None:
    for line in process.stdout or ():
        last.append(line.rstrip("\n"))
        if show:
            show(line.rstrip("\n"))


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _port(wanted: int) -> int:
    """The port, if it is free, or one that is."""
    try:
        with socket.create_server((_HOST, wanted)) as probe:
            return int(probe.getsockname()[1])
    except OSError as error:
        raise ConfigError(f"the port {wanted} is not free: {error.strerror}", "name another one") from error
