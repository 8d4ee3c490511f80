"""Structured logs: one line per record, as JSON or as text for people."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import re
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

LOGGER = "fairing"
"""The name of the server's logger; the attribute `fields` of its records contains structured data."""

_FLUSH_SECONDS = 0.05  # a write for each request would take the GIL from the predictor as often

_UNQUOTED = re.compile(r"[!#-<>-~]*")  # visible ASCII without quotes and =


def set_up(form: str, level: str, worker: int | None = None) -> None:
    """Configures logging of the server's records, uvicorn's warnings and the user's records to standard output.

    A `logging.basicConfig` in the user's code still configures the records of the user's code.

    Args:
        form: `json` or `text`.
        level: the name of the lowest level that is logged.
        worker: the number of this process, which the server's records contain; None if it is the only one.
    """
    handler = _Output(sys.stdout)
    handler.setFormatter(_Json(worker) if form == "json" else _Text(worker))
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


class _Output(logging.StreamHandler):  # type: ignore[type-arg]  # not generic at run time before Python 3.11
    """Writes records immediately, except requests, which are written together with later ones."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + self.terminator
        except Exception:
            self.handleError(record)
            return
        if not isinstance(record, _Request):
            self._lines.append(line)
            self.flush()
            return
        if not self._lines:
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        self._lines.append(line)

    def flush(self) -> None:
        self.acquire()
        try:
            lines, self._lines = self._lines, []
            if lines:
                self.stream.write("".join(lines))
            super().flush()
        finally:
            self.release()


class _Formatter(logging.Formatter):
    def __init__(self, worker: int | None) -> None:
        super().__init__()
        self._common = {} if worker is None else {"worker": worker}

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        return {**self._common, **getattr(record, "fields", {})}


class _Json(_Formatter):
    _encode = json.JSONEncoder(default=str).encode  # json.dumps would create an encoder for each line

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{_timestamp(int(record.created))}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self.fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return self._encode(line)


@functools.lru_cache(maxsize=2)
def _timestamp(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


class _Text(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={_value(value)}" for name, value in self.fields(record).items())
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
