"""A docker-registry of a test, and its access log."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.authority import Authority
from tests.support.services import free_port, require_program, wait_until_listening
from tests.support.waiting import eventually

_ACCESS = re.compile(r'^\S+ - \S+ \[[^]]*\] "(\S+) (\S+) HTTP/[\d.]+" (\d+)', re.MULTILINE)


@dataclass
class PrivateRegistry:
    """A docker-registry of one test, and its access log.

    Attributes:
        host: `127.0.0.1:port`, or `name:port`.
        process: the process of the registry.
        log: file with its log.
        seen: number of requests that were returned by `requests`.
    """

    host: str
    process: subprocess.Popen[bytes]
    log: Path
    seen: int = 0

    def requests(self) -> list[str]:
        """`METHOD path status` of each request since the last call, from the access log."""
        sentinel = f"/v2/?{uuid.uuid4().hex}"
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(f"http://{self.host}{sentinel}", timeout=60).close()
        eventually(lambda: any(path == sentinel for _, path, _ in self._accesses()))
        lines = self._accesses()
        fresh, self.seen = lines[self.seen :], len(lines)
        return [f"{method} {path} {status}" for method, path, status in fresh if not path.startswith("/v2/?")]

    def _accesses(self) -> list[tuple[str, str, str]]:
        return _ACCESS.findall(self.log.read_text())


@contextlib.contextmanager
def serve_registry(
    folder: Path,
    auth: dict[str, Any] | None = None,
    tls: Authority | None = None,
    clients: bool = False,
    name: str = "",
) -> Iterator[PrivateRegistry]:
    """Runs a docker-registry for the block, on a free port.

    Args:
        folder: folder for its data.
        auth: its `auth` settings.
        tls: authority that signed its certificate; plain HTTP by default.
        clients: whether clients need a certificate of the same authority.
        name: a name of this machine, on all of whose addresses the registry listens; loopback by default.
    """
    program = require_program("docker-registry")
    folder.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), folder / "log"
    host = f"{name or '127.0.0.1'}:{port}"
    http: dict[str, Any] = {"addr": f"0.0.0.0:{port}" if name else host}
    if tls:
        http["tls"] = {"certificate": str(tls.server), "key": str(tls.server)}
        http["tls"] |= {"clientcas": [str(tls.ca)]} if clients else {}
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": False}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": http,
        "validation": {"manifests": {"urls": {"allow": ["^https://"]}}},  # foreign layers
        **({"auth": auth} if auth else {}),
    }
    (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
    with log.open("wb") as out:
        process = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=out, stderr=out)
    try:
        wait_until_listening(host, process, log)
        yield PrivateRegistry(host, process, log)
    finally:
        process.terminate()
        process.wait(60)
