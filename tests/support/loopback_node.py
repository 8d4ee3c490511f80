"""A node of a training job on the loopback interface, which runs a program of the test."""

from __future__ import annotations

import contextlib
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
from fairing_kfp.train.node_client import verifier_of

TOKEN = "told-to-nobody-else"
PRELUDE = """
import json, os, pathlib, signal, sys, time
given = json.loads(sys.argv[sys.argv.index("--executor_input") + 1])
"""


@dataclass
class Loopback:
    """A running node.

    Attributes:
        node: the node.
        port: port on 127.0.0.1.
        verifier: file with the verifier of the step's token.
        ended: exit code of the node.
    """

    node: Node
    port: int
    verifier: Path
    ended: Future[int]

    def know(self, token: str) -> None:
        """Replaces the accepted token, as Kubernetes does when it updates the file."""
        fresh = self.verifier.with_suffix(".new")
        fresh.write_text(verifier_of(token))
        fresh.replace(self.verifier)


@contextlib.contextmanager
def loopback_node(folder: Path, program: str = "", timeout: float = 60) -> Iterator[Loopback]:
    """Runs a node for the block.

    Args:
        folder: folder for its files.
        program: the program, after `PRELUDE`.
        timeout: how long the node waits for a request of the step, in seconds.
    """
    runtime = folder / "root" / "runtime"
    runtime.mkdir(parents=True)
    (runtime / "step.py").write_text(PRELUDE + textwrap.dedent(program))
    verifier = folder / "verifier"
    node = Node(str(folder / "root"), str(verifier), timeout)
    with Server(("127.0.0.1", 0), node_handler.handler(node)) as server, ThreadPoolExecutor(1) as pool:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        made = Loopback(node, server.server_port, verifier, pool.submit(node.run))
        made.know(TOKEN)
        try:
            yield made
        finally:
            node.on_signal(9)
            node.release()
            server.shutdown()


def executor_input(folder: Path, **inputs: Path) -> dict[str, Any]:
    """KFP's executor input for a step with one output artifact and one output parameter.

    Args:
        folder: folder of the outputs.
        inputs: paths of the input artifacts.
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
