"""Structured logs: a line of JSON for each record, or of text for people."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

LOGGER = "fairing"
"""The name of the server's own logger; what is to be said of a record besides its message is in its `fields`."""


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


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{moment}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in getattr(record, "fields", {}).items())
        line = f"{record.levelname.lower():7} {record.getMessage()}{'  ' if fields else ''}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
