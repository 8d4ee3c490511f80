"""The sample request that a serve step sends in the end, by the protocol that its form tells."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import urllib3

from fairing_kfp.errors import ServingError

_PATIENCE = 60.0  # seconds in which a Service that is new is asked again
_AGAIN = (404, 502, 503, 504)  # what proxies say that do not know the new version yet
_LONGEST = 2000
_READ = 120.0


@dataclass(frozen=True)
class Exchange:
    """A request that was answered.

    Attributes:
        url: where it was sent.
        request: its JSON.
        answer: the answer's text.
        seconds: how long the answer took.
    """

    url: str
    request: str
    answer: str
    seconds: float


def url_of(endpoint: str, name: str, sample: Any) -> str:
    """Where a request goes: one with `inputs` is of the Open Inference Protocol, any other of KServe's V1.

    Args:
        endpoint: where the predictor is reached.
        name: the model's.
        sample: the request.
    """
    if isinstance(sample, dict) and "inputs" in sample:
        return f"{endpoint}/v2/models/{name}/infer"
    return f"{endpoint}/v1/models/{name}:predict"


def body_of(sample: Any) -> str:
    """The JSON of a request; a list is one of instances."""
    return json.dumps({"instances": sample} if isinstance(sample, list) else sample)


def ask(endpoint: str, name: str, sample: Any, patience: float = _PATIENCE) -> Exchange:
    """Sends a sample request, until there is an answer.

    Args:
        endpoint: where the predictor is reached.
        name: the model's.
        sample: the request: a list of instances, or the whole of it.
        patience: seconds in which one that does not answer yet is asked again.

    Raises:
        ServingError: there is none, or it is an error.
    """
    url, body = url_of(endpoint, name, sample), body_of(sample)
    give_up, pool = time.monotonic() + patience, urllib3.PoolManager(retries=False)
    while True:
        began = time.monotonic()
        try:
            answer = pool.request(
                "POST", url, body=body, headers={"Content-Type": "application/json"},
                timeout=urllib3.Timeout(connect=5, read=_READ),
            )  # fmt: skip
            if answer.status < 300:
                return Exchange(url, body, answer.data.decode(errors="replace"), time.monotonic() - began)
            why = f"{answer.status}: {answer.data.decode(errors='replace')[:_LONGEST]}"
            again = answer.status in _AGAIN
        except urllib3.exceptions.HTTPError as error:
            why, again = str(error), not isinstance(error, urllib3.exceptions.ReadTimeoutError)
        if not again or time.monotonic() > give_up:
            raise ServingError(
                f"the sample request to {url} is answered with {why}",
                "see the predictor's log; correct its code, or sample=",
            )
        time.sleep(0.2)
