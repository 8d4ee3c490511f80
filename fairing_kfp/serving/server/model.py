"""The predictor at work: loaded once, then asked often."""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from .logs import log
from .metrics import Metrics
from .refusal import Refusal


class PredictorError(Exception):
    """The user's code failed; its message and cause are for the log.

    Args:
        summary: what failed, for clients.
        detail: the type and message of the error.
    """

    def __init__(self, summary: str, detail: str) -> None:
        super().__init__(f"{summary}: {detail}")
        self.summary = summary


class Model:
    """A predictor under its name.

    Args:
        predictor: the packed class or function.
        takes: for `predict` and `explain`, where there are such methods, what they take; see `inputs`.
        name: in URLs.
        version: in URLs of V2.
        metrics: is told how long loading took.
    """

    def __init__(self, predictor: Any, takes: Mapping[str, str], name: str, version: str, metrics: Metrics) -> None:
        self.takes = takes
        self.name = name
        self.version = version
        self._made = predictor
        self._metrics = metrics
        self._object: Any = None
        self._draining = False

    @property
    def loaded(self) -> bool:
        """Whether it has been loaded."""
        return self._object is not None

    @property
    def judges_itself(self) -> bool:
        """Whether it has a `ready` of the user's, which may take its time."""
        return callable(getattr(self._object, "ready", None))

    def load(self, path: str) -> None:
        """Makes the predictor and loads the model.

        Raises:
            PredictorError: the user's code failed.
        """
        began = time.monotonic()
        try:
            if isinstance(self._made, type):
                made = self._made()
                made.load(path)
            else:
                made = _OfFunction(self._made)
        except BaseException as error:  # sys.exit() in it, too, would leave a server without a model
            hint = "" if Path(path).exists() else f"; there is nothing at {path}: name the model in FAIRING_MODEL_PATH"
            raise PredictorError("the model cannot be loaded", f"{type(error).__name__}: {error}{hint}") from error
        self._object = made
        self._metrics.load_seconds = time.monotonic() - began
        self._metrics.ready = True

    def drain(self) -> None:
        """Lets it be not ready any more; it still answers."""
        self._draining = True
        self._metrics.ready = False

    def is_ready(self) -> bool:
        """Whether it can be asked, by its own word, too."""
        if not self.loaded or self._draining:
            return False
        if not self.judges_itself:
            return True
        try:
            return bool(self._object.ready())
        except Exception as error:  # whatever the user's code raises
            log(logging.ERROR, "ready() failed", error)
            return False

    def taken(self, verb: str) -> str:
        """What a method takes.

        Raises:
            Refusal: there is no such method (404), or the model is not loaded yet (503).
        """
        if verb not in self.takes:
            raise Refusal(404, f"the model {self.name} has no {verb}")
        if not self.loaded:
            raise Refusal(503, f"the model {self.name} is still loading", retry_after=1)
        return self.takes[verb]

    def ask(self, verb: str, argument: Any) -> Any:
        """What the predictor gives for an argument, between its `preprocess` and its `postprocess`.

        A generator has begun, and raises a PredictorError if the user's code fails.

        Raises:
            Refusal: `preprocess` raised a ValueError: the input is wrong (400).
            PredictorError: the user's code failed.
        """
        step = "preprocess"
        try:
            if hasattr(self._object, step):
                try:
                    argument = self._object.preprocess(argument)
                except ValueError as error:
                    raise Refusal(400, str(error) or "preprocess refuses the input") from error
            step = verb
            result = _begun(verb, getattr(self._object, verb)(argument))
            step = "postprocess"
            return _begun(step, self._object.postprocess(result)) if hasattr(self._object, step) else result
        except Refusal:
            raise
        except BaseException as error:  # whatever the user's code raises
            raise failed(step, error) from error


def _begun(verb: str, items: Any) -> Any:
    """A generator that has begun, so that what fails before the first item fails here; any other result as it is.

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
                raise failed(verb, error) from error

    return rest()


class _OfFunction:
    """A predictor that is a function."""

    def __init__(self, function: Any) -> None:
        self.predict = function


def failed(what: str, error: BaseException) -> PredictorError:
    """A failure of the user's code."""
    return PredictorError(f"{what} failed", f"{type(error).__name__}: {error}")
