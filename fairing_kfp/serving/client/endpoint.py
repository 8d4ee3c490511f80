"""Client of a served model, for KServe's V1 protocol and the Open Inference Protocol (V2)."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Literal
from urllib.parse import quote

import urllib3
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, ReadTimeoutError

from fairing_kfp.errors import ConfigError, EndpointError
from fairing_kfp.serving.client import events, payload

Protocol = Literal["auto", "v1", "v2"]

_MODEL = re.compile(r"/(?P<protocol>v1|v2)/models/(?P<model>[^/:]+)(?::predict|/infer)?/?$")
_RETRIED_STATUSES = (502, 503, 504)
_OWN_HEADERS = urllib3.Retry.DEFAULT_REMOVE_HEADERS_ON_REDIRECT


class Endpoint:
    """A served model.

    Args:
        url: URL of a server, such as `http://digits.default.svc`, or of its model, as `…/v1/models/digits:predict`.
        model: name of the model; optional if the server has only one.
        protocol: `v1` or `v2`. By default one that the server supports: V2 for arrays and data frames, else V1.
        timeout: read timeout of a request, in seconds.
        retries: how many times a request is retried, with backoff, if the connection fails or the server is busy.
        headers: headers of every request, such as `{"Authorization": "Bearer …"}`. A redirect to another host does
            not get them.
        ca: file with CA certificates (PEM), used instead of the system's.

    Raises:
        ConfigError: the URL or the protocol is malformed.
    """

    def __init__(
        self,
        url: str,
        model: str | None = None,
        *,
        protocol: Protocol = "auto",
        timeout: float = 60.0,
        retries: int = 5,
        headers: Mapping[str, str] | None = None,
        ca: str | None = None,
    ) -> None:
        if not re.match(r"https?://[^/]", url):
            raise ConfigError(f"{url!r} is not the URL of a server", "use http://HOST:PORT")
        if protocol not in ("auto", "v1", "v2"):
            raise ConfigError(f"unknown protocol {protocol!r}", "use auto, v1 or v2")
        found = _MODEL.search(url)
        if found:
            url, model = url[: found.start()], model or found["model"]
            protocol = found["protocol"] if protocol == "auto" else protocol  # type: ignore[assignment]
        self.url = url.rstrip("/")
        self._model = model
        self._protocol = protocol
        self._timeout = timeout
        self._retries = retries
        self._headers = dict(headers or {})
        self._ca = ca
        self._pool_manager: urllib3.PoolManager | None = None
        self._answers: dict[str, Any] = {}  # of the server's metadata endpoints

    def __enter__(self) -> Endpoint:
        """The endpoint itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the connections."""
        self.close()

    def __repr__(self) -> str:
        """The URL and the model, without headers, which may contain a token."""
        return f"Endpoint({self.url!r}, model={self._model!r})"

    def _repr_html_(self) -> str:
        from fairing_kfp.serving.client.endpoint_html import endpoint_html

        return endpoint_html(self.url, self._model, self._protocol)

    @property
    def model(self) -> str:
        """The name of the model.

        Raises:
            EndpointError: the server does not answer, or does not have exactly one model.
        """
        if self._model is None:
            known = self._get("/v1/models") or self._get("/v2/models") or {}
            names = known.get("models") or []
            if len(names) != 1:
                listed = f"the models {', '.join(map(str, names))}" if names else "no models"
                raise EndpointError(f"{self.url} lists {listed}", "name the model: Endpoint(url, model=…)")
            self._model = str(names[0])
        return self._model

    def predict(self, instances: Any) -> Any:
        """The model's predictions.

        Args:
            instances: a numpy array or pandas data frame whose first dimension is the instances; a list; bytes, or a
                list of bytes; or a dictionary: a whole request in V1, tensors by name in V2.

        Returns:
            In V2, the output as a numpy array (a list without numpy), or several by name. In V1, the predictions as
            JSON values, or as an array if the instances were an array or data frame and the predictions fit.

        Raises:
            EndpointError: the server does not answer, rejects the instances, or fails.
        """
        if self._choose(instances) == "v1":
            return self._v1("predict", instances)
        headers, body = payload.to_v2(instances, binary=payload.takes_binary(self._server()))
        answer, length = self._post(f"/v2/models/{quote(self.model)}/infer", body, headers)
        return payload.from_v2(answer, length)

    def stream(self, instances: Any) -> Iterator[Any]:
        """Yields what a predictor yields, as it arrives (V1); see `predict`.

        Raises:
            EndpointError: the server does not answer, rejects the instances, fails, or does not answer in a stream.
        """
        headers, body = payload.to_v1(instances)
        path = f"/v1/models/{quote(self.model)}:predict"
        response = self._request("POST", path, body, headers, preload_content=False)
        with contextlib.closing(response):
            if response.status != 200:
                raise self._error(path, response)
            if not response.headers.get("Content-Type", "").startswith(events.MEDIA_TYPE):
                raise EndpointError(f"{self.url}{path} does not answer in a stream", "call predict()")
            try:
                for event in events.read(response.stream()):
                    if event.name == "error":
                        raise EndpointError(
                            f"{self.url}{path} fails after it began to answer: {event.data.get('error')}",
                            "see the traceback in the server's log",
                            status=500,
                        )
                    yield event.data
            except (HTTPError, OSError) as error:
                raise EndpointError(f"{self.url}{path} stops answering: {error}", "see the server's log") from error

    def raw(self, path: str, body: bytes) -> bytes:
        """Sends a JSON request as it is, and returns the body of the response.

        Args:
            path: path below the server's URL, such as `/v1/models/digits:predict`.
            body: body of the request (JSON).

        Raises:
            EndpointError: the server does not answer, rejects the request, or fails.
        """
        return self._post(path, body, {"Content-Type": "application/json"})[0]

    def explain(self, instances: Any) -> Any:
        """The model's explanations (V1); see `predict`."""
        return self._v1("explain", instances)

    def ready(self) -> bool:
        """Whether the server reports that it is ready, without retries."""
        for path in ("/v2/health/ready", f"/v1/models/{quote(self._model or '')}"):
            try:
                status = self._request("GET", path, retries=False).status
            except EndpointError:
                return False
            if status != 404:
                return bool(status == 200)
        return False

    def close(self) -> None:
        """Closes the connections."""
        if self._pool_manager is not None:
            self._pool_manager.clear()

    def _v1(self, verb: str, instances: Any) -> Any:
        headers, body = payload.to_v1(instances)
        answer, _ = self._post(f"/v1/models/{quote(self.model)}:{verb}", body, headers)
        return payload.from_v1(json.loads(answer), instances)

    def _choose(self, instances: Any) -> str:
        if self._protocol != "auto":
            return self._protocol
        first, second = ("v2", "v1") if payload.is_tensor(instances) else ("v1", "v2")
        supported = {"v1": self._exists("/v1/models"), "v2": bool(self._server())}
        return first if supported[first] or not supported[second] else second

    def _server(self) -> Mapping[str, Any]:
        """The server's V2 metadata; empty if it does not support V2."""
        if "v2" not in self._answers:
            self._answers["v2"] = self._get("/v2") or {}
        metadata: Mapping[str, Any] = self._answers["v2"]
        return metadata

    def _exists(self, path: str) -> bool:
        if path not in self._answers:
            self._answers[path] = self._get(path) is not None
        return bool(self._answers[path])

    def _get(self, path: str) -> dict[str, Any] | None:
        """The JSON object at a path; None if there is none."""
        response = self._request("GET", path)
        if response.status in (401, 403, *_RETRIED_STATUSES):
            raise self._error(path, response)
        try:
            found = json.loads(response.data)
        except ValueError:
            return None
        return found if response.status == 200 and isinstance(found, dict) else None

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[bytes, int | None]:
        response = self._request("POST", path, body, headers)
        if response.status != 200:
            raise self._error(path, response)
        length = response.headers.get(payload.HEADER, "")
        return response.data, int(length) if length.isdigit() else None

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Any:
        merged = {**self._headers, **(headers or {})}
        try:
            return self._pool().request(method, f"{self.url}{path}", body=body, headers=merged, **options)
        except (HTTPError, OSError) as error:
            raise EndpointError(
                f"{self.url} does not answer: {getattr(error, 'reason', None) or error}",
                "check that the server runs, and that this machine can reach it",
            ) from error

    def _pool(self) -> urllib3.PoolManager:
        if self._pool_manager is None:
            retries = _Retry(
                total=self._retries,
                backoff_factor=0.2,
                status_forcelist=_RETRIED_STATUSES,
                allowed_methods=None,
                raise_on_status=False,
                redirect=3,
                remove_headers_on_redirect=_OWN_HEADERS | {name.lower() for name in self._headers},
            )
            self._pool_manager = urllib3.PoolManager(
                retries=retries, timeout=urllib3.Timeout(connect=10, read=self._timeout), ca_certs=self._ca, maxsize=8
            )
        return self._pool_manager

    def _error(self, path: str, response: Any) -> EndpointError:
        try:
            answer = json.loads(response.data)
            detail = (answer.get("error") or answer.get("detail")) if isinstance(answer, dict) else None
            text = str(detail or answer)
        except ValueError:
            text = response.data[:500].decode(errors="replace").strip()
        status = response.status
        remedy = {
            400: "correct the request",
            401: "set headers={'Authorization': 'Bearer …'}",
            403: "set headers={'Authorization': 'Bearer …'} for an account with access",
            404: "list the models: GET /v1/models",
            413: "send fewer instances per request, or raise FAIRING_MAX_BYTES on the server",
            500: "see the traceback in the server's log",
            503: "retry later, or run more replicas",
        }.get(status, "see the server's log")
        return EndpointError(f"{self.url}{path} answers {status}: {text}", remedy, status=status)


class _Retry(urllib3.Retry):
    """Does not retry a request whose response timed out, since the server would process both."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: TracebackType | None = None,
    ) -> _Retry:
        """The remaining retries; raises the error if there are none."""
        if isinstance(error, ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, _pool, _stacktrace)
