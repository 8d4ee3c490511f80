"""The loaded predictor, and the calls of its methods."""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from .http_error import HTTPError
from .logs import log
from .metrics import Metrics


class PredictorError(Exception):
    """The user's code failed. Message and cause are logged; clients receive the summary.

    Args:
        summary: the operation that failed, for clients.
        detail: type and message of the error, for the log.
    """

    def __init__(self, summary: str, detail: str) -> None:
        super().__init__(f"{summary}: {detail}")
        self.summary = summary


class Model:
    """A predictor and its readiness.

    Args:
        predictor: the packed class or function.
        input_kinds: the kind of input of `predict`, and of `explain` if the predictor has it; see `inputs`.
        name: the name in URLs.
        version: the version in URLs of V2.
        metrics: records the loading time and the readiness.
    """

    def __init__(
        self, predictor: Any, input_kinds: Mapping[str, str], name: str, version: str, metrics: Metrics
    ) -> None:
        self.input_kinds = input_kinds
        self.name = name
        self.version = version
        self._predictor = predictor
        self._metrics = metrics
        self._instance: Any = None
        self._draining = False

    @property
    def loaded(self) -> bool:
        """Whether the predictor is loaded."""
        return self._instance is not None

    @property
    def has_own_readiness(self) -> bool:
        """Whether the predictor defines `ready`, which may block."""
        return callable(getattr(self._instance, "ready", None))

    def load(self, path: str) -> None:
        """Creates the predictor and calls its `load`.

        Args:
            path: the file or folder of the model.

        Raises:
            PredictorError: the user's code failed.
        """
        start = time.monotonic()
        try:
            if isinstance(self._predictor, type):
                instance = self._predictor()
                instance.load(path)
            else:
                instance = _FunctionPredictor(self._predictor)
        except BaseException as error:  # includes sys.exit(), after which the server would run without a model
            hint = "" if Path(path).exists() else f"; {path} does not exist: set FAIRING_MODEL_PATH to the model"
            raise PredictorError("the model cannot be loaded", f"{type(error).__name__}: {error}{hint}") from error
        self._instance = instance
        self._metrics.load_seconds = time.monotonic() - start
        self._metrics.ready = True

    def drain(self) -> None:
        """Marks the model as not ready; its methods can still be called."""
        self._draining = True
        self._metrics.ready = False

    def is_ready(self) -> bool:
        """Whether the model is loaded and not draining, and the predictor's own `ready` returns true."""
        if not self.loaded or self._draining:
            return False
        if not self.has_own_readiness:
            return True
        try:
            return bool(self._instance.ready())
        except Exception as error:  # whatever the user's code raises
            log(logging.ERROR, "ready() failed", error)
            return False

    def input_kind(self, method: str) -> str:
        """The kind of input of a method; see `inputs`.

        Raises:
            HTTPError: the predictor does not have the method (404), or is still loading (503).
        """
        if method not in self.input_kinds:
            raise HTTPError(404, f"the model {self.name} does not have the method {method}")
        if not self.loaded:
            raise HTTPError(503, f"the model {self.name} is still loading", retry_after=1)
        return self.input_kinds[method]

    def call(self, method: str, argument: Any) -> Any:
        """Calls `preprocess`, a method and `postprocess` in turn.

        Returns:
            The result. A generator has been advanced to its first item, and raises a PredictorError for later errors of
            the user's code.

        Raises:
            HTTPError: `preprocess` raised a ValueError, which rejects the input (400).
            PredictorError: the user's code failed.
        """
        step = "preprocess"
        try:
            if hasattr(self._instance, step):
                try:
                    argument = self._instance.preprocess(argument)
                except ValueError as error:
                    raise HTTPError(400, str(error) or "preprocess rejects the input") from error
            step = method
            result = _advance(method, getattr(self._instance, method)(argument))
            step = "postprocess"
            return _advance(step, self._instance.postprocess(result)) if hasattr(self._instance, step) else result
        except HTTPError:
            raise
        except BaseException as error:  # whatever the user's code raises
            raise failed(step, error) from error


def _advance(step: str, items: Any) -> Any:
    """Advances a generator to its first item, so that earlier errors are raised here; returns other results unchanged.

    Raises:
        Exception: whatever the user's code raises.
    """
    if not isinstance(items, Generator):
        return items
    first = list(itertools.islice(items, 1))

    def rest() -> Generator[Any, None, None]:
        with contextlib.closing(items):
            yield from first
            try:
                yield from items
            except Exception as error:
                raise failed(step, error) from error

    return rest()


class _FunctionPredictor:
    """A predictor defined as a function."""

    def __init__(self, function: Any) -> None:
        self.predict = function


def failed(step: str, error: BaseException) -> PredictorError:
    """The error for an exception in a step of the user's code."""
    return PredictorError(f"{step} failed", f"{type(error).__name__}: {error}")
