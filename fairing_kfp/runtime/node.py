"""A node of a training job: it waits for its step, takes what that sends, runs the code and gives back what it made.

The step speaks to it by HTTP, and shows by a token that it is the step: the node knows the SHA-256 of that token, which
Kubernetes lays into a file and renews when a retried step has another token. Its end is the node's: the code's exit
code. The node of rank 0 ends only when its outputs were fetched.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from http.server import ThreadingHTTPServer
from typing import Any

from . import node_files, node_handler
from .frameworks import means
from .work import Work

VERIFIER = "/run/fairing/verifier"
"""The file with the SHA-256 of the step's token, in hexadecimal digits."""

WAITING, RUNNING, ENDED = "waiting", "running", "ended"
_SILENCE = 1800.0  # seconds without a word of the step, after which nobody is waited for any more
_LAST_ANSWER = 0.5  # seconds in which the answer to the step's last word gets through


class Node:
    """A node's state; the threads of its server and the one that runs the code share it.

    Args:
        root: the folder that holds `runtime`, `code` and `dependencies`.
        verifier: see `VERIFIER`.
        silence: seconds for which a step that says nothing is waited for.
    """

    def __init__(self, root: str, verifier: str = VERIFIER, silence: float = _SILENCE) -> None:
        self._root, self._verifier, self._silence = root, verifier, silence
        self._changed = threading.Condition()
        self._heard = time.monotonic()
        self._work: Work | None = None
        self._code: int | None = None
        self._dismissed = False
        self._asked_to_end = 0
        self._child: subprocess.Popen[bytes] | None = None

    def knows(self, token: str) -> bool:
        """Whether it is the step who speaks."""
        try:
            with open(self._verifier, encoding="ascii") as file:
                known = file.read().strip()
        except OSError:
            return False
        right = hmac.compare_digest(hashlib.sha256(token.encode()).hexdigest(), known)
        if right:
            self._heard = time.monotonic()
        return right

    def state(self) -> dict[str, Any]:
        """What the node does, and the exit code of its code when that has ended."""
        phase = WAITING if self._work is None else RUNNING if self._code is None else ENDED
        return {"phase": phase, "code": self._code}

    def wait(self, seconds: float) -> dict[str, Any]:
        """The state as soon as the code has ended, or after some seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._code is not None, seconds)
        self._heard = time.monotonic()
        return self.state()

    def start(self, work: Work) -> None:
        """Has the code run; again is harmless, as a step may not know whether it was heard."""
        with self._changed:
            self._work = self._work or work
            self._changed.notify_all()

    def dismiss(self) -> None:
        """Lets the node end, as its outputs were fetched."""
        with self._changed:
            self._dismissed = True
            self._changed.notify_all()

    def outputs(self) -> list[str]:
        """The paths that hold what the code gives out."""
        return node_files.output_paths(self._work.executor_input) if self._work else []

    def run(self) -> int:
        """Waits for the step, runs the code, and waits for the outputs to be fetched; gives the exit code."""
        self._until(lambda: self._work is not None)
        work = self._work
        if work is None:
            return self._gone("sent no work")
        code = self._run(work)
        with self._changed:
            self._code = code
            self._changed.notify_all()
        if code == 0 and work.rank == 0 and not self._until(lambda: self._dismissed):
            return self._gone("did not fetch the outputs")
        time.sleep(_LAST_ANSWER)
        return code

    def ask_to_end(self, number: int, frame: types.FrameType | None = None) -> None:
        """Hands a signal on to the code, and waits for nobody any more."""
        self._asked_to_end = number
        if self._child is not None:
            self._child.send_signal(number)

    def _run(self, work: Work) -> int:
        step = os.path.join(self._root, "runtime", "step.py")
        how = means(work.framework, work.rank, work.peers, work.processes)
        launcher = [step, *how.before] if how.before else []
        command = [sys.executable, *launcher, step, "--executor_input", json.dumps(work.executor_input)]
        self._child = subprocess.Popen(command, env=how.environment(dict(os.environ)))
        if self._asked_to_end:
            self._child.send_signal(self._asked_to_end)
        code = self._child.wait()
        return 128 - code if code < 0 else code

    def _until(self, holds: Any) -> bool:
        """Waits until something holds; says whether it does, or nobody is waited for any more."""
        with self._changed:
            while not holds():
                if self._asked_to_end or time.monotonic() - self._heard > self._silence:
                    return False
                self._changed.wait(0.5)
        return True

    def _gone(self, what: str) -> int:
        if self._asked_to_end:
            return 128 + self._asked_to_end
        print(f"fairing-kfp: the train step {what} for {self._silence / 60:.0f} minutes; it is gone.", file=sys.stderr)
        return 1


def main(root: str) -> int:
    """Is a node until its work is done; gives the exit code."""
    node = Node(root)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, node.ask_to_end)
    port = int(os.environ["FAIRING_PORT"])
    with _Server(("::" if socket.has_dualstack_ipv6() else "", port), node_handler.handler(node)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return node.run()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: Any) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address[:2])
        self.server_name, self.server_port = "node", self.server_address[1]
