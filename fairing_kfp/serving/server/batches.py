"""Predictions of several requests at once, which models for arrays make in little more time than one."""

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
    """Joins the instances of requests that wait, and splits the results.

    Lists, arrays and data frames of the same columns and types are joined along their first dimension. Where that
    fails, each request is asked for alone, so that a malformed one fails alone.

    Args:
        model: the predictor.
        workers: where it runs.
        most: the number of instances at which a batch waits for no others.
        seconds: how long it waits for others.
    """

    def __init__(self, model: Model, workers: Workers, most: int, seconds: float) -> None:
        self._model, self._workers, self._most, self._seconds = model, workers, most, seconds
        self._open: dict[Hashable, _Batch] = {}
        self._begun: set[asyncio.Task[None]] = set()  # a loop holds its tasks weakly
        self._warned = False

    async def ask(self, argument: Any) -> Any:
        """The predictions for the instances of one request.

        Raises:
            Refusal: `preprocess` refuses them (400).
            PredictorError: the user's code failed.
        """
        kind = _kind(argument)
        if kind is None:
            return await self._workers.run(lambda: self._model.ask("predict", argument))
        loop = asyncio.get_running_loop()
        batch = self._open.get(kind)
        if batch is None:
            batch = self._open[kind] = _Batch(loop.call_later(self._seconds, self._begin, kind))
        future = loop.create_future()
        batch.asked.append((argument, future))
        if sum(len(one) for one, _ in batch.asked) >= self._most:
            self._begin(kind)
        return await future

    def _begin(self, kind: Hashable) -> None:
        batch = self._open.pop(kind)
        batch.timer.cancel()
        task = asyncio.ensure_future(self._answer(batch))
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)

    async def _answer(self, batch: _Batch) -> None:
        arguments = [argument for argument, future in batch.asked if not future.done()]
        futures = [future for _, future in batch.asked if not future.done()]
        results = await self._workers.run(lambda: self._together(arguments))
        for future, result in zip(futures, results, strict=True):
            if future.done():
                continue  # its client has gone
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _together(self, arguments: Sequence[Any]) -> list[Any]:
        """The result for each argument, or what it raises."""
        if len(arguments) > 1:
            with contextlib.suppress(Exception):  # of one request, which gets it below
                result = self._model.ask("predict", _joined(arguments))
                parts = _split(result, [len(one) for one in arguments])
                if parts is not None:
                    return parts
                self._warn()
        return [self._alone(one) for one in arguments]

    def _alone(self, argument: Any) -> Any:
        try:
            return self._model.ask("predict", argument)
        except Exception as error:
            return error

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            log(logging.WARNING, "predict does not give one result for each instance: unset FAIRING_MAX_BATCH")


class _Batch:
    """Requests that wait for others.

    Attributes:
        timer: ends the waiting.
        asked: the arguments, and where their results are waited for.
    """

    def __init__(self, timer: asyncio.TimerHandle) -> None:
        self.timer = timer
        self.asked: list[tuple[Any, asyncio.Future[Any]]] = []


def _kind(argument: Any) -> Hashable | None:
    """What arguments that can be joined have in common; None if it can be joined with no other."""
    if isinstance(argument, list):
        return list
    if hasattr(argument, "iloc") and hasattr(argument, "dtypes"):
        return ("frame", tuple(argument.columns), tuple(map(str, argument.dtypes)))
    if hasattr(argument, "dtype") and getattr(argument, "shape", None):
        return ("array", str(argument.dtype), argument.shape[1:])
    return None


def _joined(arguments: Sequence[Any]) -> Any:
    first = arguments[0]
    if isinstance(first, list):
        return [one for argument in arguments for one in argument]
    if hasattr(first, "iloc"):
        return importlib.import_module("pandas").concat(arguments, ignore_index=True)
    return importlib.import_module("numpy").concatenate(arguments)


def _split(result: Any, sizes: Sequence[int]) -> list[Any] | None:
    """The parts of a result, of so many instances each; None if it has not one for each instance."""
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
    parts, begin = [], 0
    for size in sizes:
        parts.append(rows[begin : begin + size])
        begin += size
    return parts
