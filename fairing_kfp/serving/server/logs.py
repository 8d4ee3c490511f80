"""Structured logs: one line per record, as JSON or as text for people."""

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
"""The name of the server's logger; the attribute `fields` of its records contains structured data."""

_UNQUOTED = re.compile(r"[!#-<>-~]*")  # visible ASCII without quotes and =


def set_up(form: str, level: str) -> None:
    """Configures logging of the server's records, uvicorn's warnings and the user's records to standard output.

    A `logging.basicConfig` in the user's code still configures the records of the user's code.

    Args:
        form: `json` or `text`.
        level: the name of the lowest level that is logged.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.lastResort = handler
    logging.getLogger().setLevel(level.upper())
    for name, logger_level in ((LOGGER, level.upper()), ("uvicorn", "WARNING")):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(logger_level)


def log(level: int, message: str, error: BaseException | None = None, **fields: Any) -> None:
    """Logs a record of the server, with the traceback of an error."""
    logging.getLogger(LOGGER).log(level, message, exc_info=error, extra={"fields": fields})


def log_request(level: int, **fields: Any) -> None:
    """Logs a request, in a third of the time of `log`."""
    logger = logging.getLogger(LOGGER)
    if logger.isEnabledFor(level):
        logger.handle(_Request(level, fields))


class _Request(logging.LogRecord):
    """A record with only the attributes that the formatters read: without thread, process and source location."""

    def __init__(self, level: int, fields: Mapping[str, Any]) -> None:
        self.name = LOGGER
        self.msg, self.args = "request", ()
        self.levelno, self.levelname = level, logging.getLevelName(level)
        self.created = time.time()
        self.msecs = self.created % 1 * 1000
        self.exc_info = self.exc_text = self.stack_info = None
        self.fields = fields


class _Json(logging.Formatter):
    _encode = json.JSONEncoder(default=str).encode  # json.dumps would create an encoder for each line

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{_timestamp(int(record.created))}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return self._encode(line)


@functools.lru_cache(maxsize=2)
def _timestamp(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={_value(value)}" for name, value in getattr(record, "fields", {}).items())
        message = record.getMessage()
        if record.name == LOGGER:  # may contain text from a client; other records are the user's
            message = _escaped(message)
        line = f"{record.levelname.lower():7} {message}{'  ' if fields else ''}{fields}"
        if record.exc_info:
            lines = self.formatException(record.exc_info).split("\n")
            line = "\n".join([line, *(f"    {_escaped(one)}" for one in lines)])
        return line


def _value(value: Any) -> str:
    """The text of a field's value, in quotes if it contains spaces, quotes or `=`."""
    text = str(value)
    return text if _UNQUOTED.fullmatch(text) else json.dumps(text)


def _escaped(text: str) -> str:
    """A text with control characters and line breaks escaped."""
    return text if text.isprintable() else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
