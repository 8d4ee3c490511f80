"""Attaching to a container: its standard input and outputs, over a WebSocket.

Protocol: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-connect-get-requests-to-attach-of-pod
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.web_socket import open_web_socket

if TYPE_CHECKING:
    import websocket

_STDIN, _STDOUT, _STDERR = 0, 1, 2  # the first byte of a message
_CHUNK = 1 << 16


class Attachment:
    """Standard input and outputs of a container. One thread may receive while others send.

    Args:
        connection: the open WebSocket.
        on_stderr: called with text that the container writes to standard error.
    """

    def __init__(self, connection: websocket.WebSocket, on_stderr: Callable[[str], None]) -> None:
        self._connection = connection
        self._on_stderr = on_stderr
        self._sending = threading.Lock()

    @property
    def socket(self) -> socket.socket | None:
        """The connection's socket; None once it is closed."""
        return self._connection.sock

    def send(self, data: bytes) -> None:
        """Writes to standard input. The data of two threads is never mixed.

        Raises:
            ConnectionError: the connection broke.
        """
        import websocket

        view = memoryview(data)
        with self._sending:
            try:
                for start in range(0, len(view), _CHUNK):
                    self._connection.send_binary(bytes([_STDIN]) + view[start : start + _CHUNK])
            except (websocket.WebSocketException, OSError, AttributeError) as error:
                raise ConnectionError(str(error)) from error

    def receive(self) -> bytes:
        """Reads from standard output; empty when the container has ended or the connection broke."""
        import websocket

        while True:
            try:
                message = self._connection.recv()
            except (websocket.WebSocketException, OSError, AttributeError):
                return b""
            if not isinstance(message, bytes) or not message:
                return b""
            channel, data = message[0], message[1:]
            if channel == _STDOUT and data:
                return data
            if channel == _STDERR and data:
                self._on_stderr(data.decode(errors="replace"))

    def close(self) -> None:
        """Closes the connection, and with it the container's standard input if that is attached once."""
        import websocket

        with contextlib.suppress(websocket.WebSocketException, OSError):
            self._connection.close(timeout=1)


def attach(
    cluster: Cluster, namespace: str, pod: str, container: str, on_stderr: Callable[[str], None] = lambda text: None
) -> Attachment:
    """Attaches to a running container.

    Args:
        cluster: client of the cluster.
        namespace: namespace of the pod.
        pod: name of the pod.
        container: name of the container, whose specification has `stdin: true`.
        on_stderr: called with text that the container writes to standard error.

    Raises:
        ClusterError: Kubernetes rejects the request, or does not answer.
    """
    query = {"container": container, "stdin": "true", "stdout": "true", "stderr": "true"}
    return Attachment(open_web_socket(cluster, namespace, pod, "attach", query), on_stderr)
