"""A node of a training job: it waits for the step, receives files and work, runs the code, and serves the outputs.

The step sends HTTP requests to the node, and both authenticate (`handshake`). Kubernetes writes the step's public
number to a file, and updates the file if a retried step has another number. The exit code of the node is that of its
code. The node of rank 0 exits after the step has fetched the outputs. If the step sends other work while the code runs,
since another node was restarted, the node restarts its code with that work.
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
_STEP_TIMEOUT = 1800.0  # seconds without a request of the step, after which the node exits
_LAST_RESPONSE = 0.5  # seconds for sending the last responses before the node exits
_MAX_UNAUTHENTICATED, _AUTHENTICATION_TIMEOUT = 32, 10.0  # connections, and seconds
_GRACE = 10.0  # seconds for the code to exit after SIGTERM, before a restart


class Node:
    """The state of a node, shared by the threads of its server and the thread that runs the code.

    Args:
        root: the folder that contains `runtime`, `code` and `dependencies`.
        verifier: see `VERIFIER`.
        timeout: seconds without a request of the step, after which the node exits.
    """

    def __init__(self, root: str, verifier: str = VERIFIER, timeout: float = _STEP_TIMEOUT) -> None:
        self._root, self._verifier, self._timeout = root, verifier, timeout
        self._changed = threading.Condition()
        self._last_contact = time.monotonic()
        self._work: Work | None = None
        self._code: int | None = None
        self._released = False
        self._signal = 0  # received by the node
        self._active_requests = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._secret = handshake.new_secret()
        self._keys: dict[str, bytes] = {}

    @functools.cached_property
    def public(self) -> str:
        """The node's public number."""
        return handshake.public_of(self._secret)

    def key(self) -> bytes:
        """The key that the node shares with its step; empty if the step's public number is missing or invalid."""
        try:
            with open(self._verifier, encoding="ascii") as file:
                known = file.read().strip()
            if known not in self._keys:
                self._keys[known] = handshake.shared_key(self._secret, known)
        except (OSError, ValueError):
            return b""
        return self._keys[known]

    def record_contact(self) -> None:
        """Resets the time-out, since the step has sent or received data."""
        self._last_contact = time.monotonic()

    @contextlib.contextmanager
    def active_request(self) -> Iterator[None]:
        """Counts a request as active until the end of the block; the node waits for active requests before it exits."""
        with self._changed:
            self._active_requests += 1
        try:
            yield
        finally:
            with self._changed:
                self._active_requests -= 1
                self._changed.notify_all()

    def state(self) -> dict[str, Any]:
        """The `phase`, the exit `code` of the code, which is None before it has exited, and the `peers`."""
        work = self._work
        phase = WAITING if work is None else RUNNING if self._code is None else ENDED
        return {"phase": phase, "code": self._code, "peers": list(work.peers) if work else []}

    def wait(self, seconds: float) -> dict[str, Any]:
        """Waits until the code has exited, for at most these seconds; returns the state."""
        with self._changed:
            self._changed.wait_for(lambda: self._code is not None, seconds)
        self.record_contact()
        return self.state()

    def start(self, work: Work) -> None:
        """Starts the code, or restarts it with other work.

        Nothing happens if the work is the current one, since a step retries requests, or if the code has exited.
        """
        with self._changed:
            if work == self._work or self._code is not None:
                return
            self._work = work
            child = self._child
            self._changed.notify_all()
        if child is not None:
            _send_signal(child, signal.SIGTERM)
            try:
                child.wait(_GRACE)
            except subprocess.TimeoutExpired:
                _send_signal(child, signal.SIGKILL)

    def release(self) -> None:
        """Lets the node exit, after its outputs have been fetched."""
        with self._changed:
            self._released = True
            self._changed.notify_all()

    def outputs(self) -> list[str]:
        """The paths of the outputs of the code."""
        return node_files.output_paths(self._work.executor_input) if self._work else []

    def run(self) -> int:
        """Waits for the work, runs the code, and waits until the step has fetched the outputs.

        Returns:
            The exit code: that of the code, 128 + n after signal n, or 1 if the step does not send requests any more.
        """
        self._wait_until(lambda: self._work is not None)
        work = self._work
        if work is None:
            return self._step_lost("sent no work")
        while self._code is None:
            work = self._work or work
            code = self._run(work)
            with self._changed:
                if work is self._work or self._signal:
                    self._code = code
                    self._changed.notify_all()
                else:
                    print("fairing-kfp: restarting the code, since another node was restarted.", flush=True)
        if self._code == 0 and work.rank == 0 and not self._wait_until(lambda: self._released):
            return self._step_lost("did not fetch the outputs")
        with self._changed:
            self._changed.wait_for(lambda: not self._active_requests, _LAST_RESPONSE)
        return self._code

    def on_signal(self, number: int, frame: types.FrameType | None = None) -> None:
        """Forwards a signal to the code, and stops waiting for the step."""
        self._signal = number
        if self._child is not None:
            _send_signal(self._child, number)

    def _run(self, work: Work) -> int:
        step = os.path.join(self._root, "runtime", "step.py")
        launch = frameworks.launch(work.framework, work.rank, work.peers, work.processes)
        program = [step, *launch.arguments, step] if launch.arguments else [step]
        command = [sys.executable, *program, "--executor_input", json.dumps(work.executor_input)]
        # In a new session, so that signals reach its own child processes too.
        self._child = child = subprocess.Popen(
            command, env=launch.environment(dict(os.environ)), start_new_session=True
        )
        if self._signal:
            _send_signal(child, self._signal)
        elif work is not self._work:
            _send_signal(child, signal.SIGTERM)
        code = child.wait()
        if work is not self._work:
            with contextlib.suppress(OSError):
                os.killpg(child.pid, signal.SIGKILL)  # remaining child processes would conflict with the next run
        return 128 - code if code < 0 else code

    def _wait_until(self, condition: Callable[[], bool]) -> bool:
        """Waits for a condition; returns False after a signal, or after the time-out without a request of the step."""
        with self._changed:
            while not condition():
                if self._signal or time.monotonic() - self._last_contact > self._timeout:
                    return False
                self._changed.wait(0.5)  # a signal handler cannot notify
        return True

    def _step_lost(self, what: str) -> int:
        if self._signal:
            return 128 + self._signal
        print(
            f"fairing-kfp: the train step {what} for {self._timeout / 60:.0f} minutes; the node exits.", file=sys.stderr
        )
        return 1


def _send_signal(child: subprocess.Popen[bytes], number: int) -> None:
    if child.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(child.pid, number)


def main(root: str) -> int:
    """Runs a node; returns its exit code."""
    from . import environment, packed  # they need cloudpickle of the image; the train step imports this module too

    description = packed.description(root)
    problem = environment.python_problem(description) or environment.libc_problem(root, description)
    if problem:
        print(problem, file=sys.stderr)  # before the step sends files
        return 1
    node = Node(root)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, node.on_signal)
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
    """Listens on an address; an IPv6 address accepts IPv4 as well.

    The number and the time of unauthenticated connections are limited: above the limit, the oldest one is closed.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: Any) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._unauthenticated: dict[Any, float] = {}  # by connection the time of its start, the oldest first
        self._lock = threading.Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handles a connection in a thread, and closes the oldest unauthenticated connection if there are too many."""
        with self._lock:
            self._unauthenticated[request] = time.monotonic()
            oldest = next(iter(self._unauthenticated)) if len(self._unauthenticated) > _MAX_UNAUTHENTICATED else None
        if oldest is not None:
            self._reject(oldest)
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """Closes connections that did not authenticate in time."""
        with self._lock:
            oldest = time.monotonic() - _AUTHENTICATION_TIMEOUT
            late = [one for one, since in self._unauthenticated.items() if since < oldest]
        for one in late:
            self._reject(one)

    def set_authenticated(self, request: Any) -> None:
        """Removes a connection from those without authentication."""
        with self._lock:
            self._unauthenticated.pop(request, None)

    def shutdown_request(self, request: Any) -> None:
        """Closes a connection."""
        self.set_authenticated(request)
        super().shutdown_request(request)

    def _reject(self, request: Any) -> None:
        self.set_authenticated(request)
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)  # its thread closes it

    def server_bind(self) -> None:
        """Binds the socket, without the DNS query of the base class."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address[:2])
        self.server_name, self.server_port = "node", self.socket.getsockname()[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Logs nothing for broken connections: the log is that of the user's code."""
