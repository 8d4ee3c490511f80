"""A node of a training job on this machine's loopback, whose code is a program of a test."""

from __future__ import annotations

import contextlib
import hashlib
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairing_kfp.runtime import node_handler
from fairing_kfp.runtime.node import Node, Server
from fairing_kfp.runtime.work import Work

TOKEN = "told-to-nobody-else"
PRELUDE = """
import json, os, pathlib, signal, sys, time
given = json.loads(sys.argv[sys.argv.index("--executor_input") + 1])
"""


@dataclass
class Loopback:
    """A node that listens.

    Attributes:
        node: the node.
        port: where it listens on 127.0.0.1.
        verifier: the file by which it knows its step.
        ended: its exit code.
    """

    node: Node
    port: int
    verifier: Path
    ended: Future[int]

    def know(self, token: str) -> None:
        """Has it know another token, as Kubernetes renews the file."""
        fresh = self.verifier.with_suffix(".new")
        fresh.write_text(hashlib.sha256(token.encode()).hexdigest())
        fresh.replace(self.verifier)


@contextlib.contextmanager
def loopback_node(folder: Path, program: str = "", silence: float = 60) -> Iterator[Loopback]:
    """Starts a node, and ends it.

    Args:
        folder: for its files.
        program: what it runs as its code, after `PRELUDE`.
        silence: seconds for which a step that says nothing is waited for.
    """
    runtime = folder / "root" / "runtime"
    runtime.mkdir(parents=True)
    (runtime / "step.py").write_text(PRELUDE + textwrap.dedent(program))
    verifier = folder / "verifier"
    node = Node(str(folder / "root"), str(verifier), silence)
    with Server(("127.0.0.1", 0), node_handler.handler(node)) as server, ThreadPoolExecutor(1) as pool:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        made = Loopback(node, server.server_port, verifier, pool.submit(node.run))
        made.know(TOKEN)
        try:
            yield made
        finally:
            node.ask_to_end(9)
            node.dismiss()
            server.shutdown()


def executor_input(folder: Path, **inputs: Path) -> dict[str, Any]:
    """KFP's executor input of a step with one output artifact and one output parameter.

    Args:
        folder: where outputs belong.
        inputs: where input artifacts lie.
    """
    return {
        "inputs": {"artifacts": {name: {"artifacts": [{"uri": str(path)}]} for name, path in inputs.items()}},
        "outputs": {
            "outputFile": str(folder / "output_metadata.json"),
            "parameters": {"score": {"outputFile": str(folder / "parameters" / "score")}},
            "artifacts": {"model": {"artifacts": [{"uri": str(folder / "model")}]}},
        },
    }


def work(folder: Path, rank: int = 0, peers: tuple[str, ...] = ("127.0.0.1",), **more: Any) -> Work:
    """Work for a node."""
    return Work(executor_input(folder), rank, peers, **more)
