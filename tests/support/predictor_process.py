"""A predictor's server in a process of its own, whose deadlines can be shortened."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import urllib3

PATH = "/v1/models/digits:predict"

_SERVER = r"""
import sys, json
seconds, most, parser, predicts, settings = json.loads(sys.argv[1])
if parser == "h11":
    sys.modules["httptools"] = sys.modules["uvloop"] = sys.modules["msgspec"] = None  # no wheels of them
from fairing_kfp.serving.server import connections, lifecycle, main
assert parser in lifecycle.HttpConnection.__module__
connections._DEADLINES.update(seconds)
connections.ConnectionLimit.__init__.__defaults__ = (most,)
names = {}
exec("def predict(instances):\n " + predicts.replace("\n", "\n "), names)
main.set_up("text", "info")
chosen = main.Settings(host="127.0.0.1", port=0, linger_seconds=0, drain_seconds=1, **settings)
sys.exit(main.run(names["predict"], {"predict": "any"}, "digits", chosen, "1.2.3"))
"""


@dataclass
class Running:
    """A server in a process.

    Attributes:
        port: its port.
        process: the process.
        clients: connections of the test, closed at its end.
    """

    port: int
    process: subprocess.Popen[str]
    clients: list[socket.socket] = field(default_factory=list)
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=60))

    def open(self, text: str = "") -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        client.sendall(text.encode())
        self.clients.append(client)
        return client

    def predict(self, size: int = 1) -> int:
        body = json.dumps({"instances": [0] * size})
        return self.pool.request("POST", f"http://127.0.0.1:{self.port}{PATH}", body=body).status

    def ask(self, *instances: object) -> tuple[int, object]:
        """The status and the result of a prediction."""
        body = json.dumps({"instances": instances})
        answer = self.pool.request("POST", f"http://127.0.0.1:{self.port}{PATH}", body=body)
        return answer.status, answer.json().get("predictions")

    def health(self) -> int:
        """The status of a probe, which opens a connection of its own."""
        with urllib3.PoolManager(retries=False, timeout=60) as pool:
            return pool.request("GET", f"http://127.0.0.1:{self.port}/healthz").status

    def end(self) -> str:
        self.process.terminate()
        return self.process.communicate(timeout=60)[0]


@contextlib.contextmanager
def server(
    seconds: dict[str, float] | None = None,
    most: int = 1000,
    parser: str = "httptools",
    predicts: str = "return instances",
    **settings: int,
) -> Iterator[Running]:
    arguments = json.dumps([seconds or {}, most, parser, predicts, settings])
    process = subprocess.Popen([sys.executable, "-c", _SERVER, arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        (port,) = re.findall(r"port=(\d+)", process.stdout.readline())
        running = Running(int(port), process)
        while "ready" not in process.stdout.readline():
            pass
        yield running
        for client in running.clients:
            client.close()
    finally:
        process.kill()
        process.wait()
