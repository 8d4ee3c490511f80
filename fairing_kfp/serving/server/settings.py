"""The settings of the server, from environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

PREFIX = "FAIRING_"


@dataclass(frozen=True)
class Settings:
    """The settings of a server. The environment variable of `model_path` is `FAIRING_MODEL_PATH`, and so on.

    Attributes:
        model_path: the file or folder of the model, which `load` receives.
        model_name: the model's name in URLs; empty for the predictor's name.
        model_version: the model's version in URLs of the Open Inference Protocol.
        host: the address to listen on; empty for all addresses.
        port: the port to listen on; 0 for a free port.
        workers: the number of processes, each of which loads the model.
        concurrency: the number of concurrent predictions of a process, each in its own thread.
        queue: the number of further requests of a process that may wait for a thread; others are rejected with 503.
        max_batch: the maximum number of instances in a batch of several requests; 1 disables batching.
        max_wait_seconds: how long a batch waits for further requests.
        max_bytes: the maximum size of a request body.
        body_seconds: how long a client may take to send the body.
        linger_seconds: how long the server handles new requests after SIGTERM, as Kubernetes still routes some to it.
        drain_seconds: how long requests in progress may take to finish after that.
        debug: whether clients receive the text of the predictor's errors, which is only logged otherwise.
        log: the format of the log, `json` or `text`.
        log_level: the lowest level that is logged: `debug`, `info`, `warning` or `error`.
    """

    model_path: str = "/mnt/models"
    model_name: str = ""
    model_version: str = "1"
    host: str = ""
    port: int = 8080
    workers: int = 1
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
        """Reads the settings from environment variables.

        Raises:
            ValueError: a variable has an invalid value; the message names the variable.
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


_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}
_MINIMUM = {"port": 0, "workers": 1, "concurrency": 1, "queue": 0, "max_batch": 1, "max_bytes": 1}


def _read(variable: str, text: str, kind: type) -> object:
    if kind is str:
        return text
    if kind is bool:
        if text.lower() not in _BOOLEANS:
            raise ValueError(f"{variable}={text!r} is not one of {', '.join(_BOOLEANS)}")
        return _BOOLEANS[text.lower()]
    try:
        value = kind(text)
    except ValueError:
        value = -1
    if not _MINIMUM.get(variable.removeprefix(PREFIX).lower(), 0) <= value < float("inf"):
        raise ValueError(
            f"{variable}={text!r} is not {'an integer' if kind is int else 'a number'} in the allowed range"
        )
    return value
