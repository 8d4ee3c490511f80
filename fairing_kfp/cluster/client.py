"""A client of the Kubernetes API that retries while the API server restarts or is busy, and renews expired tokens.

It uses urllib3 alone. Steps send five kinds of requests, and the official client takes 0.4 s to import, has no types,
and does not retry. The official client only reads kubeconfigs.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.connection import HTTPConnection

from fairing_kfp.cluster.connect import ClusterConfig, ConfigSource, find_config
from fairing_kfp.cluster.errors import error_from_status, is_transient, parse_status
from fairing_kfp.errors import ClusterError
from fairing_kfp.proxies import proxy_for

Object = dict[str, Any]
"""A Kubernetes object, as parsed from JSON."""

_CONNECT, _READ = 5.0, 60.0  # seconds
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_KEEPALIVE = [
    *HTTPConnection.default_socket_options,
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    # A stream may be silent for hours, and must still notice a lost connection.
    *((socket.IPPROTO_TCP, getattr(socket, name), value)
      for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)) if hasattr(socket, name)),
]  # fmt: skip


class BrokenStreamError(Exception):
    """A stream broke off, or was silent for too long; the caller has to resume it."""


@dataclass(frozen=True)
class Request:
    """A request to the API server.

    Attributes:
        method: HTTP method.
        path: absolute path.
        query: query parameters.
        body: body; None for a request without one.
        content_type: media type of the body.
        read_timeout: how long the response may be silent, in seconds.
        streamed: whether the response is read as it arrives.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes | None = None
    content_type: str = "application/json"
    read_timeout: float = _READ
    streamed: bool = False


class Cluster:
    """A client of one cluster. Threads can share it.

    Args:
        source: reads the configuration; by default that of the pod, or of the kubeconfig.
        retry_timeout: how long a request is retried while the API server is busy or does not answer, in seconds.
    """

    def __init__(self, source: ConfigSource | None = None, retry_timeout: float = 120) -> None:
        self._source = source or find_config()
        self.config = self._source()
        self._retry_timeout = retry_timeout
        self._lock = threading.Lock()
        self._manager = _manager(self.config)

    @property
    def namespace(self) -> str:
        """The namespace of objects that name none."""
        return self.config.namespace

    def clone(self, retry_timeout: float) -> Cluster:
        """A client with connections of its own, for signal handlers, which must not wait for a lock.

        Args:
            retry_timeout: how long its requests are retried, in seconds.
        """
        return type(self)(self._source, retry_timeout)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> Object:
        """Sends a request, with retries, and returns the parsed response.

        Args:
            method: HTTP method.
            path: absolute path, such as `/api/v1/namespaces/default/pods`.
            query: query parameters.
            body: body of the request, sent as JSON.
            content_type: media type of the body.

        Raises:
            ClusterError: Kubernetes rejects the request, or does not answer in time; the class names the cause.
        """
        data = json.dumps(body).encode() if body is not None else None
        response = self._retry(Request(method, path, query or {}, data, content_type))
        return dict(json.loads(response.data))

    @contextlib.contextmanager
    def stream(self, path: str, query: Mapping[str, str], read_timeout: float) -> Iterator[Iterator[bytes]]:
        """Opens a streamed response and yields its chunks as they arrive.

        Args:
            path: absolute path.
            query: query parameters.
            read_timeout: how long the stream may be silent, in seconds.

        Raises:
            ClusterError: Kubernetes rejects the request, or does not answer in time.
            BrokenStreamError: the stream breaks off while it is read.
        """
        response = self._retry(Request("GET", path, query, read_timeout=read_timeout, streamed=True))
        try:
            yield _chunks(response)
        finally:
            # Closed without draining it: the rest may never arrive.
            response.close()
            response.release_conn()

    def close(self) -> None:
        """Closes the connections."""
        self._manager.clear()

    def _retry(self, request: Request) -> urllib3.BaseHTTPResponse:
        deadline = time.monotonic() + self._retry_timeout
        pause, reloaded = _FIRST_PAUSE, False
        while True:
            config = self.config
            try:
                response = self._send(request)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                failure, retry_after = _connection_error(config.server, error), 0.0
            else:
                if response.status < 300:
                    return response
                status = parse_status(response)
                if response.status == 401 and not reloaded:
                    reloaded = self._reload(config)
                    continue
                failure = error_from_status(
                    response.status, status, request=f"{request.method} {request.path}", server=config.server
                )
                if not is_transient(response.status, status):
                    raise failure
                retry_after = _retry_after(response)
            pause = min(pause * 2, _LONGEST_PAUSE)
            # With jitter, so that the steps of a pipeline do not all return to a restarted server at once.
            wait = max(retry_after, pause * random.uniform(0.5, 1))  # noqa: S311
            if time.monotonic() + wait > deadline:
                raise failure
            time.sleep(wait)

    def _send(self, request: Request) -> urllib3.BaseHTTPResponse:
        url = self.config.server.rstrip("/") + request.path + (f"?{urlencode(request.query)}" if request.query else "")
        headers = {"User-Agent": _user_agent(), "Accept": "application/json, */*"}
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        if self.config.authorization:
            headers["Authorization"] = self.config.authorization
        response = self._manager.request(
            request.method,
            url,
            body=request.body,
            headers=headers,
            redirect=False,
            retries=False,
            preload_content=not request.streamed,
            timeout=urllib3.Timeout(connect=min(_CONNECT, max(self._retry_timeout, 0.1)), read=request.read_timeout),
        )
        if request.streamed and response.status >= 300:
            response.read(cache_content=True)
            response.release_conn()
        return response

    def _reload(self, rejected: ClusterConfig) -> bool:
        """Reads the configuration again for its token, unless another thread already did."""
        with self._lock:
            if self.config is rejected:
                config = self._source()
                if replace(config, authorization="") != replace(rejected, authorization=""):
                    self._manager = _manager(config)  # such as another client certificate
                self.config = config
        return True


def tls_context(config: ClusterConfig) -> ssl.SSLContext:
    """The TLS context of connections to the API server."""
    context = ssl.create_default_context(cafile=config.ca)
    if not config.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if config.certificate:
        context.load_cert_chain(*config.certificate)
    return context


def _manager(config: ClusterConfig) -> urllib3.PoolManager:
    plain = urlsplit(config.server).scheme != "https"
    if not config.verify:  # as the kubeconfig says; urllib3 would warn at each request
        host = re.escape(str(urlsplit(config.server).hostname))
        message = f"Unverified HTTPS request is being made to host '{host}'"
        warnings.filterwarnings("ignore", message, urllib3.exceptions.InsecureRequestWarning)
    options: dict[str, Any] = {"socket_options": _KEEPALIVE, "maxsize": 16}
    if not plain:
        options["ssl_context"] = tls_context(config)
    proxy = config.proxy or proxy_for(config.server)
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)


def _chunks(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        yield from response.stream(1 << 16)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise BrokenStreamError(str(error)) from error


def _connection_error(server: str, error: Exception) -> ClusterError:
    reason: BaseException = error
    while inner := reason.__cause__ or getattr(reason, "reason", None) or reason.__context__:
        if not isinstance(inner, BaseException):
            break
        reason = inner
    if isinstance(reason, ssl.SSLCertVerificationError):
        return ClusterError(
            f"cannot verify the certificate of the Kubernetes API server {server}: {reason.verify_message}",
            "check certificate-authority in the kubeconfig",
        )
    return ClusterError(
        f"the Kubernetes API server {server} does not answer: {getattr(reason, 'strerror', None) or reason}",
        "check that the cluster runs and is reachable: kubectl get --raw /readyz",
    )


def _retry_after(response: urllib3.BaseHTTPResponse) -> float:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else 0.0


@cache
def _user_agent() -> str:
    from importlib.metadata import PackageNotFoundError, version

    with contextlib.suppress(PackageNotFoundError):
        return f"fairing-kfp/{version('fairing-kfp')}"
    return "fairing-kfp"
