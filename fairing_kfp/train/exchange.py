"""What a train step says to the nodes of its job: files there, files back.

The files pass through the step, because that is what works on every installation of KFP: the step has its inputs and
outputs as files already, user containers hold no credentials of the object store, volumes that several pods can write
are rare, and a Secret ends at 1 MiB.
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
from fairing_kfp.runtime import node_files
from fairing_kfp.runtime.work import Work
from fairing_kfp.train.workload import PORT

T = TypeVar("T")
File = tuple[str, int]
"""A file: its path, and how many bytes it has."""

_WAIT = 20  # seconds, for which a node keeps a question open
_PATIENCE = 120.0  # seconds in which a node that is busy, starting, or does not know a new token yet is asked again
_CONNECT, _READ = 5.0, _WAIT + 40.0  # seconds
_STALLED = 60.0  # seconds in which a node that takes a file may take none of it
_PIECE = 1 << 20  # bytes


def new_token() -> str:
    """A token that this step alone has."""
    return secrets.token_urlsafe(32)


def verifier_of(token: str) -> str:
    """What nodes know a token by."""
    return hashlib.sha256(token.encode()).hexdigest()


def inputs_of(executor_input: dict[str, Any]) -> list[File]:
    """The files of the input artifacts, which lie where KFP's launcher laid them."""
    return [file for place in node_files.input_paths(executor_input) for file in node_files.files_below(place)]


class Node:
    """A node of the job, as the step speaks to it.

    Args:
        address: the pod's IP address.
        token: see `new_token`.
        alive: says whether the pod is still there; one that is not is not asked again.
        patience: seconds in which a node that does not answer is asked again.
        port: where it listens.
    """

    def __init__(
        self, address: str, token: str, alive: Callable[[], bool], patience: float = _PATIENCE, port: int = PORT
    ) -> None:
        self.address = address
        self._host = f"[{address}]" if ":" in address else address
        self._port = port
        self._headers = {"Authorization": f"Bearer {token}"}
        self._alive, self._patience = alive, patience
        # urllib3 sends under the timeout for connecting.
        self._pool = urllib3.PoolManager(
            maxsize=2, retries=False, timeout=urllib3.Timeout(connect=_CONNECT, read=_READ)
        )

    def send(self, files: Sequence[File]) -> None:
        """Lays files where they lie here.

        Args:
            files: see `inputs_of`.

        Raises:
            ExchangeError: a file cannot be read, or the node cannot take it, or does not answer.
        """
        for path, _ in files:
            self._asked(lambda path=path: self._put(path))  # type: ignore[misc]

    def start(self, work: Work) -> None:
        """Has the code run.

        Raises:
            ExchangeError: the node does not answer.
        """
        self._asked(lambda: self._request("POST", "/start", body=work.text().encode()))

    def state(self, seconds: int = _WAIT) -> dict[str, Any]:
        """What the node does: `phase`, `code` and `peers`; after some seconds, or as soon as its code ends.

        Raises:
            ExchangeError: the node does not answer.
        """
        return dict(self._asked(lambda: json.loads(self._request("GET", "/state", {"seconds": str(seconds)}).data)))

    def outputs(self, executor_input: dict[str, Any]) -> list[File]:
        """The files that the code gives out.

        Args:
            executor_input: KFP's, by which this step knows where they belong.

        Raises:
            ExchangeError: the node does not answer, or names what is no output.
        """
        files = [(path, size) for path, size in self._asked(lambda: json.loads(self._request("GET", "/outputs").data))]
        places = node_files.output_paths(executor_input)
        for path, _ in files:
            if not node_files.is_within(path, places):
                raise ExchangeError(f"the node {self.address} gives {path}, which is no output", "run it again")
        return files

    def fetch(self, files: Sequence[File]) -> None:
        """Brings files here, to where they lie there.

        Args:
            files: see `outputs`.

        Raises:
            ExchangeError: a file cannot be written, or the node does not answer.
        """
        for path, _ in files:
            self._asked(lambda path=path: self._get(path))  # type: ignore[misc]

    def end(self) -> None:
        """Lets the node end.

        Raises:
            ExchangeError: the node does not answer.
        """
        self._asked(lambda: self._request("POST", "/end"))

    def _put(self, path: str) -> None:
        with _here("read", path), Path(path).open("rb") as file:
            size = {"Content-Length": str(os.fstat(file.fileno()).st_size)}
            patient = urllib3.Timeout(connect=_STALLED, read=_READ)
            self._request("PUT", "/file", {"path": path}, body=file, headers=size, timeout=patient)

    def _get(self, path: str) -> None:
        response = self._request("GET", "/file", {"path": path}, preload_content=False)
        place, partial = Path(path), ""
        try:
            with _here("written", path):
                place.parent.mkdir(parents=True, exist_ok=True)
                handle, partial = tempfile.mkstemp(dir=place.parent, prefix=".partial-")
                with os.fdopen(handle, "wb") as file:
                    for piece in response.stream(_PIECE):
                        file.write(piece)
                Path(partial).chmod(0o644)
                Path(partial).replace(place)
        finally:
            Path(partial).unlink(missing_ok=True) if partial else None
            response.close()

    def _request(self, method: str, place: str, query: dict[str, str] | None = None, **more: Any) -> Any:
        encoded = urlencode({key: os.fsencode(value) for key, value in (query or {}).items()})
        url = f"http://{self._host}:{self._port}{place}" + (f"?{encoded}" if encoded else "")
        headers = {**self._headers, **more.pop("headers", {})}
        response = self._pool.request(method, url, headers=headers, **more)
        if response.status >= 300:
            words = response.data.decode(errors="replace")
            if response.status == 401:
                raise _UnknownTokenError(words)
            with contextlib.suppress(ValueError, KeyError, TypeError):
                words = json.loads(words)["error"]
            raise ExchangeError(
                f"the node {self.address} answers {method} {place} with {response.status}: {words}",
                "see that the job's pods can write where artifacts lie, and have room there",
            )
        return response

    def _asked(self, ask: Callable[[], T]) -> T:
        give_up, pause = float("inf"), 0.02
        while True:
            try:
                return ask()
            except (urllib3.exceptions.HTTPError, ConnectionError, _UnknownTokenError) as error:
                # Counted from the first failure: what was sent for an hour may break off once, too.
                give_up = min(give_up, time.monotonic() + self._patience)
                if not self._alive() or time.monotonic() > give_up:
                    raise self._failure(error) from error
            time.sleep(pause)
            pause = min(pause * 2, 2)

    def _failure(self, error: Exception) -> ExchangeError:
        if isinstance(error, _UnknownTokenError):
            return ExchangeError(
                f"the node {self.address} does not answer this step, but another one of the same task",
                "see whether another attempt of this task runs",
            )
        return ExchangeError(
            f"the node {self.address} does not answer on port {self._port}: {error}",
            "see that network policies let the pods of this namespace reach each other on that port",
        )


@contextlib.contextmanager
def _here(verb: str, path: str) -> Iterator[None]:
    """Tells errors of this step's own files from those of a connection."""
    try:
        yield
    except ConnectionError:
        raise
    except OSError as error:
        raise ExchangeError(
            f"{error.filename or path} cannot be {verb} in the step's own pod: {error.strerror}",
            "see that it has room for the artifacts that pass through it",
        ) from error


class _UnknownTokenError(Exception):
    """The node does not know the token, or not yet."""
