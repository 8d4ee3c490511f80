"""Requests to Kubernetes' API, which are sent again when the API server is restarted, busy, or forgot a token.

It is urllib3 alone: what a step needs of Kubernetes are five kinds of requests, and the official client takes 0.4 s to
import, has no types, and neither repeats what failed nor resumes what broke off. It reads kubeconfigs for us.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.connection import HTTPConnection

from fairing_kfp.cluster.connect import Access, Source, find_access
from fairing_kfp.cluster.refusal import is_transient, refusal, words_of
from fairing_kfp.errors import ClusterError
from fairing_kfp.registry.proxies import proxy_for

Object = dict[str, Any]
"""A Kubernetes object, as JSON has it."""

_CONNECT, _READ = 5.0, 60.0  # seconds
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_KEEPALIVE = [
    *HTTPConnection.default_socket_options,
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    # A stream that is silent for hours must still notice that the other side is gone.
    *((socket.IPPROTO_TCP, getattr(socket, name), value)
      for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)) if hasattr(socket, name)),
]  # fmt: skip


class BrokenStreamError(Exception):
    """A stream broke off, or was silent for too long: what follows has to be asked for anew."""


class Cluster:
    """Kubernetes' API, as one who asks sees it; safe for threads.

    Args:
        source: reads the access; by default the pod's own or the kubeconfig's.
        patience: for how many seconds an API server that does not answer, or is too busy, is asked again.
    """

    def __init__(self, source: Source | None = None, patience: float = 120) -> None:
        self._source = source or find_access()
        self.access = self._source()
        self._patience = patience
        self._lock = threading.Lock()
        self._manager = _manager(self.access)

    @property
    def namespace(self) -> str:
        """Where objects are that name no namespace."""
        return self.access.namespace

    def apart(self, patience: float) -> Cluster:
        """The same API over connections of its own, so that a signal handler waits for nobody's lock.

        Args:
            patience: that of the new one.
        """
        return type(self)(self._source, patience)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> Object:
        """Sends a request until it is answered, and gives the answer.

        Args:
            method: such as GET.
            path: below the server, such as `/api/v1/namespaces/default/pods`.
            query: its parameters.
            body: is sent as JSON.
            content_type: of the body.

        Raises:
            ClusterError: there was no answer in time, or it is a refusal; of the class that says which.
        """
        data = json.dumps(body).encode() if body is not None else None
        response = self._answered(method, path, query or {}, data, content_type, _READ)
        return dict(json.loads(response.data))

    @contextlib.contextmanager
    def stream(self, path: str, query: Mapping[str, str], silence: float) -> Iterator[Iterator[bytes]]:
        """Opens an answer that goes on, and gives the pieces of it as they come.

        Args:
            path: as for `request`.
            query: likewise.
            silence: after how many seconds without a byte the stream is given up.

        Raises:
            ClusterError: the stream was refused.
            BrokenStreamError: the stream broke off, while it was read.
        """
        response = self._answered("GET", path, query, None, "", silence, streamed=True)
        try:
            yield _pieces(response)
        finally:
            # Not drained: what remains may never come.
            response.close()
            response.release_conn()

    def close(self) -> None:
        """Closes the connections."""
        self._manager.clear()

    def _answered(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None,
        content_type: str,
        read: float,
        streamed: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        give_up = time.monotonic() + self._patience
        what = f"{method} {path}"
        pause, reloaded = _FIRST_PAUSE, False
        while True:
            asked = self.access
            try:
                response = self._send(method, path, query, body, content_type, read, streamed)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                failure, wanted = _unanswered(asked.server, error), 0.0
            else:
                if response.status < 300:
                    return response
                words = words_of(response)
                if response.status == 401 and not reloaded:
                    reloaded = self._reload(asked)
                    continue
                failure = refusal(response.status, words, what=what, server=asked.server)
                if not is_transient(response.status, words):
                    raise failure
                wanted = _asked_pause(response)
            pause = min(pause * 2, _LONGEST_PAUSE)
            # Scattered, so that the steps of a pipeline do not all come back to a restarted server at once.
            wait = max(wanted, pause * random.uniform(0.5, 1))  # noqa: S311
            if time.monotonic() + wait > give_up:
                raise failure
            time.sleep(wait)

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None,
        content_type: str,
        read: float,
        streamed: bool,
    ) -> urllib3.BaseHTTPResponse:
        url = self.access.server.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
        headers = {"User-Agent": _user_agent(), "Accept": "application/json, */*"}
        if body is not None:
            headers["Content-Type"] = content_type
        if self.access.authorization:
            headers["Authorization"] = self.access.authorization
        response = self._manager.request(
            method,
            url,
            body=body,
            headers=headers,
            redirect=False,
            retries=False,
            preload_content=not streamed,
            timeout=urllib3.Timeout(connect=min(_CONNECT, max(self._patience, 0.1)), read=read),
        )
        if streamed and response.status >= 300:
            response.read(cache_content=True)
            response.release_conn()
        return response

    def _reload(self, refused: Access) -> bool:
        """Reads the token anew, unless another thread did since."""
        with self._lock:
            if self.access is refused:
                fresh = self._source()
                if replace(fresh, authorization="") != replace(refused, authorization=""):
                    self._manager = _manager(fresh)  # such as another certificate
                self.access = fresh
        return True


def _manager(access: Access) -> urllib3.PoolManager:
    context = ssl.create_default_context(cafile=access.ca)
    if not access.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if access.certificate:
        context.load_cert_chain(*access.certificate)
    plain = urlsplit(access.server).scheme != "https"
    options: dict[str, Any] = {"socket_options": _KEEPALIVE, "maxsize": 16}
    if not plain:
        options["ssl_context"] = context
    proxy = access.proxy or proxy_for(access.server)
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)


def _pieces(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        yield from response.stream(1 << 16)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise BrokenStreamError(str(error)) from error


def _unanswered(server: str, error: Exception) -> ClusterError:
    reason: BaseException = error
    while inner := reason.__cause__ or getattr(reason, "reason", None) or reason.__context__:
        if not isinstance(inner, BaseException):
            break
        reason = inner
    if isinstance(reason, ssl.SSLCertVerificationError):
        return ClusterError(
            f"Kubernetes' API server {server} cannot be trusted: {reason.verify_message}",
            "check the certificate authority that the kubeconfig names",
        )
    return ClusterError(
        f"Kubernetes' API server {server} does not answer: {getattr(reason, 'strerror', None) or reason}",
        "check that the cluster runs and can be reached from here: kubectl get --raw /readyz",
    )


def _asked_pause(response: urllib3.BaseHTTPResponse) -> float:
    asked = response.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() else 0.0


@cache
def _user_agent() -> str:
    from importlib.metadata import PackageNotFoundError, version

    with contextlib.suppress(PackageNotFoundError):
        return f"fairing-kfp/{version('fairing-kfp')}"
    return "fairing-kfp"
