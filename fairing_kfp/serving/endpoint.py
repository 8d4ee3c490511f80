"""A client of a served model, by KServe's V1 protocol or by the Open Inference Protocol (V2)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from fairing_kfp.errors import ConfigError, EndpointError
from fairing_kfp.serving import payload

if TYPE_CHECKING:
    import urllib3

Protocol = Literal["auto", "v1", "v2"]

_MODEL = re.compile(r"/(?P<protocol>v1|v2)/models/(?P<model>[^/:]+)(?::predict|/infer)?/?$")
_BACK_LATER = (502, 503, 504)


class Endpoint:
    """A served model.

    Args:
        url: the server's, such as `http://digits.default.svc`; or the model's own, `…/v1/models/digits:predict`.
        model: the model's name; the server's only one by default.
        protocol: `v1` or `v2`; by default what the server knows and the input fits, V2 for arrays and frames.
        timeout: the seconds that a request may take.
        retries: how often a request is sent again, a little later each time, where there is no connection or the server
            says that it is too busy.
        headers: sent with every request, such as `{"Authorization": "Bearer …"}`.
        ca: a PEM file of authorities that are trusted instead of the machine's.
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
            raise ConfigError(f"{url!r} is not the address of a server", "write it as http://HOST:PORT")
        if protocol not in ("auto", "v1", "v2"):
            raise ConfigError(f"there is no protocol {protocol!r}", "use auto, v1 or v2")
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
        self._made: urllib3.PoolManager | None = None
        self._speaks: dict[str, Any] = {}

    def __enter__(self) -> Endpoint:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes its connections."""
        self.close()

    def __repr__(self) -> str:
        """Its address and model; no headers, which may hold a token."""
        return f"Endpoint({self.url!r}, model={self._model!r})"

    @property
    def model(self) -> str:
        """The model's name.

        Raises:
            EndpointError: the server does not answer, or has several models.
        """
        if self._model is None:
            known = self._get("/v1/models") or self._get("/v2/models") or {}
            names = known.get("models") or []
            if len(names) != 1:
                told = f"the models {', '.join(map(str, names))}" if names else "no model"
                raise EndpointError(
                    f"{self.url} tells of {told}",
                    "name the model: Endpoint(url, model=…)",
                )
            self._model = str(names[0])
        return self._model

    def predict(self, instances: Any) -> Any:
        """What the model predicts.

        Args:
            instances: a numpy array or a pandas frame, the first dimension being instances; a list; bytes, or a list of
                bytes; or a dictionary, by V1 the whole request, by V2 tensors by their names.

        Returns:
            By V2 the output as a numpy array (a list where there is no numpy), several by their names. By V1 the
            predictions as they came, as an array if an array or frame was given and they fit.

        Raises:
            EndpointError: the server does not answer, refuses the input, or fails.
        """
        if self._choose(instances) == "v1":
            return self._v1("predict", instances)
        headers, body = payload.to_v2(instances, binary=payload.takes_binary(self._server()))
        answer, length = self._post(f"/v2/models/{quote(self.model)}/infer", body, headers)
        return payload.from_v2(answer, length)

    def raw(self, path: str, body: bytes) -> bytes:
        """The body of the answer to a JSON request that is sent as it is.

        Args:
            path: below the server's address, such as `/v1/models/digits:predict`.
            body: JSON.

        Raises:
            EndpointError: the server does not answer, refuses the request, or fails.
        """
        return self._post(path, body, {"Content-Type": "application/json"})[0]

    def explain(self, instances: Any) -> Any:
        """The model's explanations, by V1; see `predict`."""
        return self._v1("explain", instances)

    def ready(self) -> bool:
        """Whether the server says that it is ready; it is asked once."""
        for path in ("/v2/health/ready", f"/v1/models/{quote(self._model or '')}"):
            try:
                status = self._request("GET", path, retries=False).status
            except EndpointError:
                return False
            if status != 404:
                return bool(status == 200)
        return False

    def close(self) -> None:
        """Closes its connections."""
        if self._made is not None:
            self._made.clear()

    def _v1(self, verb: str, instances: Any) -> Any:
        headers, body = payload.to_v1(instances)
        answer, _ = self._post(f"/v1/models/{quote(self.model)}:{verb}", body, headers)
        return payload.from_v1(json.loads(answer), instances)

    def _choose(self, instances: Any) -> str:
        if self._protocol != "auto":
            return self._protocol
        first, second = ("v2", "v1") if payload.is_tensor(instances) else ("v1", "v2")
        spoken = {"v1": self._knows("/v1/models"), "v2": bool(self._server())}
        return first if spoken[first] or not spoken[second] else second

    def _server(self) -> Mapping[str, Any]:
        """What the server says of itself by V2; nothing where it does not speak it."""
        if "v2" not in self._speaks:
            self._speaks["v2"] = self._get("/v2") or {}
        found: Mapping[str, Any] = self._speaks["v2"]
        return found

    def _knows(self, path: str) -> bool:
        if path not in self._speaks:
            self._speaks[path] = self._get(path) is not None
        return bool(self._speaks[path])

    def _get(self, path: str) -> dict[str, Any] | None:
        """The JSON object of a path, where there is one."""
        response = self._request("GET", path)
        if response.status in (401, 403, *_BACK_LATER):
            raise self._refused(path, response)
        try:
            found = json.loads(response.data)
        except ValueError:
            return None
        return found if response.status == 200 and isinstance(found, dict) else None

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[bytes, int | None]:
        response = self._request("POST", path, body, headers)
        if response.status != 200:
            raise self._refused(path, response)
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
        from urllib3.exceptions import HTTPError

        given = {**self._headers, **(headers or {})}
        try:
            return self._pool().request(method, f"{self.url}{path}", body=body, headers=given, **options)
        except (HTTPError, OSError) as error:
            raise EndpointError(
                f"{self.url} does not answer: {getattr(error, 'reason', None) or error}",
                "see that the server runs and that it can be reached from here",
            ) from error

    def _pool(self) -> urllib3.PoolManager:
        if self._made is None:
            import urllib3

            from fairing_kfp.serving.retry import Patience

            retries = Patience(
                total=self._retries,
                backoff_factor=0.2,
                status_forcelist=_BACK_LATER,
                allowed_methods=None,
                raise_on_status=False,
                redirect=3,
            )
            self._made = urllib3.PoolManager(
                retries=retries, timeout=urllib3.Timeout(connect=10, read=self._timeout), ca_certs=self._ca, maxsize=8
            )
        return self._made

    def _refused(self, path: str, response: Any) -> EndpointError:
        try:
            said = json.loads(response.data)
            text = str(said.get("error") or said.get("detail") or said) if isinstance(said, dict) else str(said)
        except ValueError:
            text = response.data[:500].decode(errors="replace").strip()
        status = response.status
        remedy = {
            400: "send what the server expects",
            401: "give headers={'Authorization': 'Bearer …'}",
            403: "give headers={'Authorization': 'Bearer …'} of somebody who may",
            404: "see which models there are: GET /v1/models",
            413: "send fewer instances at once, or raise FAIRING_MAX_BYTES of the server",
            500: "the traceback is in the server's log",
            503: "try again later, or let the server run in more replicas",
        }.get(status, "see the server's log")
        return EndpointError(f"{self.url}{path} answers {status}: {text}", remedy, status=status)
