"""Dynamic batching: one call of `predict` for the instances of several requests."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from .logs import log
from .model import Model
from .workers import Workers


class Batches:
    """Joins the instances of waiting requests into one call of `predict`, and splits its result.

    Lists, arrays and data frames with the same columns and types are joined along their first dimension. If the call
    fails, `predict` is called for each request separately, so that a malformed request fails alone.

    Args:
        model: the predictor.
        workers: the threads that call the predictor.
        max_size: the number of instances at which a batch starts immediately.
        seconds: how long a batch waits for further requests.
    """

    def __init__(self, model: Model, workers: Workers, max_size: int, seconds: float) -> None:
        self._model, self._workers, self._max_size, self._seconds = model, workers, max_size, seconds
        self._open: dict[Hashable, _Batch] = {}
        self._running: set[asyncio.Task[None]] = set()  # an event loop has only weak references to its tasks
        self._warned = False

    async def predict(self, argument: Any) -> Any:
        """The predictions for the instances of one request.

        Raises:
            HTTPError: `preprocess` rejects them (400).
            PredictorError: the user's code failed.
        """
        kind = _batch_key(argument)
        if kind is None:
            return await self._workers.run(lambda: self._model.call("predict", argument))
        loop = asyncio.get_running_loop()
        batch = self._open.get(kind)
        if batch is None:
            batch = self._open[kind] = _Batch(loop.call_later(self._seconds, self._start, kind))
        future = loop.create_future()
        batch.requests.append((argument, future))
        if sum(len(one) for one, _ in batch.requests) >= self._max_size:
            self._start(kind)
        return await future

    def _start(self, kind: Hashable) -> None:
        batch = self._open.pop(kind)
        batch.timer.cancel()
        task = asyncio.ensure_future(self._run(batch))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, batch: _Batch) -> None:
        arguments = [argument for argument, future in batch.requests if not future.done()]
        futures = [future for _, future in batch.requests if not future.done()]
        results = await self._workers.run(lambda: self._predict_all(arguments))
        for future, result in zip(futures, results, strict=True):
            if future.done():
                continue  # its client disconnected
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _predict_all(self, arguments: Sequence[Any]) -> list[Any]:
        """The result or the exception for each argument."""
        if len(arguments) > 1:
            with contextlib.suppress(Exception):  # the separate calls below show whose error it is
                result = self._model.call("predict", _join(arguments))
                parts = _split(result, [len(one) for one in arguments])
                if parts is not None:
                    return parts
                self._warn_once()
        return [self._predict_one(one) for one in arguments]

    def _predict_one(self, argument: Any) -> Any:
        try:
            return self._model.call("predict", argument)
        except Exception as error:
            return error

    def _warn_once(self) -> None:
        if not self._warned:
            self._warned = True
            log(logging.WARNING, "predict does not return one result for each instance: unset FAIRING_MAX_BATCH")


class _Batch:
    """Requests that are predicted together.

    Attributes:
        timer: starts the batch.
        requests: the argument of each request, and the future of its result.
    """

    def __init__(self, timer: asyncio.TimerHandle) -> None:
        self.timer = timer
        self.requests: list[tuple[Any, asyncio.Future[Any]]] = []


def _batch_key(argument: Any) -> Hashable | None:
    """A key that is equal for arguments that can be joined; None for an argument that cannot be joined."""
    if isinstance(argument, list):
        return list
    if hasattr(argument, "iloc") and hasattr(argument, "dtypes"):
        return ("frame", tuple(argument.columns), tuple(map(str, argument.dtypes)))
    if hasattr(argument, "dtype") and getattr(argument, "shape", None):
        return ("array", str(argument.dtype), argument.shape[1:])
    return None


def _join(arguments: Sequence[Any]) -> Any:
    first = arguments[0]
    if isinstance(first, list):
        return [one for argument in arguments for one in argument]
    if hasattr(first, "iloc"):
        return importlib.import_module("pandas").concat(arguments, ignore_index=True)
    return importlib.import_module("numpy").concatenate(arguments)


def _split(result: Any, sizes: Sequence[int]) -> list[Any] | None:
    """Splits a result into parts of these numbers of instances; None if its length is not that of all instances."""
    if isinstance(result, Mapping):
        split = {name: _split(value, sizes) for name, value in result.items()}
        if not split or None in split.values():
            return None
        return [{name: (parts or [])[number] for name, parts in split.items()} for number in range(len(sizes))]
    if isinstance(result, (str, bytes)) or not hasattr(result, "__len__") or not hasattr(result, "__getitem__"):
        return None
    if getattr(result, "shape", None) == () or len(result) != sum(sizes):
        return None
    rows = getattr(result, "iloc", result)
    parts, start = [], 0
    for size in sizes:
        parts.append(rows[start : start + size])
        start += size
    return parts
