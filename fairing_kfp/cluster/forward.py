"""Ports of pods, reached from outside the cluster through the API server, as `kubectl port-forward` does.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ (portforward)
"""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import TYPE_CHECKING

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.web_socket import open_web_socket
from fairing_kfp.errors import ClusterError

if TYPE_CHECKING:
    import websocket

_HOST = "127.0.0.1"
_CHUNK = 1 << 16  # bytes
_DATA = 0  # the first byte of a message; the other channel has errors


class Forwarder:
    """Forwards ports of this machine to ports of pods. Threads can share it.

    Needs the permission to get and create `pods/portforward`.

    Args:
        cluster: cluster of the pods.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._listeners: dict[tuple[str, str, int], socket.socket] = {}

    def __enter__(self) -> Forwarder:
        """The forwarder itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops listening."""
        self.close()

    def port(self, namespace: str, pod: str, port: int) -> int:
        """The port on 127.0.0.1 that is forwarded to the port of a pod.

        Args:
            namespace: namespace of the pod.
            pod: name of the pod.
            port: TCP port of the pod.

        Raises:
            ClusterError: the pod does not exist, or the permission is missing.
        """
        with self._lock:
            listener = self._listeners.get((namespace, pod, port))
            if listener is None:
                self._open(namespace, pod, port).close(timeout=0)  # reports a missing pod or permission at once
                listener = socket.create_server((_HOST, 0))
                self._listeners[namespace, pod, port] = listener
                threading.Thread(target=self._accept, args=(listener, namespace, pod, port), daemon=True).start()
            return int(listener.getsockname()[1])

    def close(self) -> None:
        """Stops listening. Open connections last until either side closes them."""
        with self._lock:
            for listener in self._listeners.values():
                with contextlib.suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)  # ends accept
                listener.close()
            self._listeners.clear()

    def _accept(self, listener: socket.socket, namespace: str, pod: str, port: int) -> None:
        while True:
            try:
                local, _ = listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._connect, args=(local, namespace, pod, port), daemon=True).start()

    def _connect(self, local: socket.socket, namespace: str, pod: str, port: int) -> None:
        with local:
            try:
                remote = self._open(namespace, pod, port)
            except ClusterError:
                return  # the client sees a closed connection, and retries
            upload = threading.Thread(target=_upload, args=(local, remote), daemon=True)
            upload.start()
            _download(remote, local)
            with contextlib.suppress(OSError):
                local.shutdown(socket.SHUT_RDWR)  # ends the upload
            upload.join()

    def _open(self, namespace: str, pod: str, port: int) -> websocket.WebSocket:
        return open_web_socket(self._cluster, namespace, pod, "portforward", {"ports": str(port)})


def _upload(local: socket.socket, remote: websocket.WebSocket) -> None:
    """Sends what a client writes; ends the connection when it closes its own."""
    import websocket

    with contextlib.suppress(OSError, websocket.WebSocketException, AttributeError):
        while data := local.recv(_CHUNK):
            remote.send_binary(bytes([_DATA]) + data)
    with contextlib.suppress(OSError, websocket.WebSocketException, AttributeError):
        remote.close(timeout=0)


def _download(remote: websocket.WebSocket, local: socket.socket) -> None:
    """Passes on what the pod sends, until it or the client closes the connection.

    The first message of each channel has the port's number only.
    """
    import websocket

    first = {_DATA, _DATA + 1}
    with contextlib.suppress(OSError, websocket.WebSocketException, AttributeError):
        while isinstance(message := remote.recv(), bytes) and message:
            channel, data = message[0], message[1:]
            if channel in first:
                first.discard(channel)
            elif channel == _DATA:
                local.sendall(data)
            else:
                return  # such as a refused connection
