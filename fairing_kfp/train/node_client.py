"""The HTTP client of a job's node: sends it the input files, starts its code, and fetches the output files.

Files are transferred through the step, which works on every installation of KFP: the step has inputs and outputs as
files, user containers have no credentials for the object store, volumes that several pods can write are rare, and
Secrets are limited to 1 MiB.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import urllib3

from fairing_kfp.errors import ExchangeError
from fairing_kfp.runtime import handshake, node_files
from fairing_kfp.runtime.work import Work
from fairing_kfp.train.node_connection import NodePool, UnknownTokenError
from fairing_kfp.train.pod_template import PORT

T = TypeVar("T")
File = tuple[str, int]
"""Path of a file, and its size in bytes."""

_LONG_POLL = 20  # seconds until a node answers that its state is unchanged
_PATIENCE = 120.0  # seconds of retries, for a node that is busy, starting, or does not know a new token yet
_CONNECT, _READ = 5.0, _LONG_POLL + 40.0  # seconds
_STALLED = 60.0  # seconds without progress until sending a file fails
_CHUNK = 1 << 20  # bytes


def new_token() -> str:
    """A random token, known to this step only."""
    return secrets.token_urlsafe(32)


def verifier_of(token: str) -> str:
    """The public number of a token, by which nodes recognize the step."""
    return handshake.public_of(handshake.secret_of(token))


def inputs_of(executor_input: dict[str, Any]) -> list[File]:
    """The files of the input artifacts, at the paths where KFP's launcher downloaded them."""
    return [file for path in node_files.input_paths(executor_input) for file in node_files.files_below(path)]


class Node:
    """A node of the job.

    Args:
        address: IP address of the pod.
        token: token of the step; see `new_token`.
        alive: returns whether the container still runs; requests are retried only then.
        patience: how long a failed request is retried, in seconds.
        port: TCP port of the node.
    """

    def __init__(
        self, address: str, token: str, alive: Callable[[], bool], patience: float = _PATIENCE, port: int = PORT
    ) -> None:
        self.address = address
        self._port = port
        self._alive, self._patience = alive, patience
        # urllib3 applies the connect timeout to sending the body.
        timeout = urllib3.Timeout(connect=_CONNECT, read=_READ)
        self._pool = NodePool(address, port, maxsize=2, retries=False, timeout=timeout, token=token)

    def send(self, files: Sequence[File]) -> None:
        """Sends files to the same paths on the node.

        Args:
            files: see `inputs_of`.

        Raises:
            ExchangeError: a file cannot be read, the node cannot write it, or the node does not answer.
        """
        for path, _ in files:
            self._retried(lambda path=path: self._put(path))  # type: ignore[misc]

    def start(self, work: Work) -> None:
        """Starts the code, or restarts it.

        Args:
            work: ExecutorInput, rank and peers of the node.

        Raises:
            ExchangeError: the node does not answer.
        """
        body = work.text().encode()
        query = {"sha256": hashlib.sha256(body).hexdigest()}
        self._retried(lambda: self._request("POST", "/start", query, body=body))

    def state(self, seconds: int = _LONG_POLL) -> dict[str, Any]:
        """The state of the node: `phase`, exit `code` and `peers`.

        Args:
            seconds: how long the node may wait for its code to exit before it answers.

        Raises:
            ExchangeError: the node does not answer.
        """
        return dict(self._retried(lambda: json.loads(self._request("GET", "/state", {"seconds": str(seconds)}).data)))

    def outputs(self, executor_input: dict[str, Any]) -> list[File]:
        """The output files of the code.

        Args:
            executor_input: KFP's ExecutorInput, with the paths of the outputs.

        Raises:
            ExchangeError: the node does not answer, or lists a file that is not an output.
        """
        files = [
            (path, size) for path, size in self._retried(lambda: json.loads(self._request("GET", "/outputs").data))
        ]
        paths = node_files.output_paths(executor_input)
        for path, _ in files:
            if not node_files.is_within(path, paths):
                raise ExchangeError(
                    f"node {self.address} lists {path}, which is not an output of this step", "run the pipeline again"
                )
        return files

    def fetch(self, files: Sequence[File]) -> None:
        """Fetches files to the same paths on this machine.

        Args:
            files: see `outputs`.

        Raises:
            ExchangeError: a file cannot be written, or the node does not answer.
        """
        for path, _ in files:
            self._retried(lambda path=path: self._get(path))  # type: ignore[misc]

    def end(self) -> None:
        """Ends the node's container.

        Raises:
            ExchangeError: the node does not answer.
        """
        self._retried(lambda: self._request("POST", "/end"))

    def _put(self, path: str) -> None:
        with _local_errors("read", path), Path(path).open("rb") as file:
            size = {"Content-Length": str(os.fstat(file.fileno()).st_size)}
            timeout = urllib3.Timeout(connect=_STALLED, read=_READ)
            self._request("PUT", "/file", {"path": path}, body=file, headers=size, timeout=timeout)

    def _get(self, path: str) -> None:
        response = self._request("GET", "/file", {"path": path}, preload_content=False)
        target, partial = Path(path), ""
        try:
            with _local_errors("write", path):
                target.parent.mkdir(parents=True, exist_ok=True)
                handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".partial-")
                with os.fdopen(handle, "wb") as file:
                    for chunk in response.stream(_CHUNK):
                        file.write(chunk)
                Path(partial).chmod(0o644)
                Path(partial).replace(target)
        finally:
            Path(partial).unlink(missing_ok=True) if partial else None
            response.close()

    def _request(self, method: str, resource: str, query: dict[str, str] | None = None, **more: Any) -> Any:
        encoded = urlencode({key: os.fsencode(value) for key, value in (query or {}).items()})
        response = self._pool.request(method, resource + (f"?{encoded}" if encoded else ""), **more)
        if response.status >= 300:
            message = response.data.decode(errors="replace")
            if response.status == 401:
                raise UnknownTokenError(message)
            with contextlib.suppress(ValueError, KeyError, TypeError):
                message = json.loads(message)["error"]
            raise ExchangeError(
                f"node {self.address} answered {method} {resource} with {response.status}: {message}",
                "check that the job's pods can write to the folders of the artifacts, and have enough disk space",
            )
        return response

    def _retried(self, request: Callable[[], T]) -> T:
        give_up, pause = float("inf"), 0.02
        while True:
            try:
                return request()
            except (urllib3.exceptions.HTTPError, ConnectionError, UnknownTokenError) as error:
                # From the first failure on, since a file may be sent for longer than the patience before it fails.
                give_up = min(give_up, time.monotonic() + self._patience)
                if not self._alive() or time.monotonic() > give_up:
                    raise self._failure(error) from error
            time.sleep(pause)
            pause = min(pause * 2, 2)

    def _failure(self, error: Exception) -> ExchangeError:
        if isinstance(error, UnknownTokenError):
            return ExchangeError(
                f"node {self.address} rejects this step's token: it belongs to another attempt of the task",
                "check whether another attempt of this task runs",
            )
        return ExchangeError(
            f"node {self.address} does not answer on port {self._port}: {error}",
            "check that network policies allow connections between the pods of this namespace on that port",
        )


@contextlib.contextmanager
def _local_errors(verb: str, path: str) -> Iterator[None]:
    """Converts errors of files on this machine, but not those of the connection."""
    try:
        yield
    except ConnectionError:
        raise
    except OSError as error:
        raise ExchangeError(
            f"cannot {verb} {error.filename or path} in the step's pod: {error.strerror}",
            "check that the pod has enough disk space for its artifacts",
        ) from error
