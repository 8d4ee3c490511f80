"""Scripts that are read, and then run with a command line made from what was read."""

from __future__ import annotations

import contextlib
import logging
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.preprocess.arguments.inputs import Inputs, inputs_of
from fairing_kfp.preprocess.arguments.read import read_arguments
from tests.support.hugging_face import HfArgumentParser

Run = Callable[..., Any]


def inputs(text: str, declared: dict[str, Any] | None = None, command: str = "", file: str = "train.py") -> Inputs:
    """The inputs of a script."""
    return inputs_of(read_arguments(textwrap.dedent(text), file, command), declared or {}, file)


@contextlib.contextmanager
def same_logging() -> Iterator[None]:
    """Restores the logging of this process, which Hydra configures: it may disable every logger there is."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    loggers = [one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    disabled = [one.disabled for one in loggers]
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers
        for logger, was in zip(loggers, disabled, strict=True):
            logger.disabled = was


def runner(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Run:
    """What runs a script in this process with the command line for some values, and returns what it shows."""
    transformers = types.ModuleType("transformers")
    transformers.HfArgumentParser = HfArgumentParser  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "transformers", transformers)
    monkeypatch.chdir(folder)
    file = str(folder / "train.py")

    def run(
        text: str, values: dict[str, Any], declared: dict[str, Any] | None = None, command: str = "", **others: str
    ) -> Any:
        for name, content in others.items():
            module = types.ModuleType(name)
            monkeypatch.setitem(sys.modules, name, module)
            exec(textwrap.dedent(content), module.__dict__)
        made = inputs(text, declared, command, file)
        assert set(values) <= {parameter.name for parameter in made.parameters}
        words = made.line.words(values)
        shown: list[Any] = []
        main = types.ModuleType("__main__")
        main.__dict__.update(show=shown.append, __file__=file)
        monkeypatch.setitem(sys.modules, "__main__", main)
        monkeypatch.setattr(sys, "argv", ["train.py", *words])
        try:
            with same_logging():
                exec(compile(textwrap.dedent(text), file, "exec", dont_inherit=True), main.__dict__)
        except SystemExit as end:
            if end.code:
                raise AssertionError(f"exit code {end.code} for {words}") from end
        assert shown, words
        return shown[-1]

    return run
