"""A node of a training job: it waits for its step, takes what that sends, runs the code and gives back what it made.

The step speaks to it by HTTP, and both show who they are (`handshake`): the node knows the public number that belongs
to the step's secret one, which Kubernetes lays into a file and renews when a retried step has another. Its end is the
node's: the code's exit code. The node of rank 0 ends only when its outputs were fetched. A node that is told other work
while its code runs, as another node was started anew, begins anew with that.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from typing import Any

from . import frameworks, handshake, node_files, node_handler
from .work import Work

VERIFIER = "/run/fairing/verifier"
"""The file with the step's public number, in hexadecimal digits."""

WAITING, RUNNING, ENDED = "waiting", "running", "ended"
_SILENCE = 1800.0  # seconds without a word of the step, after which nobody is waited for any more
_LAST_ANSWER = 0.5  # seconds in which the answers to the step's last words get through
_STRANGERS, _STRANGER_SECONDS = 32, 10.0
_GRACE = 10.0  # seconds in which code ends that begins anew


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
        self._answering = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._secret = handshake.new_secret()
        self._keys: dict[str, bytes] = {}

    @functools.cached_property
    def public(self) -> str:
        """The node's public number."""
        return handshake.public_of(self._secret)

    def key(self) -> bytes:
        """The key that the node has in common with its step; empty where it knows of none."""
        try:
            with open(self._verifier, encoding="ascii") as file:
                known = file.read().strip()
            if known not in self._keys:
                self._keys[known] = handshake.shared_key(self._secret, known)
        except (OSError, ValueError):
            return b""
        return self._keys[known]

    def hear(self) -> None:
        """Notes that the step is there: something of it came, or was taken."""
        self._heard = time.monotonic()

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """While a request is answered, for whose end the node waits before its own."""
        with self._changed:
            self._answering += 1
        try:
            yield
        finally:
            with self._changed:
                self._answering -= 1
                self._changed.notify_all()

    def state(self) -> dict[str, Any]:
        """What the node does, with which peers, and the exit code of its code when that has ended."""
        work = self._work
        phase = WAITING if work is None else RUNNING if self._code is None else ENDED
        return {"phase": phase, "code": self._code, "peers": list(work.peers) if work else []}

    def wait(self, seconds: float) -> dict[str, Any]:
        """The state as soon as the code has ended, or after some seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._code is not None, seconds)
        self.hear()
        return self.state()

    def start(self, work: Work) -> None:
        """Has the code run, or begin anew with other work; what it does already it goes on with.

        A step may not know whether it was heard, and says the same again.
        """
        with self._changed:
            if work == self._work or self._code is not None:
                return
            self._work = work
            child = self._child
            self._changed.notify_all()
        if child is not None:
            _signal(child, signal.SIGTERM)
            try:
                child.wait(_GRACE)
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)

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
        while self._code is None:
            work = self._work or work
            code = self._run(work)
            with self._changed:
                if work is self._work or self._asked_to_end:
                    self._code = code
                    self._changed.notify_all()
                else:
                    print("fairing-kfp: the code begins anew, as another node does.", flush=True)
        if self._code == 0 and work.rank == 0 and not self._until(lambda: self._dismissed):
            return self._gone("did not fetch the outputs")
        with self._changed:
            self._changed.wait_for(lambda: not self._answering, _LAST_ANSWER)
        return self._code

    def ask_to_end(self, number: int, frame: types.FrameType | None = None) -> None:
        """Hands a signal on to the code, and waits for nobody any more."""
        self._asked_to_end = number
        if self._child is not None:
            _signal(self._child, number)

    def _run(self, work: Work) -> int:
        step = os.path.join(self._root, "runtime", "step.py")
        told = frameworks.means(work.framework, work.rank, work.peers, work.processes)
        started = [step, *told.before, step] if told.before else [step]
        command = [sys.executable, *started, "--executor_input", json.dumps(work.executor_input)]
        # A session of its own, so that signals reach what it starts itself, too.
        self._child = child = subprocess.Popen(command, env=told.environment(dict(os.environ)), start_new_session=True)
        if self._asked_to_end:
            _signal(child, self._asked_to_end)
        elif work is not self._work:
            _signal(child, signal.SIGTERM)
        code = child.wait()
        if work is not self._work:
            with contextlib.suppress(OSError):
                os.killpg(child.pid, signal.SIGKILL)  # what it left running would be in the next one's way
        return 128 - code if code < 0 else code

    def _until(self, holds: Callable[[], bool]) -> bool:
        """Waits until something holds; says whether it does, or nobody is waited for any more."""
        with self._changed:
            while not holds():
                if self._asked_to_end or time.monotonic() - self._heard > self._silence:
                    return False
                self._changed.wait(0.5)  # a signal cannot notify
        return True

    def _gone(self, what: str) -> int:
        if self._asked_to_end:
            return 128 + self._asked_to_end
        print(f"fairing-kfp: the train step {what} for {self._silence / 60:.0f} minutes; it is gone.", file=sys.stderr)
        return 1


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    if child.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(child.pid, number)


def main(root: str) -> int:
    """Is a node until its work is done; gives the exit code."""
    from . import environment, packed  # which only an image has whole; the step knows this module, too

    described = packed.description(root)
    problem = environment.python_problem(described) or environment.libc_problem(root, described)
    if problem:
        print(problem, file=sys.stderr)  # before anything is sent here
        return 1
    node = Node(root)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, node.ask_to_end)
    port = int(os.environ["FAIRING_PORT"])
    try:
        server = Server(("::" if socket.has_dualstack_ipv6() else "", port), node_handler.handler(node))
    except OSError as error:
        print(f"fairing-kfp: this node cannot listen on port {port}: {error.strerror}.", file=sys.stderr)
        return 1
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return node.run()


class Server(ThreadingHTTPServer):
    """Listens on one address, for IPv4 as well where it is one of IPv6.

    Connections that have not shown to be of the step are few, and short: of too many the oldest is closed.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: Any) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._strangers: dict[Any, float] = {}  # since when each is there, the oldest first
        self._lock = threading.Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Has a thread answer a connection, and closes the oldest of strangers if there are too many."""
        with self._lock:
            self._strangers[request] = time.monotonic()
            oldest = next(iter(self._strangers)) if len(self._strangers) > _STRANGERS else None
        if oldest is not None:
            self._turn_away(oldest)
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """Closes strangers that have been there for too long."""
        with self._lock:
            late = [one for one, since in self._strangers.items() if time.monotonic() - since > _STRANGER_SECONDS]
        for one in late:
            self._turn_away(one)

    def welcome(self, request: Any) -> None:
        """Notes that a connection is of the step."""
        with self._lock:
            self._strangers.pop(request, None)

    def shutdown_request(self, request: Any) -> None:
        """Closes a connection."""
        self.welcome(request)
        super().shutdown_request(request)

    def _turn_away(self, request: Any) -> None:
        self.welcome(request)
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)  # its thread closes it

    def server_bind(self) -> None:
        """Binds, without asking DNS for a name."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address[:2])
        self.server_name, self.server_port = "node", self.socket.getsockname()[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of connections that break: the log is the code's."""
