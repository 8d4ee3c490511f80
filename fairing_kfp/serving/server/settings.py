"""The settings of a predictor's server, from environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

PREFIX = "FAIRING_"


@dataclass(frozen=True)
class Settings:
    """What can be said of a server; the variable of `model_path` is `FAIRING_MODEL_PATH`, and so on.

    Attributes:
        model_path: the file or folder that `load` is given.
        model_name: the model's name in URLs; the predictor's where it is empty.
        model_version: its version in URLs of the Open Inference Protocol.
        host: the address to listen on; empty for all.
        port: the port to listen on; 0 for a free one.
        concurrency: the number of predictions side by side, each in a thread of its own.
        queue: the number of requests that may wait besides; further ones get 503.
        max_batch: the number of instances up to which predictions of several requests are asked for at once.
        max_wait_seconds: how long a request waits for others of its batch.
        max_bytes: the largest request body.
        body_seconds: how long a client may take to send it.
        linger_seconds: how long after SIGTERM new requests are still answered, as Kubernetes goes on sending some.
        drain_seconds: how long requests under way may take to end after that.
        debug: whether the text of errors of the predictor is sent to clients, and not only logged.
        log: `json` or `text`.
        log_level: the least level that is logged: `debug`, `info`, `warning` or `error`.
    """

    model_path: str = "/mnt/models"
    model_name: str = ""
    model_version: str = "1"
    host: str = ""
    port: int = 8080
    concurrency: int = 1
    queue: int = 100
    max_batch: int = 1
    max_wait_seconds: float = 0.005
    max_bytes: int = 32 * 1024 * 1024
    body_seconds: float = 60.0
    linger_seconds: float = 5.0
    drain_seconds: float = 20.0
    debug: bool = False
    log: str = "json"
    log_level: str = "info"

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that variables give.

        Raises:
            ValueError: a variable has no usable value; it is named.
        """
        given: dict[str, Any] = {}
        for field in fields(cls):
            variable = f"{PREFIX}{field.name.upper()}"
            text = environment.get(variable, "")
            if text:
                given[field.name] = _read(variable, text, type(field.default))
        settings = cls(**given)
        for name, known in (("log", ("json", "text")), ("log_level", ("debug", "info", "warning", "error"))):
            if getattr(settings, name) not in known:
                raise ValueError(f"{PREFIX}{name.upper()}={getattr(settings, name)!r} is not one of {', '.join(known)}")
        return settings


_TRUTHS = {"1": True, "true": True, "0": False, "false": False}
_LEAST = {"port": 0, "concurrency": 1, "queue": 0, "max_batch": 1, "max_bytes": 1}


def _read(variable: str, text: str, kind: type) -> object:
    if kind is str:
        return text
    if kind is bool:
        if text.lower() not in _TRUTHS:
            raise ValueError(f"{variable}={text!r} is not one of {', '.join(_TRUTHS)}")
        return _TRUTHS[text.lower()]
    try:
        value = kind(text)
    except ValueError:
        value = -1
    if not _LEAST.get(variable.removeprefix(PREFIX).lower(), 0) <= value < float("inf"):
        raise ValueError(f"{variable}={text!r} is not a {'whole number' if kind is int else 'number'} that fits")
    return value
