"""The program that runs a command of an image, as a node of a job or by itself. `launch` sends it to the container.

It needs Python 3.9 or later, and nothing else of the image. Beside it lies the part of our runtime that a node needs.

Source of the interface: `step.py` of the runtime layer, which has the same options.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from fairing_runtime import frameworks, node, node_files, node_handler, outputs  # type: ignore[import-not-found]

_NOT_STARTED = 127  # as of a shell


def main(root: str, argv: list[str]) -> int:
    """Runs the program; gives its exit code.

    Args:
        root: folder with `runtime`.
        argv: the command line: `--node`, `--torchrun` with torchrun's options, or `--executor_input` with KFP's.
    """
    if "--node" in argv[1:2]:
        return _node(root)
    if frameworks.TORCHRUN in argv[1:2]:
        return _torchrun(argv[2:])
    given = json.loads(argv[argv.index("--executor_input") + 1])
    return _command(given if outputs.are_used(os.environ) else outputs.scratch_outputs(given))


def _node(root: str) -> int:
    served = node.Node(root)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, served.on_signal)
    address = ("::" if socket.has_dualstack_ipv6() else "", int(os.environ["FAIRING_PORT"]))
    with node.Server(address, node_handler.handler(served)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return int(served.run())


def _torchrun(options: list[str]) -> int:
    if importlib.util.find_spec("torch"):
        os.execv(sys.executable, [sys.executable, "-m", "torch.distributed.run", *options])  # noqa: S606
    return _failure("torchrun starts the command, but the image has no torch", "use an image with torch", 1)


def _command(given: dict[str, Any]) -> int:
    """Replaces this process by the command, with the paths of artifacts in its words and variables."""
    values = given["inputs"]["parameterValues"]
    paths: dict[str, str] = {}
    for side in ("inputs", "outputs"):
        for name, listed in given[side].get("artifacts", {}).items():
            paths[f"{{{name}}}"] = path = node_files.local_path(listed["artifacts"][0]["uri"])
            if side == "outputs":
                Path(path).parent.mkdir(parents=True, exist_ok=True)

    def filled(text: str) -> str:
        for name, path in paths.items():
            text = text.replace(name, path)
        return text

    words = [filled(word) for word in values["command"]]
    env = {"PYTHONUNBUFFERED": "1", **os.environ}
    if importlib.util.find_spec("fairing_kfp") is None:
        stand_in = str(Path(__file__).resolve().with_name("stand_in"))
        env["PYTHONPATH"] = os.pathsep.join([env.get("PYTHONPATH", ""), stand_in]).strip(os.pathsep)
    if not os.access(env.get("HOME") or "/", os.W_OK):
        env["HOME"] = tempfile.gettempdir()  # the image's is of another user
    env.update({name: filled(value) for name, value in values["env"].items()})
    # Vertex AI's step takes this file for the sign that the outputs are there.
    Path(given["outputs"]["outputFile"]).write_text("{}", encoding="utf-8")
    sys.stdout.flush()
    try:
        os.execvpe(words[0], words, env)  # noqa: S606
    except OSError as error:
        return _failure(f"cannot start {words[0]}: {error.strerror}", "check the command and the image", _NOT_STARTED)


def _failure(problem: str, remedy: str, code: int) -> int:
    print(f"fairing-kfp: {problem}\n  → {remedy}", file=sys.stderr, flush=True)  # noqa: T201 - the log of the container
    return code


if __name__ == "__main__":
    sys.exit(main(str(Path(__file__).resolve().parents[1]), sys.argv))
