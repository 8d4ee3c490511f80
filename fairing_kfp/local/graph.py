"""kfp.local as the walker of a compiled pipeline: what is reached of it, in one place."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fairing_kfp.local.event import Event
from fairing_kfp.local.launcher import RUN_FOLDER

_REUSED = re.compile(r"Task (?P<task>\S+) cache hit \(key=(?P<key>\w+)\)")


def walk(text: str, arguments: dict[str, Any], run: Path, reuse: Path | None, tell: Callable[[Event], None]) -> Any:
    """Runs a compiled pipeline with kfp.local's SubprocessRunner; gives its outputs.

    Args:
        text: the pipeline as YAML; the commands of its steps are launchers.
        arguments: the pipeline's parameters.
        run: the folder of this run.
        reuse: the folder that remembers the outputs of earlier steps, or None.
        tell: is given what happens.

    Raises:
        RuntimeError: a step failed; kfp's words, as the event told it all.
    """
    from kfp import components, local
    from kfp.local import config

    before = config.LocalExecutionConfig.instance
    with warnings.catch_warnings(), _telling(tell), _variable(RUN_FOLDER, str(run)), _optional_integers():
        warnings.simplefilter("ignore")  # kfp warns of settings that have no meaning here, such as memory
        try:
            pipeline = components.load_component_from_text(text)
            local.init(
                runner=local.SubprocessRunner(use_venv=False),
                pipeline_root=str(run / ".kfp"),
                raise_on_error=True,
                enable_caching=reuse is not None,
                cache_root=str(reuse) if reuse else None,
            )
            return pipeline(**arguments).outputs
        finally:
            config.LocalExecutionConfig.instance = before


class _Listener(io.TextIOBase):
    """Stands for standard output: hears events, and keeps what else kfp says from the screen."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._line = ""

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            event = Event.parse(line)
            if event:
                self._tell(event)
        return len(text)

    def writable(self) -> bool:
        return True


class _Watcher(logging.Handler):
    """Hears of steps whose earlier outputs kfp.local uses again: it says so in its log alone."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        super().__init__(logging.INFO)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        found = _REUSED.match(record.getMessage())
        if found:
            self._tell(Event("reuse", found["task"], found["key"]))


@contextlib.contextmanager
def _telling(tell: Callable[[Event], None]) -> Iterator[None]:
    screen = sys.stdout

    def outside(event: Event) -> None:
        with contextlib.redirect_stdout(screen):
            tell(event)

    logger, watcher = logging.getLogger(), _Watcher(outside)
    level = logger.level
    logger.addHandler(watcher)
    logger.setLevel(min(level, logging.INFO))
    try:
        with contextlib.redirect_stdout(_Listener(outside)):
            yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(watcher)


@contextlib.contextmanager
def _optional_integers() -> Iterator[None]:
    """Leaves out inputs without a value: kfp.local would take the `int` of them."""
    from kfp.local import executor_input_utils

    original = executor_input_utils.executor_input_to_dict

    def to_dict(executor_input: Any, component_spec: Any) -> Any:
        values = executor_input.inputs.parameter_values
        for name in [name for name, value in values.items() if value.WhichOneof("kind") in (None, "null_value")]:
            del values[name]
        return original(executor_input, component_spec)

    executor_input_utils.executor_input_to_dict = to_dict
    try:
        yield
    finally:
        executor_input_utils.executor_input_to_dict = original


@contextlib.contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
