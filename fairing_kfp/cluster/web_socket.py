"""WebSockets to the API server, for connections with containers and ports of pods."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from fairing_kfp.cluster.client import Cluster, tls_context
from fairing_kfp.cluster.connect import ClusterConfig
from fairing_kfp.cluster.errors import Status, error_from_status
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.errors import ClusterError
from fairing_kfp.proxies import proxy_for

if TYPE_CHECKING:
    import websocket

_PROTOCOL = "v4.channel.k8s.io"
_TIMEOUT = 20.0  # seconds


def open_web_socket(
    cluster: Cluster, namespace: str, pod: str, subresource: str, query: Mapping[str, str]
) -> websocket.WebSocket:
    """Opens a WebSocket to a subresource of a pod, whose messages start with the number of their channel.

    Args:
        cluster: client of the cluster.
        namespace: namespace of the pod.
        pod: name of the pod.
        subresource: `attach` or `portforward`.
        query: query parameters.

    Raises:
        ClusterError: Kubernetes rejects the request, or does not answer.
    """
    import websocket

    config = cluster.config
    path = POD.path(namespace, pod, subresource)
    url = config.server.rstrip("/").replace("http", "ws", 1) + f"{path}?{urlencode(query)}"
    headers = [f"Authorization: {config.authorization}"] if config.authorization else []
    try:
        connection = websocket.create_connection(
            url,
            timeout=_TIMEOUT,
            header=headers,
            subprotocols=[_PROTOCOL],
            sslopt={"context": tls_context(config)} if url.startswith("wss:") else {},
            enable_multithread=True,
            **_proxy(config),
        )
    except websocket.WebSocketBadStatusException as error:
        status = _status(error.resp_body or b"")
        raise error_from_status(error.status_code, status, request=f"GET {path}", server=config.server) from error
    except (websocket.WebSocketException, ssl.SSLError, OSError) as error:
        raise ClusterError(
            f"cannot open {subresource} of pod {pod} in the namespace {namespace} through {config.server}: {error}",
            "check that proxies between this machine and the API server let WebSockets pass",
        ) from error
    connection.settimeout(None)
    return connection


def _status(body: bytes) -> Status:
    text = body.decode(errors="replace").strip()
    try:
        status = json.loads(text)
    except ValueError:
        status = None
    return status if isinstance(status, dict) else {"message": text}


def _proxy(config: ClusterConfig) -> dict[str, Any]:
    found = config.proxy or proxy_for(config.server)
    if not found:
        return {"http_no_proxy": ["*"]}
    parts = urlsplit(found)
    login = (parts.username, parts.password or "") if parts.username else None
    return {"http_proxy_host": parts.hostname, "http_proxy_port": parts.port, "http_proxy_auth": login,
            "proxy_type": "http"}  # fmt: skip
