"""The program of the Job: calls the append builder for an author's machine that cannot reach the registry.

Requests come as frames on standard input, and replies go as lines of JSON to standard output. Bytes of layers are
requested one by one, when the registry lacks them.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.builders.cluster.frames import IDLE, read_frame
from fairing_kfp.builders.cluster.received import ReceivedLayers
from fairing_kfp.builders.cluster.recipe_json import error_to_json, image_from_json
from fairing_kfp.builders.progress import Transfer
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import FairingError, ImageError
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.tls import Tls

_WORKERS = 8
_PAUSE = 0.5  # seconds between reports of layers that are copied from another registry


class Replies:
    """Writes replies, each as one line.

    Args:
        file: standard output.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def write(self, **reply: Any) -> None:
        """Writes a reply."""
        line = json.dumps(reply, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()


class BuildServer:
    """Serves one author's machine.

    Args:
        settings: `repository`, `insecure` and `ca`, as the first frame has them.
        folder: a folder for the cache.
        replies: receives the replies.
    """

    def __init__(self, settings: Mapping[str, Any], folder: Path, replies: Replies) -> None:
        self._replies = replies
        self._reported = 0.0
        ca = folder / "ca.pem"
        ca.write_text(settings["ca"], encoding="utf-8")
        client = RegistryClient(insecure=settings["insecure"], tls=Tls(str(ca) if settings["ca"] else None))
        cache = Cache.temporary(folder / "cache")
        self._builder = AppendBuilder(settings["repository"], cache=cache, client=client, progress=self._report)
        self._methods = {one.__name__: one for one in (self._builder.check, self._builder.plan, self._builder.publish)}
        self._layers = ReceivedLayers(lambda digest: replies.write(want=digest))
        self._pool = ThreadPoolExecutor(_WORKERS)

    def handle(self, header: dict[str, Any], data: bytes) -> None:
        """Handles a frame; calls run in threads."""
        if "call" in header:
            self._pool.submit(self._call, header)
        elif "layer" in header:
            self._layers.receive(header, data)

    def _call(self, header: Mapping[str, Any]) -> None:
        try:
            image = image_from_json(header["image"], self._layers.open)
            result = self._methods[header["call"]](image)
            reply = {"result": dataclasses.asdict(result) if dataclasses.is_dataclass(result) else result}
        except FairingError as error:
            reply = {"error": error_to_json(error)}
        except Exception as error:  # the author's machine would wait forever
            reply = {"error": error_to_json(ImageError(f"the build failed: {error!r}", "report this, with the log"))}
        self._replies.write(id=header["id"], **reply)

    def _report(self, transfer: Transfer) -> None:
        """Reports a layer that has arrived in the registry; until then, only layers that are copied from elsewhere."""
        now = time.monotonic()
        if transfer.state == "moving":
            if transfer.name != "base" or now - self._reported < _PAUSE:
                return
            self._reported = now
        self._replies.write(transfer=dataclasses.asdict(transfer))


def main() -> int:
    """Serves standard input until its end, or until no frame arrives for two minutes."""
    signal.signal(signal.SIGALRM, _give_up)
    replies = Replies(sys.stdout.buffer)
    with tempfile.TemporaryDirectory(prefix="fairing-kfp-") as folder:
        server = None
        while True:
            signal.alarm(IDLE)
            read = read_frame(sys.stdin.buffer)
            if read is None:
                sys.stderr.write("the connection to the author's machine ended\n")
                return 1
            header, data = read
            if "end" in header:
                return 0
            if "settings" in header:
                server = BuildServer(header["settings"], Path(folder), replies)
                replies.write(ready=True)
            elif server is not None:
                server.handle(header, data)


def _give_up(*_: object) -> None:
    sys.stderr.write(f"the author's machine has sent nothing for {IDLE} seconds\n")
    sys.stderr.flush()
    os._exit(1)


def run() -> None:
    """Runs the program, and exits without waiting for threads."""
    code = main()
    sys.stderr.flush()
    os._exit(code)
