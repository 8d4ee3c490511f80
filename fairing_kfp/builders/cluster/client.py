"""Calls of a builder that runs elsewhere, over one connection, which also carries the layers that it requests."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol

from fairing_kfp.builders.cluster.frames import CHUNK, IDLE, frame
from fairing_kfp.builders.cluster.package import program
from fairing_kfp.builders.cluster.recipe_json import error_from_json, image_to_json
from fairing_kfp.builders.progress import Progress, Transfer
from fairing_kfp.errors import FairingError
from fairing_kfp.image.image import AnyImage
from fairing_kfp.image.layer import Layer

_FEEDERS = 2


class Channel(Protocol):
    """A connection to the standard input and output of the program."""

    def send(self, data: bytes) -> None:
        """Writes to its standard input; raises ConnectionError if the connection broke."""
        ...

    def receive(self) -> bytes:
        """Reads from its standard output; empty at the end."""
        ...

    def close(self) -> None:
        """Closes the connection."""
        ...


@dataclass(frozen=True)
class ServerSettings:
    """Settings of the program.

    Attributes:
        repository: where images are pushed, as `registry/repository`.
        insecure: registries that are reached over plain HTTP.
        ca: certificates (PEM) to trust in addition to the system's.
    """

    repository: str
    insecure: tuple[str, ...] = ()
    ca: str = ""


class BrokenConnectionError(Exception):
    """The connection to the program ended before it replied."""


class BuildClient:
    """Calls the program at the other end of a channel.

    Args:
        channel: the connection.
        settings: the settings of the program.
        progress: called with layers as they move.
        upload: puts a layer into a store, and returns a URL that the program can download it from; None to send
            layers over the connection.
    """

    def __init__(
        self,
        channel: Channel,
        settings: ServerSettings,
        progress: Progress,
        upload: Callable[[Layer, Callable[[int], None]], str] | None = None,
    ) -> None:
        self._channel, self._progress, self._upload = channel, progress, upload
        self._numbers = itertools.count()
        self._pending: dict[int, Future[Any]] = {}
        self._layers: dict[str, Layer] = {}
        self._failed: dict[str, FairingError] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._feeders = ThreadPoolExecutor(_FEEDERS, thread_name_prefix="fairing-kfp-feed")
        ready: Future[Any] = Future()
        self._pending[-1] = ready
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._keep_alive, daemon=True).start()
        self._send(program() + frame({"settings": vars(settings)}))
        ready.result()

    def call(self, method: str, image: AnyImage) -> Any:
        """Calls a method of the builder with an image.

        Args:
            method: `check`, `plan` or `publish`.
            image: its base is a reference, not a Dockerfile.

        Raises:
            FairingError: the call raised it, or a layer cannot be read here.
            BrokenConnectionError: the connection ended before the reply.
        """
        future: Future[Any] = Future()
        with self._lock:
            if self._ended.is_set():
                raise BrokenConnectionError
            number = next(self._numbers)
            self._pending[number] = future
            self._layers.update({layer.digest: layer for one in image.images for layer in one.layers})
        self._send(frame({"id": number, "call": method, "image": image_to_json(image)}))
        try:
            return future.result()
        except FairingError:
            failed = [self._failed[layer.digest] for one in image.images for layer in one.layers
                      if layer.digest in self._failed]  # fmt: skip
            if failed:
                raise failed[0] from None
            raise

    def close(self) -> None:
        """Ends the program and the connection."""
        with contextlib.suppress(BrokenConnectionError):
            self._send(frame({"end": True}))
        self._ended.wait(5)
        self._channel.close()
        self._feeders.shutdown(cancel_futures=True)

    def _send(self, data: bytes) -> None:
        try:
            self._channel.send(data)
        except ConnectionError as error:
            self._end()
            raise BrokenConnectionError from error

    def _read(self) -> None:
        try:
            for line in _lines(self._channel):
                self._handle(json.loads(line))
        finally:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self._ended.set()
            pending, self._pending = self._pending, {}
        for future in pending.values():
            future.set_exception(BrokenConnectionError())

    def _handle(self, reply: Mapping[str, Any]) -> None:
        if "want" in reply:
            self._feeders.submit(self._feed, self._layers[reply["want"]])
        elif "transfer" in reply:
            self._progress(Transfer(**reply["transfer"]))
        else:
            with self._lock:
                future = self._pending.pop(reply.get("id", -1))
            if "error" in reply:
                future.set_exception(error_from_json(reply["error"]))
            else:
                future.set_result(reply.get("result"))

    def _feed(self, layer: Layer) -> None:
        transfer = Transfer(layer.name, layer.digest, layer.size)
        with contextlib.suppress(BrokenConnectionError):
            try:
                if self._upload:
                    url = self._upload(layer, lambda done: self._progress(replace(transfer, done=done)))
                    self._send(frame({"layer": layer.digest, "url": url, "last": True}))
                    return
                with layer.open() as file:
                    sent = 0
                    while chunk := file.read(CHUNK):
                        self._send(frame({"layer": layer.digest}, chunk))
                        sent += len(chunk)
                        self._progress(replace(transfer, done=sent))
                self._send(frame({"layer": layer.digest, "last": True}))
            except FairingError as error:
                self._failed[layer.digest] = error
                self._send(frame({"layer": layer.digest, "failed": True, "last": True}))

    def _keep_alive(self) -> None:
        """Load balancers cut silent connections, and the program ends if nobody seems to wait for it."""
        with contextlib.suppress(BrokenConnectionError):
            while not self._ended.wait(IDLE / 8):
                self._send(frame({"ping": True}))


def _lines(channel: Channel) -> Iterator[bytes]:
    rest = b""
    while data := channel.receive():
        *complete, rest = (rest + data).split(b"\n")
        yield from complete
