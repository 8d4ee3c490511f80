"""A predictor's server on this machine, started from the layers of its image."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.errors import ConfigError, EndpointError
from fairing_kfp.frozen import dataclass
from fairing_kfp.local.process import signal_all, start_process
from fairing_kfp.serving.client.endpoint import Endpoint

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.cache.store import Cache
    from fairing_kfp.local.image import LocalImage
    from fairing_kfp.local.launch import Launch
    from fairing_kfp.preprocess.source import ComponentSource
    from fairing_kfp.settings import BuilderSettingOptions

_HOST = "127.0.0.1"
_LAST_LINES = 40
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Server:
    """A server that is ready.

    Attributes:
        endpoint: client of the server.
        process: the server's process.
    """

    endpoint: Endpoint
    process: subprocess.Popen[str]


@contextlib.contextmanager
def serve_locally(
    predictor: ComponentSource,
    model: str | os.PathLike[str] | None = None,
    *,
    port: int = 0,
    cache: Cache | None = None,
    **settings: Unpack[BuilderSettingOptions],
) -> Iterator[Endpoint]:
    """Serves a predictor on this machine; see `Predictor.here`."""
    image = server_image(predictor, cache, **settings)
    with start_server(image.launch, model, port=port) as server:
        yield server.endpoint


def server_image(
    predictor: ComponentSource, cache: Cache | None = None, **settings: Unpack[BuilderSettingOptions]
) -> LocalImage:
    """The local image of a predictor's server, with packages resolved for this machine.

    Args:
        predictor: source of the predictor.
        cache: cache on disk; the user's by default.
        settings: as for `fairing_kfp.compile`.

    Raises:
        FairingError: the predictor cannot be packed, or its packages cannot be resolved.
    """
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.dependencies.pipeline_lock import PipelineLock
    from fairing_kfp.local.image import unpacked_image
    from fairing_kfp.local.secrets import check_secrets
    from fairing_kfp.settings import Settings

    chosen, cache = Settings.load(**settings), cache or Cache()
    check_secrets([predictor])
    path = Path(chosen.lock) if chosen.lock else predictor.code.folder / "fairing.lock"
    return unpacked_image(predictor, chosen, cache, PipelineLock(cache, path))


@contextlib.contextmanager
def start_server(
    launch: Launch,
    model: str | os.PathLike[str] | None = None,
    *,
    port: int = 0,
    log_line: Callable[[str], None] | None = None,
) -> Iterator[Server]:
    """Starts a server on loopback, waits until it is ready, and stops it when the block ends.

    Args:
        launch: starts the server; see `fairing_kfp.local.image.unpacked_image`.
        model: file or folder to pass to `load`.
        port: port to listen on; 0 for a free one.
        log_line: called with each line of the server's log.

    Raises:
        ConfigError: the model does not exist, or the port is in use.
        EndpointError: the server exited before it was ready; the message contains the end of its log.
    """
    path = None if model is None else Path(model).absolute()
    if path is not None and not path.exists():
        raise ConfigError(f"the model {path} does not exist", "name a file or folder that load can read")
    chosen = _free_port(port)
    env = {
        "FAIRING_LOG": "text",
        "FAIRING_LINGER_SECONDS": "0",
        "FAIRING_DEBUG": "1",
        **launch.env,
        "FAIRING_HOST": _HOST,
        "FAIRING_PORT": str(chosen),
        **({"FAIRING_MODEL_PATH": str(path)} if path else {}),
    }
    tail: deque[str] = deque(maxlen=_LAST_LINES)
    with tempfile.TemporaryDirectory(prefix="fairing-serve-") as folder:
        process = start_process(launch.command, env, folder)
        reader = threading.Thread(target=_read, args=(process, tail, log_line), daemon=True)
        reader.start()
        endpoint = Endpoint(f"http://{_HOST}:{chosen}", launch.name)
        try:
            _wait(launch.name, process, endpoint, reader, tail)
            yield Server(endpoint, process)
        finally:
            endpoint.close()
            _stop(process)
            reader.join(_STOP_SECONDS)


def _wait(
    name: str, process: subprocess.Popen[str], endpoint: Endpoint, reader: threading.Thread, tail: deque[str]
) -> None:
    while not endpoint.ready():
        if process.poll() is not None:
            reader.join(_STOP_SECONDS)
            log = "\n".join(tail)
            raise EndpointError(
                f"the server of {name} exited with code {process.returncode}; its log:\n{log}",
                "check that load can read the model",
            )
        time.sleep(_POLL_SECONDS)


def _read(process: subprocess.Popen[str], tail: deque[str], log_line: Callable[[str], None] | None) -> None:
    for line in process.stdout or ():
        tail.append(line.rstrip("\n"))
        if log_line:
            log_line(line.rstrip("\n"))


def _stop(process: subprocess.Popen[str]) -> None:
    """Stops a server as Kubernetes does: SIGTERM is for its process alone, and SIGKILL for all that is left.

    A worker of `multiprocessing.Pool` that ends by SIGTERM can leave a lock behind, for which the server would wait.
    """
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    signal_all(process, signal.SIGKILL)
    process.wait()


def _free_port(wanted: int) -> int:
    """The wanted port, or any free port for 0."""
    try:
        with socket.create_server((_HOST, wanted)) as probe:
            return int(probe.getsockname()[1])
    except OSError as error:
        raise ConfigError(f"cannot listen on port {wanted}: {error.strerror}", "choose another port") from error
