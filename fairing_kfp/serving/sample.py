"""The sample request that a serve step sends once the model is ready. Its form determines the protocol."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import urllib3

from fairing_kfp.errors import ServingError

_TIMEOUT = 60.0  # seconds in which a new Service is retried
_RETRIED_STATUSES = (404, 502, 503, 504)  # what proxies answer until they know the new version
_MAX_CHARACTERS = 2000
_READ_TIMEOUT = 120.0


@dataclass(frozen=True)
class Exchange:
    """A request and its response.

    Attributes:
        url: URL of the request.
        request: body of the request (JSON).
        response: body of the response.
        seconds: time until the response, in seconds.
    """

    url: str
    request: str
    response: str
    seconds: float


def url_of(endpoint: str, name: str, sample: Any) -> str:
    """The URL of a request: Open Inference Protocol (V2) if it has `inputs`, else KServe's V1.

    Args:
        endpoint: URL of the server.
        name: name of the model.
        sample: the request.
    """
    if isinstance(sample, dict) and "inputs" in sample:
        return f"{endpoint}/v2/models/{name}/infer"
    return f"{endpoint}/v1/models/{name}:predict"


def body_of(sample: Any) -> str:
    """The JSON of a request; a list contains V1 instances."""
    return json.dumps({"instances": sample} if isinstance(sample, list) else sample)


def send_sample(endpoint: str, name: str, sample: Any, timeout: float = _TIMEOUT) -> Exchange:
    """Sends a sample request, and retries until there is a response.

    Args:
        endpoint: URL of the server.
        name: name of the model.
        sample: a list of instances, or a whole request.
        timeout: time in which failed connections are retried, in seconds.

    Raises:
        ServingError: there is no response, or it is an error.
    """
    url, body = url_of(endpoint, name, sample), body_of(sample)
    deadline, pool = time.monotonic() + timeout, urllib3.PoolManager(retries=False)
    while True:
        began = time.monotonic()
        try:
            response = pool.request(
                "POST", url, body=body, headers={"Content-Type": "application/json"},
                timeout=urllib3.Timeout(connect=5, read=_READ_TIMEOUT),
            )  # fmt: skip
            if response.status < 300:
                return Exchange(url, body, response.data.decode(errors="replace"), time.monotonic() - began)
            reason = f"{response.status}: {response.data.decode(errors='replace')[:_MAX_CHARACTERS]}"
            retry = response.status in _RETRIED_STATUSES
        except urllib3.exceptions.HTTPError as error:
            reason, retry = str(error), not isinstance(error, urllib3.exceptions.ReadTimeoutError)
        if not retry or time.monotonic() > deadline:
            raise ServingError(
                f"the sample request to {url} failed: {reason}",
                "see the predictor's log; correct its code, or sample=",
            )
        time.sleep(0.2)
