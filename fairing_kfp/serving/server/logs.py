"""Structured logs: a line of JSON for each record, or of text for people."""

from __future__ import annotations

import functools
import json
import logging
import re
import sys
import time
from collections.abc import Mapping
from typing import Any

LOGGER = "fairing"
"""The name of the server's own logger; what is to be said of a record besides its message is in its `fields`."""


_PLAIN = re.compile(r"[!#-<>-~]*")  # visible ASCII without quotes and =


def set_up(form: str, level: str) -> None:
    """Sends the server's records, uvicorn's warnings and the user's records to standard output.

    The user's own `logging.basicConfig` still decides over what the user's code logs.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.lastResort = handler
    logging.getLogger().setLevel(level.upper())
    for name, its_level in ((LOGGER, level.upper()), ("uvicorn", "WARNING")):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(its_level)


def log(level: int, message: str, error: BaseException | None = None, **fields: Any) -> None:
    """Logs a record of the server's own, with the traceback of an error."""
    logging.getLogger(LOGGER).log(level, message, exc_info=error, extra={"fields": fields})


def log_request(level: int, **fields: Any) -> None:
    """Logs a request: like `log`, in a third of the time."""
    logger = logging.getLogger(LOGGER)
    if logger.isEnabledFor(level):
        logger.handle(_Request(level, fields))


class _Request(logging.LogRecord):
    """A record of what a line shows, and not of the thread, the process and the place in the code."""

    def __init__(self, level: int, fields: Mapping[str, Any]) -> None:
        self.name = LOGGER
        self.msg, self.args = "request", ()
        self.levelno, self.levelname = level, logging.getLevelName(level)
        self.created = time.time()
        self.msecs = self.created % 1 * 1000
        self.exc_info = self.exc_text = self.stack_info = None
        self.fields = fields


class _Json(logging.Formatter):
    _encode = json.JSONEncoder(default=str).encode  # json.dumps would make an encoder for each line

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{_moment(int(record.created))}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return self._encode(line)


@functools.lru_cache(maxsize=2)
def _moment(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={_value(value)}" for name, value in getattr(record, "fields", {}).items())
        message = record.getMessage()
        if record.name == LOGGER:  # it may repeat what a client sent; other records are the user's
            message = _visible(message)
        line = f"{record.levelname.lower():7} {message}{'  ' if fields else ''}{fields}"
        if record.exc_info:
            lines = self.formatException(record.exc_info).split("\n")
            line = "\n".join([line, *(f"    {_visible(one)}" for one in lines)])
        return line


def _value(value: Any) -> str:
    """A field's value, in quotes where it could be taken for something else."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _visible(text: str) -> str:
    """A text in one line, whose control characters are escaped."""
    return text if text.isprintable() else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
